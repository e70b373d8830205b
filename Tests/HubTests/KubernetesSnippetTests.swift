// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import HubFacts
import JSON
import SystemPackage
import TestSupport
import Testing
import Yams

/// The objects of the snippets, held against the definitions of the projects that read them.
@Suite struct KubernetesSnippetTests {
    /// A folder of CustomResourceDefinitions, if this machine has one.
    static let definitions = ProcessInfo.processInfo.environment["WASME_CRDS"].map { FilePath($0) }

    @Test(
        .enabled(
            if: definitions != nil, "needs the folder of CustomResourceDefinitions that WASME_CRDS names"),
        arguments: [
            ("istio", "istio.yaml", "WasmPlugin"), ("istio", "istio-1.20.8.yaml", "WasmPlugin"),
            ("envoy-gateway", "envoy-gateway.yaml", "EnvoyExtensionPolicy"),
        ])
    func `Kubernetes takes the objects`(_ id: String, _ file: String, _ kind: String) throws {
        let folder = try #require(Self.definitions)
        let text = try String(contentsOfFile: folder.appending(file).string, encoding: .utf8)
        let all = Array(try Yams.load_all(yaml: text)).compactMap { $0 as? [String: Any] }
        let definition = try #require(
            all.first { SnippetTests.dig($0, ["spec", "names", "kind"]) as? String == kind })
        let schema = try #require(
            SnippetTests.dig(definition, ["spec", "versions", "0", "schema", "openAPIV3Schema"]))
        let checked = try ConfigSchema(
            try JSONValue(parsing: try Self.json(Self.structural(schema, isRoot: true))))
        for isNetwork in id == "istio" ? [false, true] : [false] {
            for configuration in SnippetTests.configurations {
                let installation = try SnippetTests.installation(configuration, isNetwork: isNetwork)
                let object = try SnippetTests.loaded(try SnippetTests.snippet(id, of: installation))
                let violations = try checked.validate(try JSONValue(parsing: try Self.json(object)))
                #expect(violations.isEmpty, "\(violations)")
                #expect(object["kind"] as? String == kind)
                #expect(
                    object["apiVersion"] as? String
                        == "\(SnippetTests.dig(definition, ["spec", "group"]) ?? "")/\(SnippetTests.dig(definition, ["spec", "versions", "0", "name"]) ?? "")"
                )
            }
        }
    }

    private static func json(_ value: Any) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: value))
    }

    /// A structural schema as JSON Schema: members that it does not name are refused, as the API server would drop them.
    private static func structural(_ schema: Any, isRoot: Bool = false) -> Any {
        if let list = schema as? [Any] { return list.map { structural($0) } }
        guard var object = schema as? [String: Any] else { return schema }
        let keepsUnknown = object["x-kubernetes-preserve-unknown-fields"] as? Bool == true
        for key in object.keys
        where key.hasPrefix("x-") || ["format", "nullable", "default", "example"].contains(key) {
            object[key] = nil
        }
        for key in ["items", "additionalProperties", "not", "allOf", "anyOf", "oneOf"] {
            object[key] = object[key].map { structural($0) }
        }
        if let properties = object["properties"] as? [String: Any] {
            object["properties"] = properties.mapValues { structural($0) }
            // What every object has, its definition need not name.
            let isWhole = object["type"] as? String == "object" && !isRoot
            if isWhole, !keepsUnknown, object["additionalProperties"] == nil {
                object["additionalProperties"] = false
            }
        }
        return object
    }
}
