// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// The real program, with a home of its own, on the API server of the suite and with an image to deploy.
struct DeployStage: Sendable {
    let scratch: ScratchDirectory
    /// As in `127.0.0.1:40123/acme/add-header:v1`.
    let image: String
    let environment: [String: String]

    /// Runs `wasme` as the administrator of the cluster, or as somebody.
    func wasme(
        _ arguments: [String], as user: String? = nil, _ more: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        var environment = environment.merging(more) { $1 }
        if let user { environment["KUBECONFIG"] = try Cluster.server.configuration(for: user).string }
        return try await TestSupport.run(
            buildFolder.appending("wasme"), arguments, environment: environment, in: scratch.path)
    }

    /// Deploys the image to Istio.
    func deploy(
        _ more: [String], as user: String? = nil, _ environment: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        try await wasme(
            ["deploy", "istio", image] + (more.contains("--id") ? [] : ["--id", "add-header"]) + more,
            as: user, environment)
    }

    /// Packs a small filter under a name.
    func build(_ image: String) async throws {
        let module = scratch.appending("filter.wasm")
        try Files.replace(module, with: TinyFilter().bytes)
        let outcome = try await wasme([
            "build", "precompiled", module.string, "-t", image, "--root-id", "add_header",
        ])
        try #require(outcome.status == 0, "\(outcome.stderr)")
    }

    /// Runs some work with an image in the local store whose registry is at an address.
    static func run(
        registry: String, _ work: @Sendable (DeployStage) async throws -> Void
    ) async throws {
        try await Cluster.define()
        let scratch = try ScratchDirectory("deploys")
        let stage = DeployStage(
            scratch: scratch, image: "\(registry)/acme/add-header:v1",
            environment: [
                "WASME_HOME": scratch.appending("home").string, "HOME": scratch.path.string,
                "DOCKER_CONFIG": scratch.appending("docker").string, "WASME_WHO": "anna@build-1",
                "KUBECONFIG": try Cluster.server.administrator.string,
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            ])
        try await stage.build(stage.image)
        try await work(stage)
    }

    /// Runs some work with an image that is in a real registry.
    static func run(_ work: @Sendable (DeployStage) async throws -> Void) async throws {
        try await DockerRegistry.run { registry in
            try await run(registry: registry.address) { stage in
                let pushed = try await stage.wasme(["push", stage.image])
                try #require(pushed.status == 0, "\(pushed.stderr)")
                try await work(stage)
            }
        }
    }
}

extension Cluster {
    /// Makes a pod.
    static func pod(_ name: String, in namespace: String, labels: [String: String]) async throws {
        let labels = labels.map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", ")
        try await server.kubectl(
            ["create", "-f", "-"],
            input: """
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name), namespace: \(namespace), labels: {\(labels)}}
                spec: {containers: [{name: web, image: a}, {name: istio-proxy, image: b}]}

                """)
    }

    /// Makes a control plane of Istio, as far as its version is told by it.
    static func controlPlane(_ version: String, revision: String = "default") async throws {
        _ = try? await server.kubectl(["create", "namespace", "istio-system"])
        let name = revision == "default" ? "istiod" : "istiod-\(revision)"
        try await server.kubectl(
            ["apply", "-f", "-"],
            input: """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: \(name), namespace: istio-system, labels: {app: istiod, istio.io/rev: "\(revision)"}}
                spec:
                  selector: {matchLabels: {app: istiod, r: "\(revision)"}}
                  template:
                    metadata: {labels: {app: istiod, r: "\(revision)"}}
                    spec: {containers: [{name: discovery, image: "docker.io/istio/pilot:\(version)"}]}

                """)
    }

    /// Lets a user do something in a namespace.
    static func grant(
        _ user: String, _ verbs: String, on resources: String, in namespace: String
    ) async throws {
        let name = "\(user)-\(Files.randomName().lowercased().filter { $0.isLetter }.prefix(8))"
        try await server.kubectl([
            "create", "role", name, "-n", namespace, "--verb=\(verbs)", "--resource=\(resources)",
        ])
        try await server.kubectl([
            "create", "rolebinding", name, "-n", namespace, "--role=\(name)", "--user=\(user)",
        ])
    }
}
