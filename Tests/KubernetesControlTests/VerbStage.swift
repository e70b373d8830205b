// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import OCI
import SystemPackage
import TestSupport
import Testing

/// Somebody with the tool, an image in a registry, and an API server that knows the kinds of all targets.
struct VerbStage: Sendable {
    let scratch: ScratchDirectory
    let image: String
    /// The same in the form that Gloo's control plane takes.
    let artifact: String
    let environment: [String: String]

    /// One target, with two ways to be told where a filter runs.
    struct Target: Sendable, CustomTestStringConvertible {
        let word: String
        /// `spec.deployment` of a file; `SPACE` stands for the test's namespace.
        let first: String
        let second: String
        /// What the command line says besides the image.
        let arguments: [String]
        /// The options of other verbs.
        var options: [String] = ["-n", "SPACE"]
        /// The object that has the filter.
        let object: String
        /// What has to be there before.
        var before: String?

        var testDescription: String { word }
    }

    static let targets: [Target] = [
        Target(
            word: "istio", first: "istio: {namespace: SPACE, labels: {app: web}}",
            second: "istio: {namespace: SPACE, labels: {app: api, tier: '2'}}",
            arguments: ["-n", "SPACE", "-l", "app=web"], object: "wasmplugins.extensions.istio.io/verbs"),
        Target(
            word: "envoy-gateway",
            first:
                "envoyGateway: {namespace: SPACE, targetRefs: [{kind: HTTPRoute, name: web}], mergeType: JSONMerge, certificateAuthority: ca}",
            second:
                "envoyGateway: {namespace: SPACE, targetRefs: [{kind: Gateway, name: edge, sectionName: s}]}",
            arguments: ["-n", "SPACE", "--target", "HTTPRoute/web"],
            object: "envoyextensionpolicies.gateway.envoyproxy.io/verbs"),
        Target(
            word: "gloo",
            first: "gloo: {namespace: SPACE, gateway: edge, stage: AuthZStage, predicate: After}",
            second: "gloo: {namespace: SPACE, gateway: edge, modulePath: /m.wasm}",
            arguments: ["-n", "SPACE", "--gateway", "edge"], options: ["-n", "SPACE", "--gateway", "edge"],
            object: "gateways.gateway.solo.io/edge",
            before: """
                {"apiVersion": "gateway.solo.io/v1", "kind": "Gateway",
                 "metadata": {"name": "edge", "namespace": "SPACE"}, "spec": {"bindPort": 8080}}
                """),
        Target(
            word: "higress",
            first:
                "higress: {namespace: SPACE, defaultDisabled: true, rules: [{ingresses: [a/b], domains: ['*.x'], config: {a: 1.50}}]}",
            second: "higress: {namespace: SPACE, rules: [{services: [s], disabled: true}]}",
            arguments: ["-n", "SPACE"], object: "wasmplugins.extensions.higress.io/verbs"),
        Target(
            word: "kuma",
            first: "kuma: {namespace: SPACE, labels: {app: web}, module: {file: /w/m.wasm}, volume: wasm}",
            second:
                "kuma: {namespace: SPACE, mesh: other, module: {url: 'http://m.example/m.wasm', sha256: '\(String(repeating: "5a", count: 32))'}}",
            arguments: ["-n", "SPACE", "--module-file", "/w/m.wasm"],
            object: "meshproxypatches.kuma.io/verbs"),
        Target(
            word: "consul", first: "consul: {namespace: SPACE, service: web, module: {file: /w/m.wasm}}",
            second:
                "consul: {namespace: SPACE, service: web, moduleService: m, module: {url: 'http://m.example/m.wasm', sha256: '\(String(repeating: "5a", count: 32))'}}",
            arguments: ["-n", "SPACE", "--service", "web", "--module-file", "/w/m.wasm"],
            options: ["-n", "SPACE", "--service", "web"],
            object: "servicedefaults.consul.hashicorp.com/web",
            before: """
                {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": "ServiceDefaults",
                 "metadata": {"name": "web", "namespace": "SPACE"}, "spec": {"protocol": "http"}}
                """),
        Target(
            word: "cilium",
            first:
                "cilium: {namespace: SPACE, services: [{name: web, namespace: SPACE, port: 80}], modulePath: /w/m.wasm}",
            second:
                "cilium: {namespace: SPACE, services: [{name: web, namespace: SPACE}, {name: b, namespace: SPACE}], modulePath: /n.wasm}",
            arguments: ["-n", "SPACE", "--service", "SPACE/web:80", "--module-path", "/w/m.wasm"],
            object: "ciliumenvoyconfigs.cilium.io/verbs"),
    ]

