// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing

/// A cluster as the original wasme left it, and the images that it ran.
struct MigrationStage: Sendable {
    let stage: Stage
    /// In the layout of container images, with another module than that of `image`.
    let packed: String
    /// A namespace with workloads.
    let space: String
    /// The namespace of the cache.
    let cache: String

    private static let other = TinyFilter(header: "other")

    /// In the original's own layout.
    var image: String { stage.artifact }
    /// The digest of its module, as the cache called the file.
    var module: String { Digest(of: TinyFilter().bytes).hex }
    var packedModule: String { Digest(of: Self.other.bytes).hex }

    /// The original's kind as it was published: without a schema.
    private static let definition = """
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

    static func run(_ work: @Sendable (MigrationStage) async throws -> Void) async throws {
        let server = try Cluster.server
        // It goes with each migration that is complete.
        try await server.define(definition)
        try await Stage.run { stage in
            let packed = stage.own("limit")
            try await stage.push(packed, other)
            // The registry has to be asked.
            try Files.remove(stage.home)
            try await work(
                MigrationStage(
                    stage: stage, packed: packed, space: try await Cluster.namespace(),
                    cache: try await Cluster.namespace()))
        }
        // What a test left would be in the way of the next one's cache.
        try await server.kubectl(["delete", "envoyfilters", "--all", "-A"])
    }

    func migrate(
        _ more: [String] = [], as user: String? = nil, input: String? = nil
    ) async throws -> ProcessOutcome {
        let place = input == nil ? ["-n", space] : []
        return try await stage.wasme(
            ["migrate", "--cache", "\(cache)/wasme-cache"] + place + more, as: user, input: input)
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
