// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing

/// Folders with objects, as plans and people leave them.
@Suite struct KubernetesFolderTests {
    private let scratch: ScratchDirectory
    private var folder: KubernetesFolder { KubernetesFolder(scratch.path) }

    init() throws { scratch = try ScratchDirectory("folder") }

    private func write(_ plan: KubernetesPlan) throws -> [WrittenFile.Change] {
        let changes = try folder.changes(for: plan)
        for change in changes { try change.carryOut() }
        return changes.map(\.kind)
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Files.read(scratch.appending(name)), as: UTF8.self)
    }

    /// What a deploy does: the plan is made with what is there.
    private func deploy(
        _ id: String = "add-header", configuration: String? = nil
    ) throws
        -> [WrittenFile.Change]
    {
        var request = try Samples.request(labels: ["app": "web"]) {
            $0.deployment.id = id
            $0.deployment.configuration = configuration
        }
        request.live = try folder.items().map(\.object)
        let target = Samples.istio(.wasmPlugin, for: request)
        let plan = try target.plan(request)
        _ = try target.conflicts(of: plan, with: request.live)
        return try write(plan)
    }

    @Test func `an object of another kind takes the place of the one before, with its history`() throws {
        _ = try deploy("other")
        _ = try deploy()
        var request = try Samples.request(labels: ["app": "web"]) { $0.deployment.capabilities = [] }
        request.live = try folder.items().map(\.object)
        let target = IstioTarget(for: request)
        let plan = try target.plan(request)
        let changes = try folder.changes(
            for: plan, in: ["extensions.istio.io", "networking.istio.io"])
        #expect(changes.map(\.kind) == [.removed, .created, .changed])
        for change in changes { try change.carryOut() }
        #expect(
            try Files.contents(scratch.path).sorted() == [
                "kustomization.yaml", "shop.envoyfilter.add-header.yaml", "shop.wasmplugin.other.yaml",
            ])
        #expect(!(try text("kustomization.yaml").contains("wasmplugin.add-header")))
        let live = try #require(
            try folder.items().first { $0.file == "shop.envoyfilter.add-header.yaml" }?.object)
        #expect(KubernetesStamp.history(of: "add-header", in: live).revisions.map(\.number) == [1, 2])
        // Kinds of other targets stay.
        #expect(
            try folder.changes(for: plan, in: ["networking.istio.io"]).allSatisfy { $0.kind == .unchanged })
    }

    @Test func `a folder gets a file for each object and a kustomization`() throws {
        let proxies = try Samples.request(namespace: nil, labels: ["app": "backend"])
        var options = try Samples.kuma()
        options.volume = "wasm"
        let plan = try KumaTarget(options).plan(proxies)
        #expect(try write(plan) == [.created, .created, .created])
        #expect(
            try Files.contents(scratch.path) == [
                "kuma-system.containerpatch.add-header.yaml", "kuma-system.meshproxypatch.add-header.yaml",
                "kustomization.yaml",
            ])
        #expect(
            try text("kustomization.yaml") == """
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources:
                - kuma-system.containerpatch.add-header.yaml
                - kuma-system.meshproxypatch.add-header.yaml

                """)
        #expect(try write(plan) == [.unchanged, .unchanged, .unchanged])
    }

    @Test func `the history goes on in the file, and the same again changes nothing`() throws {
        #expect(try deploy(configuration: #"{"a": 1}"#) == [.created, .created])
        #expect(try deploy(configuration: #"{"a": 1}"#) == [.unchanged, .unchanged])
        #expect(try deploy(configuration: #"{"a": "é: \"x\"\n"}"#) == [.changed, .unchanged])
        #expect(try deploy(configuration: #"{"a": "é: \"x\"\n"}"#) == [.unchanged, .unchanged])
        let live = try #require(try folder.items().first?.object)
        let history = KubernetesStamp.history(of: "add-header", in: live)
        #expect(history.revisions.map(\.number) == [1, 2])
        #expect(history.revisions.map(\.deployment.configuration) == [#"{"a": 1}"#, #"{"a": "é: \"x\"\n"}"#])
    }

    @Test func `a kustomization is found by each of its names`() throws {
        for name in Kustomization.fileNames {
            try scratch.write(name, "resources:\n- other.yaml\n")
            #expect(try deploy(configuration: "{}").last == .changed)
            #expect(try text(name) == "resources:\n- other.yaml\n- shop.wasmplugin.add-header.yaml\n")
            try Files.remove(scratch.appending(name))
        }
    }

    @Test func `what the file holds has to be this deployment's object, and nothing else`() throws {
        let name = "shop.wasmplugin.add-header.yaml"
        func refusal(_ text: String, in file: String = name) throws -> DeploymentError {
            try scratch.write(file, text)
            defer { try? Files.remove(scratch.appending(file)) }
            let error = #expect(throws: DeploymentError.self) { try deploy() }
            #expect(try self.text(file) == text)
            return try #require(error)
        }
        func object(_ labels: String) -> String {
            """
            apiVersion: extensions.istio.io/v1alpha1
            kind: WasmPlugin
            metadata: {name: add-header, namespace: shop, labels: \(labels)}

            """
        }
        let ours = "{app.kubernetes.io/managed-by: wasme, wasme.io/id: add-header}"
        #expect(try refusal(object("{}")).message.contains("is not wasme's"))
        let other = try refusal(object("{app.kubernetes.io/managed-by: wasme, wasme.io/id: other}"))
        #expect(other.code == .foreign)
        #expect(try refusal(object(ours), in: "mine.yaml").message.hasSuffix("mine.yaml\" already"))
        let both = object(ours) + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
        #expect(try refusal(both).message.contains("holds other objects"))
        #expect(try refusal("a: [\n").message.contains("what it holds is no object"))
        // Others may be anything.
        try scratch.write("template.yaml", "{{ if x }}\n")
        #expect(try deploy() == [.created, .created])
    }

    @Test func `a deployment goes with its line, and comes back`() throws {
        try scratch.write("kustomization.yaml", "# ours\nresources:\n- other.yaml # why\n")
        _ = try deploy()
        _ = try deploy("second")
        let groups: Set = ["extensions.istio.io"]
        let changes = try folder.removal(of: "add-header", groups: groups, namespace: nil)
        #expect(changes.map(\.kind) == [.removed, .changed])
        for change in changes { try change.carryOut() }
        #expect(
            try text("kustomization.yaml")
                == "# ours\nresources:\n- other.yaml # why\n- shop.wasmplugin.second.yaml\n")
        for change in changes { try change.takeBack() }
        #expect(try folder.removal(of: "add-header", groups: groups, namespace: "shop").count == 2)
        for (id, groups, namespace) in [
            ("third", groups, nil), ("add-header", ["kuma.io"], nil), ("add-header", groups, "else"),
        ] as [(String, Set<String>, String?)] {
            #expect(try folder.removal(of: id, groups: groups, namespace: namespace) == [])
        }
    }

    @Test func `a list that becomes empty stays a list, and can be added to`() throws {
        _ = try deploy()
        for change in try folder.removal(of: "add-header", groups: ["extensions.istio.io"], namespace: nil) {
            try change.carryOut()
        }
        #expect(try text("kustomization.yaml").hasSuffix("\nresources: []\n"))
        #expect(try deploy() == [.created, .changed])
        #expect(
            try text("kustomization.yaml").hasSuffix("\nresources:\n- shop.wasmplugin.add-header.yaml\n"))
    }

    @Test func `a list in one line is not taken apart`() throws {
        _ = try deploy()
        try scratch.write("kustomization.yaml", "resources: [shop.wasmplugin.add-header.yaml, a.yaml]\n")
        let error = #expect(throws: DeploymentError.self) {
            try folder.removal(of: "add-header", groups: ["extensions.istio.io"], namespace: nil)
        }
        #expect(error?.code == .layout)
    }

    @Test func `filters that share an object keep each other, with what they say of themselves`() throws {
        func deploy(_ id: String) throws {
            var request = try Samples.request(namespace: nil) { $0.deployment.id = id }
            request.live = try folder.items().map(\.object)
            _ = try write(try GlooTarget(GlooOptions()).plan(request))
        }
        try deploy("one")
        try deploy("two")
        let live = try #require(try folder.items().first?.object)
        #expect(Set(KubernetesStamp.deployments(in: live)) == ["one", "two"])
        var place = KubernetesPlace()
        place.namespace = nil
        let rest = try #require(
            GlooTarget(GlooOptions()).removal(of: "one", at: place, live: [live]))
        #expect(KubernetesStamp.deployments(in: rest.value.json) == ["two"])
        #expect(KubernetesStamp.history(of: "two", in: rest.value.json).revisions.count == 1)
    }
}
