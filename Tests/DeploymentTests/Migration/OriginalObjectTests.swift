// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import TestSupport
import Testing

/// Which objects are taken for the original's, and which are not touched.
@Suite struct OriginalObjectTests {
    @Test(arguments: [
        ("typed", OriginalSamples.filter()),
        ("typed-snake", OriginalSamples.filter(value: OriginalSamples.typed(snake: true))),
        ("untyped", OriginalSamples.filter(value: OriginalSamples.untyped())),
        ("outbound", OriginalSamples.filter(match: OriginalSamples.match("SIDECAR_OUTBOUND", modern: true))),
        ("gateway", OriginalSamples.filter(match: OriginalSamples.match("GATEWAY"))),
        ("any", OriginalSamples.filter(match: OriginalSamples.match(nil))),
        ("vm", OriginalSamples.filter(value: OriginalSamples.typed(vmID: "shared"))),
        ("bare", OriginalSamples.filter(value: OriginalSamples.typed(configuration: nil))),
        ("operator-id", OriginalSamples.filter(id: "auth.shop")),
    ])
    func `every form of a filter becomes a document that is read again`(
        _ name: String, _ object: String
    ) throws {
        let plan = try OriginalSamples.plan([object])
        #expect(plan.leftAlone.isEmpty, "\(plan.leftAlone.map(\.reason))")
        #expect(plan.replaced.count == 1)
        let yaml = OriginalSamples.yaml(plan)
        try expectGolden(yaml, "Deployment/migration/\(name).yaml")
        let read = try FilterDeploymentFile.read(yaml, file: "new.yaml")
        #expect(read == plan.steps.flatMap(\.documents))
    }

    @Test(arguments: [
        ("match: ", "priority: 3\n    match: "),
        ("INSERT_BEFORE", "INSERT_FIRST"),
        ("HTTP_FILTER", "NETWORK_FILTER"),
        ("context: SIDECAR_INBOUND", "context: SIDECAR_INBOUND, proxy: {proxyVersion: '1.9.*'}"),
        ("name: web-auth", "name: something"),
        ("/var/local/lib/wasme-cache/ab", "/var/local/lib/wasme-cache/my"),
        ("envoy.wasm.runtime.v8", "envoy.wasm.runtime.wavm"),
        ("vmId: auth", "vmId: auth, allowPrecompiled: true"),
        ("rootId: auth_root", "rootId: auth_root, failOpen: true"),
        ("StringValue", "Int32Value"),
        ("  configPatches:\n", "  configPatches:\n  - {applyTo: CLUSTER}\n"),
        ("{labels: {app: web}}", "{}"),
        ("envoy.router", "envoy.cors"),
    ])
    func `a filter that somebody has edited is left alone, with the reason`(
        _ old: String, _ new: String
    ) throws {
        let edited = OriginalSamples.filter().replacing(old, with: new)
        #expect(edited != OriginalSamples.filter())
        let plan = try OriginalSamples.plan([edited])
        #expect(plan.steps.isEmpty)
        #expect(plan.leftAlone.map(\.object.kind) == ["EnvoyFilter"])
        #expect(plan.leftAlone.first?.reason.isEmpty == false)
    }

