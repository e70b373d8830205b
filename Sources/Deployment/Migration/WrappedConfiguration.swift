// SPDX-License-Identifier: Apache-2.0

import JSON

/// A filter's configuration as the original wasme wrote it: JSON, a text, or a message of protobuf around one of them.
enum WrappedConfiguration {
    /// Why a value is none; says it of the field that it is given.
    struct Problem: Error {
        let message: @Sendable (_ path: String) -> String
        var hint: String?
    }

    /// Takes the configuration out of its message.
    /// - Returns: the text that the filter gets; nil for none.
    static func unwrap(_ value: JSONValue) throws(Problem) -> String? {
        if value == .null { return nil }
        if let text = value.string { return text }
        guard let object = value.object, let type = object["@type"] else { return value.description }
        let inner = object["value"]
        guard object.names.allSatisfy({ $0 == "@type" || $0 == "value" }) else {
            throw Problem { "\"\($0)\" with an \"@type\" can have a \"value\" and nothing else" }
        }
        switch (type.string ?? "").split(separator: "/").last {
        case "google.protobuf.StringValue":
            guard let text = (inner ?? .string("")).string else {
                throw Problem { "the \"value\" of the StringValue in \"\($0)\" must be a text" }
            }
            return text
        case "google.protobuf.Struct":
            guard let inner, inner.object != nil else {
                throw Problem { "the \"value\" of the Struct in \"\($0)\" must be a mapping" }
            }
            return inner.description
        default:
            throw Problem(
                message: { "\"\($0)\" is a message \(type) that is not known" },
                hint: "write the configuration itself, or a google.protobuf.StringValue or Struct")
        }
    }
}
