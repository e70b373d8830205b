// SPDX-License-Identifier: Apache-2.0

import Deployment
import JSON
import KubernetesControl
import TestSupport
import Testing

/// What others have done to objects of ours, as the API server keeps it.
@Suite(.requires(.kubernetes), .sharedCluster, .serialized) struct DriftTests {
    private func drift(in space: String) async throws -> [ForeignField] {
        try #require(try await Cluster.live(in: space)).foreignFields()
    }

    @Test func `fields that others have set since are told, with who and what`() async throws {
        let space = try await Cluster.namespace()
        let writer = ClusterWriter(try Cluster.kubectl(), id: "add-header")
        let wanted = Cluster.plugin(
            in: space, configuration: .object(["header": .string("x"), "n": .integer(1)]))
        _ = try await writer.apply([wanted], ClusterWriter.Options())
        #expect(try await drift(in: space) == [])

        // Somebody who says the same owns it as well, and changes nothing. Its part alone is no whole object.
        try await Cluster.server.kubectl(
            ["apply", "--server-side", "--validate=false", "--field-manager=twin", "-n", space, "-f", "-"],
            input: """
                {"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
                 "metadata": {"name": "add-header"}, "spec": {"priority": 10}}
                """)
        #expect(try await drift(in: space) == [])

        let patch = #"{"spec": {"pluginConfig": {"header": "other", "odd.name": [1]}, "phase": "AUTHN"}}"#
        try await Cluster.server.kubectl([
            "patch", "wasmplugins.extensions.istio.io", "add-header", "-n", space, "--type=merge", "-p",
            patch,
            "--field-manager=bob",
        ])
        let found = try await drift(in: space)
        #expect(Set(found.map(\.manager)) == ["bob"])
        #expect(found.allSatisfy { $0.time?.hasPrefix("20") == true })
        #expect(
            Dictionary(uniqueKeysWithValues: found.map { ($0.path, $0.value) }) == [
                "spec.pluginConfig.header": .string("other"),
                "spec.pluginConfig[\"odd.name\"]": .array([.integer(1)]), "spec.phase": .string("AUTHN"),
            ])

        var options = ClusterWriter.Options()
        options.forcesConflicts = true
        _ = try await writer.apply([wanted], options)
        #expect(
            try await drift(in: space).map(\.path).sorted() == [
                "spec.phase", "spec.pluginConfig[\"odd.name\"]",
            ])
    }
}
