// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// An OpenAPI document, read as far as these tests need it.
struct OpenAPIDescription {
    private let root: [String: Any]

    init(_ client: Client) async throws {
        let reply = try await client.send("GET", "/api/v1/openapi.json")
        try #require(reply.status == 200 && reply["Content-Type"] == "application/json")
        let value = try JSONSerialization.jsonObject(with: Data(reply.body))
        root = try #require(value as? [String: Any])
        #expect((root["openapi"] as? String)?.hasPrefix("3.1.") == true)
    }

    private func all() -> [String: [String: Any]] { root["paths"] as? [String: [String: Any]] ?? [:] }
    var paths: [String] { all().keys.sorted() }

    func operations(_ path: String) -> [String: [String: Any]] {
        all()[path]?.compactMapValues { $0 as? [String: Any] } ?? [:]
    }

    private func content(_ part: Any?) -> [String: Any]? {
        let content = (part as? [String: Any])?["content"] as? [String: Any]
        return (content?["application/json"] as? [String: Any])?["schema"] as? [String: Any]
    }

    func requestSchema(_ operation: [String: Any]) -> [String: Any] {
        content(operation["requestBody"]) ?? ["enum": []]
    }

    /// The schema of an answer, if it has a body, and whether its status is described as a success.
    func answerSchema(
        _ operation: [String: Any], _ status: Int
    ) -> (isDescribed: Bool, schema: [String: Any]?) {
        let answers = operation["responses"] as? [String: Any]
        return (answers?["\(status)"] != nil, content(answers?["\(status)"]))
    }

    /// What is wrong with a value, by the words of JSON Schema that the document uses.
    func problem(with value: Any, _ schema: [String: Any], at path: String = "$") -> String? {
        if let name = (schema["$ref"] as? String)?.split(separator: "/").last {
            let schemas = (root["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]]
            guard let schema = schemas?[String(name)] else { return "\(path): no schema \(name)" }
            return problem(with: value, schema, at: path)
        }
        if let words = schema["enum"] as? [String], !words.contains(value as? String ?? "") {
            return "\(path): \(value) is none of \(words)"
        }
        switch schema["type"] as? String {
        case "string": return value is String ? nil : "\(path) is no string"
        case "integer":
            let number = value as? NSNumber
            return number.map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
                ? nil : "\(path) is no integer"
        case "boolean": return value is Bool ? nil : "\(path) is no boolean"
        case "array":
            guard let values = value as? [Any] else { return "\(path) is no array" }
            guard let items = schema["items"] as? [String: Any] else { return nil }
            return values.enumerated().lazy.compactMap { problem(with: $1, items, at: "\(path)[\($0)]") }
                .first
        case "object":
            guard let members = value as? [String: Any] else { return "\(path) is no object" }
            for name in schema["required"] as? [String] ?? [] where members[name] == nil {
                return "\(path).\(name) is missing"
            }
            let known = schema["properties"] as? [String: [String: Any]] ?? [:]
            for (name, value) in members {
                guard let schema = known[name] ?? (schema["additionalProperties"] as? [String: Any]) else {
                    if schema["additionalProperties"] as? Bool == false {
                        return "\(path).\(name) is not described"
                    }
                    continue
                }
                if let problem = problem(with: value, schema, at: "\(path).\(name)") { return problem }
            }
            return nil
        default: return nil
        }
    }
}