    /// A small kind that takes everything, in place of a published definition.
    static func definition(_ resource: String, _ kind: String, _ version: String) -> String {
        let parts = resource.split(separator: ".", maxSplits: 1)
        return """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: \(resource)}
            spec:
              group: \(parts[1])
              scope: Namespaced
              names: {kind: \(kind), plural: \(parts[0]), singular: \(kind.lowercased()), listKind: \(kind)List}
              versions:
              - name: \(version)
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec: {type: object, x-kubernetes-preserve-unknown-fields: true}

            """
    }

    /// Makes the kinds of all targets known.
    static func define() async throws {
        try await Cluster.define()
        let kinds = [
            ("envoyextensionpolicies.gateway.envoyproxy.io", "EnvoyExtensionPolicy", "v1alpha1"),
            ("wasmplugins.extensions.higress.io", "WasmPlugin", "v1alpha1"),
            ("meshproxypatches.kuma.io", "MeshProxyPatch", "v1alpha1"),
            ("containerpatches.kuma.io", "ContainerPatch", "v1alpha1"),
            ("gateways.gateway.solo.io", "Gateway", "v1"),
            ("servicedefaults.consul.hashicorp.com", "ServiceDefaults", "v1alpha1"),
            ("ciliumenvoyconfigs.cilium.io", "CiliumEnvoyConfig", "v2"),
        ]
        let text = kinds.map { definition($0.0, $0.1, $0.2) }.joined(separator: "---\n")
        try await Cluster.server.define(text)
    }

    /// Works with an image in a registry that is there until the work is done.
    static func run(_ work: @Sendable (VerbStage) async throws -> Void) async throws {
        let scratch = try ScratchDirectory("verbs")
        try await DockerRegistry.run { registry in
            let stage = VerbStage(
                scratch: scratch, image: "\(registry.address)/acme/verbs:v1",
                artifact: "\(registry.address)/acme/verbs:artifact",
                environment: [
                    "WASME_HOME": scratch.appending("home").string, "HOME": scratch.path.string,
                    "DOCKER_CONFIG": scratch.appending("docker").string, "WASME_WHO": "anna@build-1",
                    "KUBECONFIG": try Cluster.server.administrator.string,
                ])
            try await stage.push(stage.image, TinyFilter())
            let copied = try await stage.wasme([
                "copy", stage.image, stage.artifact, "--variant", "artifact",
            ])
            try #require(copied.status == 0, "\(copied.stderr)")
            try await work(stage)
        }
    }

    func image(for target: Target) -> String { target.word == "gloo" ? artifact : image }

    func push(_ image: String, _ filter: TinyFilter) async throws {
        let module = scratch.appending("filter.wasm")
        try Files.replace(module, with: filter.bytes)
        for arguments in [
            ["build", "precompiled", module.string, "-t", image, "--root-id", "add_header", "--no-check"],
            ["push", image],
        ] {
            let outcome = try await wasme(arguments)
            try #require(outcome.status == 0, "\(outcome.stderr)")
        }
    }

    func wasme(
        _ arguments: [String], in space: String = "", _ more: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        try await TestSupport.run(
            buildFolder.appending("wasme"), arguments.map { $0.replacing("SPACE", with: space) },
            environment: environment.merging(more) { $1 }, in: scratch.path)
    }

    /// Deploys a file.
    func deploy(
        _ target: Target, _ section: String, configuration: String, in space: String
    ) async throws -> ProcessOutcome {
        let file = scratch.appending("deployment.yaml")
        let text = """
            apiVersion: wasme.io/v1
            kind: FilterDeployment
            metadata: {name: verbs}
            spec:
              filter: {image: "\(image(for: target))", config: \(configuration), rootID: add_header}
              deployment: {\(section.replacing("SPACE", with: space))}

            """
        try Files.replace(file, with: Array(text.utf8))
        return try await wasme(["deploy", "-f", file.string])
    }

    /// What the API server has of a target's object.
    func live(_ target: Target, in space: String) async throws -> JSONObject? {
        let text = try await Cluster.server.kubectl([
            "get", target.object, "-n", space, "--ignore-not-found", "-o", "json",
        ])
        return try text.isEmpty ? nil : JSONValue(parsing: text).object
    }

    /// Makes what a target wants to be there before.
    func prepare(_ target: Target, in space: String) async throws {
        guard let before = target.before else { return }
        try await Cluster.server.kubectl(
            ["create", "-f", "-"], input: before.replacing("SPACE", with: space))
    }
}
