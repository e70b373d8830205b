// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Files
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing
import Yams

/// The schema that a project publishes for one of its resources, as an API server applies it: fields that it does not list
/// would be taken away in silence, so they are errors here.
struct PublishedSchema {
    private let schema: ConfigSchema

    /// The folder with the projects' CustomResourceDefinitions, which are not ours to spread.
    static let folder: FilePath = {
        if let path = ProcessInfo.processInfo.environment["WASME_CRDS"] { return FilePath(path) }
        return repositoryRoot.removingLastComponent().pushing("shared/crds")
    }()

    /// The files of the folder; empty where it is not there.
    static let files: [FilePath] = ((try? Files.contents(folder)) ?? []).filter { $0.hasSuffix(".yaml") }
        .sorted().map { folder.appending($0) }

    /// The schema of a kind in a file; nil if the file does not have it.
    init?(kind: String, group: String, version: String, in file: FilePath) throws {
        let text = String(decoding: try Files.read(file), as: UTF8.self)
        // Some of the files are large: only the document that is wanted is parsed.
        let documents = text.components(separatedBy: "\n---").filter {
            $0.contains("\n    kind: \(kind)\n") && $0.contains("\n  group: \(group)\n")
        }
        for document in documents {
            guard let spec = try Yams.compose(yaml: document)?["spec"],
                spec["names"]?["kind"]?.string == kind,
                let served = spec["versions"]?.sequence?.first(where: { $0["name"]?.string == version }),
                let published = served["schema"]?["openAPIV3Schema"]
            else { continue }
            try self.init(openAPI: json(published))
            return
        }
        return nil
    }

    /// Reads a structural schema (Kubernetes, "Specifying a structural schema").
    init(openAPI: JSONValue) throws {
        var root = try #require(Self.converted(openAPI, isValue: true).object)
        var properties = root["properties"]?.object ?? JSONObject()
        let text = JSONValue.object(["type": .string("string")])
        let texts = JSONValue.object(["type": .string("object"), "additionalProperties": text])
        properties["apiVersion"] = text
        properties["kind"] = text
        properties["metadata"] = .object([
            "type": .string("object"), "additionalProperties": .bool(false),
            "required": .array([.string("name")]),
            "properties": .object([
                "name": .object([
                    "type": .string("string"), "pattern": .string("^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"),
                ]),
                "namespace": text, "labels": texts, "annotations": texts,
            ]),
        ])
        root["properties"] = .object(properties)
        schema = try ConfigSchema(.object(root))
    }

    /// What is wrong with an object, in the words of the schema.
    func problems(_ object: JSONValue) throws -> [String] { try schema.validate(object).map(\.description) }

    /// OpenAPI 3.0 with the extensions of Kubernetes, as JSON Schema 2020-12.
    ///
    /// `isValue`: whether it says what a value is made of; below `not`, `anyOf` and the like it only narrows.
    private static func converted(_ schema: JSONValue, isValue: Bool) -> JSONValue {
        guard let old = schema.object else { return schema }
        var new = JSONObject()
        let keeps = old["x-kubernetes-preserve-unknown-fields"] == .bool(true)
        let isIntOrString = old["x-kubernetes-int-or-string"] == .bool(true)
        for (name, value) in old.members {
            switch name {
            case "properties":
                var properties = JSONObject()
                for (key, below) in value.object?.members ?? [] {
                    properties[key] = converted(below, isValue: isValue)
                }
                new[name] = .object(properties)
            case "items", "not": new[name] = converted(value, isValue: isValue && name == "items")
            case "additionalProperties": new[name] = converted(value, isValue: isValue)
            case "allOf", "anyOf", "oneOf":
                // The variants of a number or a text are said by the extension.
                if isIntOrString { continue }
                new[name] = .array((value.array ?? []).map { converted($0, isValue: false) })
            case "type":
                if isIntOrString {
                    new[name] = .array([.string("integer"), .string("string")])
                } else {
                    new[name] = old["nullable"] == .bool(true) ? .array([value, .string("null")]) : value
                }
            case "enum", "required", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems",
                "maxItems", "minProperties", "maxProperties", "uniqueItems", "multipleOf":
                new[name] = value
            default: break
            }
        }
        let isObject = old["type"] == .string("object") || old["properties"] != nil
        if isValue, isObject, !keeps, old["additionalProperties"] == nil {
            new["additionalProperties"] = .bool(false)
        }
        // Go's regular expressions are not quite those of JSON Schema: those that are not both are passed over.
        if let pattern = new["pattern"]?.string, !isCommon(pattern) { new["pattern"] = nil }
        return .object(new)
    }

    private static func isCommon(_ pattern: String) -> Bool {
        let schema = JSONValue.object(["pattern": .string(pattern)])
        return (try? ConfigSchema(schema)) != nil
    }
}

/// A parsed document as JSON.
func json(_ node: Node) -> JSONValue {
    switch node {
    case .scalar(let scalar):
        switch node.tag.description {
        case "tag:yaml.org,2002:bool": .bool(node.bool ?? false)
        case "tag:yaml.org,2002:null": .null
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float":
            JSONNumber(scalar.string).map { .number($0) } ?? .string(scalar.string)
        default: .string(scalar.string)
        }
    case .sequence(let list): .array(list.map(json))
    case .mapping(let map):
        .object(
            map.reduce(into: JSONObject()) { object, pair in
                object[pair.key.string ?? ""] = json(pair.value)
            })
    case .alias: .null
    }
}
