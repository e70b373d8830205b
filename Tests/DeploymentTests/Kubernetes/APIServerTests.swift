// SPDX-License-Identifier: Apache-2.0

import Deployment
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What is rendered, given to a real API server that has the published kinds.
@Suite(
    .requires(.kubernetes), .requires(.openssl), .serialized,
    .enabled(if: !PublishedSchema.files.isEmpty, "needs published CustomResourceDefinitions in WASME_CRDS"),
    .kubernetesServer)
struct APIServerTests {
    private struct Found: Decodable {
        struct Metadata: Decodable {
            let resourceVersion: String
            let labels: [String: String]
            let annotations: [String: String]
        }
        let metadata: Metadata
    }

    @Test func `an API server takes every object, and the same again changes nothing`() async throws {
        let server = try #require(KubernetesServer.current)
        // Those of Envoy Gateway are written in words that this server is too old for.
        let definitions = PublishedSchema.folder.appending("istio.yaml")
        try await server.install(definitions: definitions)
        try await server.kubectl(["create", "namespace", "shop"])
        var taken = 0
        for (name, plan) in try Samples.plans() {
            for object in plan.objects {
                guard
                    ["WasmPlugin", "TrafficExtension", "EnvoyFilter"].contains(
                        object.kind),
                    object.namespace == "shop"
                else { continue }
                taken += 1
                let first = try await Self.apply(object, to: server)
                #expect(first.metadata.labels == object.labels, "\(name)")
                #expect(first.metadata.annotations == object.annotations, "\(name)")
                let second = try await Self.apply(object, to: server)
                #expect(second.metadata.resourceVersion == first.metadata.resourceVersion, "\(name)")
                var wrong = object
                wrong.body = [.init(key: "spec", value: "text")]
                await #expect(throws: (any Error).self) { try await Self.apply(wrong, to: server) }
            }
        }
        #expect(taken == 4)
    }

    private static func apply(_ object: KubernetesObject, to server: KubernetesServer) async throws -> Found {
        let text = try await server.kubectl(
            ["apply", "--server-side", "--field-manager", "wasme", "-o", "json", "-f", "-"],
            input: object.yaml)
        return try JSONDecoder().decode(Found.self, from: Data(text.utf8))
    }
}
