// SPDX-License-Identifier: Apache-2.0

import Deployment
import HostProfiles
import JSON
import SystemPackage
import TestSupport
import Testing

/// What is rendered, held against the schemas that the targets' projects publish.
@Suite(
    .enabled(if: !PublishedSchema.files.isEmpty, "needs published CustomResourceDefinitions in WASME_CRDS"))
struct PublishedSchemaTests {
    private static func schema(
        of object: KubernetesObject, in file: FilePath? = nil
    ) throws -> PublishedSchema? {
        let version = String(object.apiVersion.split(separator: "/").last ?? "")
        for file in file.map({ [$0] }) ?? PublishedSchema.files
        where file.lastComponent != "istio-1.20.8.yaml" {
            if let schema = try PublishedSchema(
                kind: object.kind, group: object.group, version: version, in: file)
            {
                return schema
            }
        }
        return nil
    }

    @Test func `every object is one that its project's schema takes, and a wrong one is not`() throws {
        var checked: Set<String> = []
        for (name, plan) in try Samples.plans() {
            for object in plan.objects {
                guard let schema = try Self.schema(of: object) else { continue }
                checked.insert(object.kind)
                #expect(try schema.problems(object.value.json) == [], "\(name)")
                // Not a schema that takes everything: each of these an API server refuses or takes away.
                var unknown = object
                unknown.body = [.init(key: "spec", value: Self.adding("noSuchField", to: object))]
                #expect(try schema.problems(unknown.value.json) != [], "\(name)")
                var wrongType = object
                wrongType.body = [.init(key: "spec", value: "text")]
                #expect(try schema.problems(wrongType.value.json) != [], "\(name)")
            }
        }
        #expect(
            checked.isSuperset(of: ["WasmPlugin", "TrafficExtension", "EnvoyFilter", "EnvoyExtensionPolicy"]))
    }

    private static func adding(_ name: String, to object: KubernetesObject) -> ConfigValue {
        guard case .map(let fields)? = object.body.first?.value else { return [:] }
        return .map(fields + [.init(key: name, value: true)])
    }

    @Test func `values that a schema does not list are refused`() throws {
        let request = try Samples.request(labels: ["app": "shop"])
        let object = try Samples.istio(.wasmPlugin, for: request).plan(request).objects[0]
        let schema = try #require(try Self.schema(of: object))
        for (key, value) in [
            ("failStrategy", "FAIL_SOMEHOW"), ("sha256", "not hexadecimal"), ("url", ""),
            ("phase", 3), ("match", [["mode": "SIDEWAYS"]]), ("match", [["ports": [["number": 70_000]]]]),
            ("vmConfig", ["env": [["value": "no name"]]]), ("pluginConfig", "text"),
        ] as [(String, ConfigValue)] {
            var wrong = object
            guard case .map(let fields)? = object.body.first?.value else { continue }
            wrong.body = [
                .init(
                    key: "spec",
                    value: .map(fields.filter { $0.key != key } + [.init(key: key, value: value)]))
            ]
            #expect(try schema.problems(wrong.value.json) != [], "\(key)")
        }
    }

    @Test func `a plugin for an old Istio is one that the schema of that time takes`() throws {
        let file = PublishedSchema.folder.appending("istio-1.20.8.yaml")
        guard PublishedSchema.files.contains(file) else { return }
        let schema = try #require(
            try PublishedSchema(
                kind: "WasmPlugin", group: "extensions.istio.io", version: "v1alpha1", in: file))
        var request = try Samples.request(labels: ["app": "shop"], version: "1.20") { request in
            request.deployment.failurePolicy = .reload
        }
        let plan = try Samples.istio(.wasmPlugin, for: request).plan(request)
        #expect(try schema.problems(plan.objects[0].value.json) == [])
        // The same for a newer one is refused there: the version matters.
        request.version = .init("1.27")
        let newer = try Samples.istio(.wasmPlugin, for: request).plan(request)
        #expect(try schema.problems(newer.objects[0].value.json).count == 1)
    }
}