    @Test func `objects of others are passed over`() throws {
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter().replacing("/var/local/lib/wasme-cache", with: "/opt/filters"),
            OriginalSamples.workload(annotations: #"{sidecar.istio.io/userVolume: '[{"name":"tmp"}]'}"#),
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wasme-cache, namespace: shop}\n",
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: fluentd, namespace: wasme}\nspec: {}\n",
        ])
        #expect(plan.isEmpty)
    }

    @Test func `lists as kubectl prints them are read like documents, in YAML and in JSON`() throws {
        let one = OriginalSamples.filter()
        let indented = one.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
        let list = "apiVersion: v1\nkind: List\nitems:\n-" + indented.joined(separator: "\n").dropFirst()
        let read = try OriginalObject.read(list, file: "list.yaml")
        #expect(read.map(\.title) == ["EnvoyFilter \"shop/web-auth\""])
        #expect(read.first?.place == "list.yaml:4")
        let json =
            #"{"kind":"EnvoyFilterList","apiVersion":"v1","items":[{"kind":"A","metadata":{"name":"x"}}]}"#
        #expect(try OriginalObject.read(json, file: "j", namespace: "shop").map(\.title) == ["A \"shop/x\""])
    }

    @Test(arguments: [
        ("a: [1", "old.yaml:"), ("", "\"old.yaml\" is empty"), ("- 1\n", "old.yaml:1:1: this is no object"),
        ("metadata: {name: x}\n", "it lacks \"kind\""), ("kind: Pod\n", "it lacks \"metadata.name\""),
        ("kind: List\nitems: [x]\n", "old.yaml:2:9: this is no object of Kubernetes: it is \"x\""),
    ])
    func `what is no object is refused with its place`(_ text: String, _ message: String) throws {
        do {
            _ = try OriginalObject.read(text, file: "old.yaml")
            Issue.record("read \"\(text)\"")
        } catch let error as DeploymentError {
            #expect(error.message.contains(message), "\(error.message)")
            #expect(error.category == .usage)
        }
    }

    @Test
    func `of the installation only what is as the original wrote it goes, and a definition of ours stays`()
        throws
    {
        func object(_ kind: String, _ name: String, _ rest: String, namespace: String? = "wasme") -> String {
            "apiVersion: v1\nkind: \(kind)\nmetadata: {name: \(name)\(namespace.map { ", namespace: \($0)" } ?? "")}\n\(rest)\n"
        }
        let name = "filterdeployments.wasme.io"
        let daemon =
            "spec: {template: {spec: {volumes: [{hostPath: {path: /var/local/lib/wasme-cache}}], containers: [{args: [cache]}]}}}"
        let binding =
            "roleRef: {kind: Role, name: wasme-cache}\nsubjects: [{kind: ServiceAccount, name: wasme-cache}]"
        let inventory = try OriginalSamples.inventory([
            object("CustomResourceDefinition", name, "spec: {version: v1, group: wasme.io}", namespace: nil)
                .replacing("apiVersion: v1", with: "apiVersion: apiextensions.k8s.io/v1beta1"),
            object("ServiceAccount", "wasme-cache", ""),
            object(
                "Role", "wasme-cache", "rules: [{apiGroups: [''], resources: [events], verbs: [create]}]"),
            object("RoleBinding", "wasme-cache", binding), object("DaemonSet", "wasme-cache", daemon),
            object("ConfigMap", "wasme-cache", "data: {images: \"a/b:v1\\nc/d:v2\"}"),
            object(
                "Deployment", "wasme-operator", "spec: {template: {spec: {containers: [{args: [operator]}]}}}"
            ),
        ])
        #expect(
            inventory.installation.map(\.kind) == [
                "Deployment", "DaemonSet", "ConfigMap", "RoleBinding", "Role", "ServiceAccount",
                "CustomResourceDefinition",
            ])
        #expect(inventory.images == ["a/b:v1", "c/d:v2"])
        let ours = try OriginalSamples.inventory([
            FilterDeploymentFile.resourceDefinition, object("DaemonSet", "wasme-cache", "spec: {}"),
            object("ConfigMap", "wasme-cache", "data: {images: x, more: y}"),
        ])
        #expect(ours.installation.isEmpty)
        #expect(ours.leftAlone.map(\.object.kind) == ["CustomResourceDefinition", "DaemonSet", "ConfigMap"])
    }

    @Test func `damaged objects of every kind are never a trap`() throws {
        let whole = [
            OriginalSamples.filter(), OriginalSamples.deployment(), OriginalSamples.workload(),
            OriginalSamples.filter(value: OriginalSamples.untyped()),
        ].joined(separator: "---\n")
        var lines = whole.split(separator: "\n", omittingEmptySubsequences: false)
        for index in lines.indices {
            let line = lines.remove(at: index)
            if let objects = try? OriginalObject.read(lines.joined(separator: "\n"), file: "old.yaml") {
                _ = MigrationPlan(OriginalInventory(objects), images: [:])
            }
            lines.insert(line, at: index)
        }
        for text in ["{}", "[]", "x", "1", "null", "[[]]"] {
            for path in ["spec: ", "metadata: ", "template: ", "labels: ", "value: ", "match: "] {
                let damaged = whole.replacing(path, with: "\(path)\(text)\n#")
                guard let objects = try? OriginalObject.read(damaged, file: "old.yaml") else { continue }
                _ = MigrationPlan(OriginalInventory(objects), images: [:])
            }
        }
    }
}
