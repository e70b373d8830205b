// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import JSON
import SystemPackage
import TestSupport
import Testing
import Yams

@Suite struct KubernetesPlanTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("kubernetes") }

    private func plan() throws -> KubernetesPlan {
        let proxies = try Samples.request(namespace: nil, labels: ["app": "backend"])
        var options = try Samples.kuma()
        options.volume = "wasm"
        return try KumaTarget(options).plan(proxies)
    }

    @Test func `a plan is a text of documents`() throws {
        let documents = Array(try Yams.load_all(yaml: try plan().text))
        #expect(documents.count == 2)
    }

    private func adding(_ existing: String) throws -> String {
        let files = try plan().files(in: "/deploy", kustomization: existing).files
        return String(decoding: try #require(files.last).bytes, as: UTF8.self)
    }

    @Test func `a kustomization that is there keeps all it has`() throws {
        let added = [
            "kuma-system.containerpatch.add-header.yaml", "kuma-system.meshproxypatch.add-header.yaml",
        ]
        #expect(
            try adding("# ours\nresources:\n  # first\n  - a.yaml # why\n\nnamePrefix: x-\n") == """
                # ours
                resources:
                  # first
                  - a.yaml # why
                  - \(added[0])
                  - \(added[1])

                namePrefix: x-

                """)
        #expect(
            try adding("namespace: shop") == "namespace: shop\nresources:\n- \(added[0])\n- \(added[1])\n")
        #expect(
            try adding("resources:\n- \(added[1])\n- b.yaml")
                == "resources:\n- \(added[1])\n- b.yaml\n- \(added[0])\n")
        let complete = "resources: [\(added[0]), \(added[1])]\n"
        #expect(try adding(complete) == complete)
    }

    @Test(arguments: [
        "resources: [a.yaml]\n", "resources:\n- a.yaml\n- [b\n", "- a\n", "resources: {}\n", "\t: x",
    ])
    func `a kustomization that cannot be added to is left alone`(_ text: String) {
        #expect(throws: DeploymentError.self) { try adding(text) }
    }

    // MARK: - what gets in the way

    private func live(
        _ name: String, _ spec: String, labels: String = "{}", kind: String = "WasmPlugin"
    ) throws
        -> JSONValue
    {
        let group = kind == "WasmPlugin" ? "extensions.istio.io" : "gateway.envoyproxy.io"
        return try JSONValue(
            parsing: """
                {"apiVersion": "\(group)/v1alpha1", "kind": "\(kind)",
                 "metadata": {"name": "\(name)", "namespace": "shop", "labels": \(labels)}, "spec": \(spec)}
                """)
    }

    @Test func `plugins whose order nobody chose are named`() throws {
        let request = try Samples.request(labels: ["app": "shop"]) { $0.deployment.priority = 5 }
        let target = Samples.istio(.wasmPlugin, for: request)
        let plan = try target.plan(request)
        let same = try live("theirs", #"{"priority": 5, "selector": {"matchLabels": {"tier": "front"}}}"#)
        #expect(try target.conflicts(of: plan, with: [same]).first?.contains("\"theirs\"") == true)
        for spec in [
            #"{"priority": 6}"#, #"{"priority": 5, "phase": "AUTHN"}"#,
            #"{"priority": 5, "selector": {"matchLabels": {"app": "cart"}}}"#, "{}",
        ] {
            #expect(try target.conflicts(of: plan, with: [live("theirs", spec)]) == [])
        }
    }

    @Test func `an object of others is not taken`() throws {
        let request = try Samples.request(labels: ["app": "shop"])
        let target = Samples.istio(.wasmPlugin, for: request)
        let plan = try target.plan(request)
        let theirs = try live("add-header", "{}", labels: #"{"app.kubernetes.io/managed-by": "Helm"}"#)
        let error = #expect(throws: DeploymentError.self) { try target.conflicts(of: plan, with: [theirs]) }
        #expect(error?.message.contains("\"Helm\"") == true)
        #expect(throws: DeploymentError.self) {
            try target.conflicts(of: plan, with: [live("add-header", "{}")])
        }
        #expect(try target.conflicts(of: plan, with: [plan.objects[0].value.json]) == [])
    }

    @Test func `a second policy for a route is an error that names the first`() throws {
        let request = try Samples.request { $0.place.targets = [Samples.route] }
        let plan = try EnvoyGatewayTarget().plan(request)
        let spec = #"{"targetRefs": [{"group": "g", "kind": "HTTPRoute", "name": "shop"}]}"#
        let first = try live("first", spec, kind: "EnvoyExtensionPolicy")
        let error = #expect(throws: DeploymentError.self) {
            try EnvoyGatewayTarget().conflicts(of: plan, with: [first])
        }
        #expect(error?.message.contains("\"first\"") == true)
        let other = #"{"targetRefs": [{"group": "g", "kind": "HTTPRoute", "name": "cart"}]}"#
        #expect(
            try EnvoyGatewayTarget().conflicts(
                of: plan, with: [live("second", other, kind: "EnvoyExtensionPolicy")]) == [])
    }
}
