// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing

/// A cluster as the original wasme left it, and the images that it ran.
struct MigrationStage: Sendable {
    let scratch: ScratchDirectory
    /// In the original's own layout.
    let image: String
    /// The digest of its module, as the cache called the file.
    let module: String
    /// In the layout of container images, with another module.
    let packed: String
    let packedModule: String
    let environment: [String: String]
    /// A namespace with workloads.
    let space: String
    /// The namespace of the cache.
    let cache: String

    /// Small kinds in place of Istio's and Gloo's, and the original's own as it was published: without a schema.
    private static let definitions =
        [
            ("envoyfilters", "EnvoyFilter", "networking.istio.io", "v1alpha3"),
            ("gateways", "Gateway", "gateway.solo.io", "v1"),
        ].map { plural, kind, group, version in
            """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: \(plural).\(group)}
            spec:
              group: \(group)
              scope: Namespaced
              names: {kind: \(kind), plural: \(plural), singular: \(kind.lowercased()), listKind: \(kind)List}
              versions:
              - name: \(version)
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}

            """
        } + [
            """
            apiVersion: apiextensions.k8s.io/v1beta1
            kind: CustomResourceDefinition
            metadata: {name: filterdeployments.wasme.io}
            spec:
              group: wasme.io
              scope: Namespaced
              version: v1
              names: {kind: FilterDeployment, plural: filterdeployments, singular: filterdeployment, listKind: FilterDeploymentList}
              subresources: {status: {}}

            """
        ]

    static func run(_ work: @Sendable (MigrationStage) async throws -> Void) async throws {
        let server = try Cluster.server
        try await Cluster.define()
        try await server.define(definitions.joined(separator: "---\n"))
        let scratch = try ScratchDirectory("migration")
        let space = try await Cluster.namespace()
        let cache = try await Cluster.namespace()
        try await DockerRegistry.run { registry in
            let environment = [
                "WASME_HOME": scratch.appending("home").string, "HOME": scratch.path.string,
                "DOCKER_CONFIG": scratch.appending("docker").string, "WASME_WHO": "anna@build-1",
                "KUBECONFIG": try Cluster.server.administrator.string,
            ]
            func wasme(_ arguments: [String]) async throws {
                let outcome = try await TestSupport.run(
                    buildFolder.appending("wasme"), arguments, environment: environment, in: scratch.path)
                try #require(outcome.status == 0, "\(outcome.stderr)")
            }
            var modules: [String] = []
            for (name, header) in [("auth", "hello"), ("limit", "other")] {
                let module = scratch.appending("\(name).wasm")
                try Files.replace(module, with: TinyFilter(header: header).bytes)
                let local = "local/\(name):v1"
                let image = "\(registry.address)/acme/\(name):v1"
                try await wasme([
                    "build", "precompiled", module.string, "-t", local, "--root-id", "add_header",
                ])
                try await wasme(
                    ["copy", local, image] + (name == "auth" ? ["--variant", "artifact"] : []))
                let sum = try await TestSupport.run("/usr/bin/sha256sum", [module.string])
                modules.append(String(sum.stdout.prefix(64)))
            }
            // The registry has to be asked.
            try Files.remove(scratch.appending("home"))
            try await work(
                MigrationStage(
                    scratch: scratch, image: "\(registry.address)/acme/auth:v1", module: modules[0],
                    packed: "\(registry.address)/acme/limit:v1", packedModule: modules[1],
                    environment: environment, space: space, cache: cache))
        }
        // What a test left would be in the way of the next one's cache.
        try await server.kubectl(["delete", "envoyfilters", "--all", "-A"])
    }

    func migrate(
        _ more: [String] = [], as user: String? = nil, input: String? = nil
    ) async throws -> ProcessOutcome {
        var environment = environment
        if let user { environment["KUBECONFIG"] = try Cluster.server.configuration(for: user).string }
        let place = input == nil ? ["-n", space] : []
        return try await TestSupport.run(
            buildFolder.appending("wasme"), ["migrate", "--cache", "\(cache)/wasme-cache"] + place + more,
            environment: environment, in: scratch.path, input: input)
    }

    // MARK: - What is there

    /// Names of objects, as in `envoyfilter.networking.istio.io/web-auth`.
    func names(_ kinds: String, in namespace: String? = nil) async throws -> [String] {
        try await Cluster.server.kubectl(["get", kinds, "-n", namespace ?? space, "-o", "name"])
            .split(separator: "\n").map { String($0.split(separator: "/").last ?? "") }.sorted()
    }

    /// The annotations of a workload's pods.
    func annotations(_ workload: String) async throws -> [String: String] {
        let text = try await Cluster.server.kubectl([
            "get", workload, "-n", space, "-o", "jsonpath={.spec.template.metadata.annotations}",
        ])
        return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    /// All that could change, with the versions that the API server gives.
    func state() async throws -> String {
        var lines = ""
        for space in [space, cache] {
            lines += try await Cluster.server.kubectl([
                "get",
                "all,configmaps,serviceaccounts,roles,rolebindings,envoyfilters,wasmplugins,gateways.gateway.solo.io",
                "-n", space, "-o",
                "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}",
            ])
        }
        return lines
    }
}
