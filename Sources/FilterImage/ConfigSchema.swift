// SPDX-License-Identifier: Apache-2.0

package import Diagnostics
package import JSON

/// The schema of a filter's configuration: JSON Schema, draft 2020-12.
///
/// A filter's image may carry one, so that a wrong configuration is found before a proxy refuses it. Nothing is
/// ignored in silence: a keyword that is not known, or a reference that leaves the document, is an error when the schema
/// is read. Keywords that only describe (`title`, `default`, `format`, …) are accepted and have no effect.
package struct ConfigSchema: Sendable {
    let nodes: [SchemaNode]
    /// Whether a keyword asks what other keywords have looked at; keeping record costs time.
    let tracksEvaluation: Bool
    /// The schema as a value.
    package let document: JSONValue

    /// Reads a schema from JSON text.
    package init(_ jsonText: String) throws(ConfigSchemaError) {
        try self.init(bytes: Array(jsonText.utf8))
    }

    /// Reads a schema from the bytes of a JSON text.
    package init(bytes: [UInt8]) throws(ConfigSchemaError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw ConfigSchemaError(.notJSON, "the schema is not JSON: \(error)")
        }
        try self.init(document)
    }

    /// Reads a schema.
    package init(_ document: JSONValue) throws(ConfigSchemaError) {
        var compiler = SchemaCompiler()
        nodes = try compiler.compile(document: document)
        tracksEvaluation = nodes.contains { node in
            node.keywords.contains {
                switch $0 {
                case .unevaluatedItems, .unevaluatedProperties: true
                default: false
                }
            }
        }
        self.document = document
    }

    /// Holds a configuration against the schema.
    /// - Returns: every rule that is broken, in the order of the configuration; none if all hold.
    /// - Throws: if the schema never comes to an end on this configuration, or only after far too long.
    package func validate(_ configuration: JSONValue) throws(ConfigSchemaError) -> [Violation] {
        var evaluation = SchemaEvaluation(schema: self)
        return try evaluation.evaluate(node: 0, configuration, at: InstancePath(), depth: 0).violations
    }

    /// Holds a configuration, given as JSON text, against the schema.
    package func validate(json text: String) throws(ConfigSchemaError) -> [Violation] {
        let configuration: JSONValue
        do {
            configuration = try JSONValue(parsing: text)
        } catch {
            throw ConfigSchemaError(.notJSON, "the configuration is not JSON: \(error)")
        }
        return try validate(configuration)
    }

    /// A rule of the schema that a configuration breaks.
    package struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// Where in the configuration, as a JSON pointer (RFC 6901); empty for the whole.
        package let pointer: String
        /// What the schema asks for, in words.
        package let expected: String
        /// What is there, in words.
        package let found: String
        /// Where in the schema the rule is, as a JSON pointer that ends in the keyword.
        package let rule: String

        package var description: String {
            "\(pointer.isEmpty ? "the configuration" : "\"\(pointer)\""): expected \(expected), found \(found)"
        }
    }
}

/// Why a schema cannot be used.
package struct ConfigSchemaError: Diagnostic, Hashable {
    /// What kind of trouble it is.
    package struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The text is not JSON.
        package static let notJSON = Code("notJSON")
        /// A keyword has a value that it may not have.
        package static let malformed = Code("malformed")
        /// A keyword that is not known.
        package static let unknownKeyword = Code("unknownKeyword")
        /// A keyword, dialect or reference that is known and that this reader cannot honour.
        package static let unsupported = Code("unsupported")
        /// A reference to nothing.
        package static let danglingReference = Code("danglingReference")
        /// Checking would not end, or far too late.
        package static let tooComplex = Code("tooComplex")
    }

    package let code: Code
    package let message: String
    package let hint: String?
    package var category: DiagnosticCategory { .usage }

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}
