// SPDX-License-Identifier: Apache-2.0

import Files
import JSON
import SystemPackage
import TestSupport
import Testing

/// One target, with two ways to be told where a filter runs.
struct VerbTarget: Sendable, CustomTestStringConvertible {
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

    static let all: [VerbTarget] = [
        VerbTarget(
            word: "istio", first: "istio: {namespace: SPACE, labels: {app: web}}",
            second: "istio: {namespace: SPACE, labels: {app: api, tier: '2'}}",
            arguments: ["-n", "SPACE", "-l", "app=web"], object: "wasmplugins.extensions.istio.io/verbs"),
        VerbTarget(
            word: "envoy-gateway",
            first:
                "envoyGateway: {namespace: SPACE, targetRefs: [{kind: HTTPRoute, name: web}], mergeType: JSONMerge, certificateAuthority: ca}",
            second:
                "envoyGateway: {namespace: SPACE, targetRefs: [{kind: Gateway, name: edge, sectionName: s}]}",
            arguments: ["-n", "SPACE", "--target", "HTTPRoute/web"],
            object: "envoyextensionpolicies.gateway.envoyproxy.io/verbs"),
        VerbTarget(
            word: "gloo",
            first: "gloo: {namespace: SPACE, gateway: edge, stage: AuthZStage, predicate: After}",
            second: "gloo: {namespace: SPACE, gateway: edge, modulePath: /m.wasm}",
            arguments: ["-n", "SPACE", "--gateway", "edge"], options: ["-n", "SPACE", "--gateway", "edge"],
            object: "gateways.gateway.solo.io/edge",
            before: """
                {"apiVersion": "gateway.solo.io/v1", "kind": "Gateway",
                 "metadata": {"name": "edge", "namespace": "SPACE"}, "spec": {"bindPort": 8080}}
                """),
        VerbTarget(
            word: "higress",
            first:
                "higress: {namespace: SPACE, defaultDisabled: true, rules: [{ingresses: [a/b], domains: ['*.x'], config: {a: 1.50}}]}",
            second: "higress: {namespace: SPACE, rules: [{services: [s], disabled: true}]}",
            arguments: ["-n", "SPACE"], object: "wasmplugins.extensions.higress.io/verbs"),
        VerbTarget(
            word: "kuma",
            first: "kuma: {namespace: SPACE, labels: {app: web}, module: {file: /w/m.wasm}, volume: wasm}",
            second:
                "kuma: {namespace: SPACE, mesh: other, module: {url: 'http://m.example/m.wasm', sha256: '\(String(repeating: "5a", count: 32))'}}",
            arguments: ["-n", "SPACE", "--module-file", "/w/m.wasm"],
            object: "meshproxypatches.kuma.io/verbs"),
        VerbTarget(
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
        VerbTarget(
            word: "cilium",
            first:
                "cilium: {namespace: SPACE, services: [{name: web, namespace: SPACE, port: 80}], modulePath: /w/m.wasm}",
            second:
                "cilium: {namespace: SPACE, services: [{name: web, namespace: SPACE}, {name: b, namespace: SPACE}], modulePath: /n.wasm}",
            arguments: ["-n", "SPACE", "--service", "SPACE/web:80", "--module-path", "/w/m.wasm"],
            object: "ciliumenvoyconfigs.cilium.io/verbs"),
    ]
}

/// What suites do with targets.
extension Stage {
    func image(for target: VerbTarget) -> String { target.word == "gloo" ? artifact : image }

    /// Runs `wasme` with a namespace in the place of each `SPACE`.
    func wasme(
        _ arguments: [String], in space: String, _ more: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        try await wasme(arguments.map { $0.replacing("SPACE", with: space) }, more)
    }

    /// Deploys a file.
    func deploy(
        _ target: VerbTarget, _ section: String, configuration: String, in space: String
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
    func live(_ target: VerbTarget, in space: String) async throws -> JSONObject? {
        let text = try await Cluster.server.kubectl([
            "get", target.object, "-n", space, "--ignore-not-found", "-o", "json",
        ])
        return try text.isEmpty ? nil : JSONValue(parsing: text).object
    }

    /// Makes what a target wants to be there before.
    func prepare(_ target: VerbTarget, in space: String) async throws {
        guard let before = target.before else { return }
        try await Cluster.create(before.replacing("SPACE", with: space), in: space)
    }
}
