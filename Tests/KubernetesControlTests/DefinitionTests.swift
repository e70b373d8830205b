// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import Testing

/// The kind of object that a `FilterDeployment` file is, as a real API server sees it.
@Suite(.requires(.kubernetes), .sharedCluster, .serialized) struct DefinitionTests {
    private func file(policy: String) -> String {
        """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata: {name: add-header, namespace: default}
        spec:
          filter:
            image: "ghcr.io/acme/add-header:v1"
            config: {rate: 1.5, names: [a, null]}
            failurePolicy: \(policy)
          deployment:
            istio: {labels: {app: web}}
        """
    }

    @Test func `an API server takes the definition, keeps configurations whole and refuses what is wrong`()
        async throws
    {
        let server = try Cluster.server
        let definition = repositoryRoot.pushing("deploy/crd/filterdeployments.wasme.io.yaml")
        try await server.define(String(decoding: try Files.read(definition), as: UTF8.self))
        try await server.kubectl(["apply", "--server-side", "-f", "-"], input: file(policy: "reload"))
        let kept = try await server.kubectl([
            "get", "filterdeployment", "add-header", "-o", "jsonpath={.spec.filter.config}",
        ])
        #expect(kept == #"{"names":["a",null],"rate":1.5}"#)
        let failure = await #expect(throws: ProcessFailure.self) {
            try await server.kubectl(["apply", "--server-side", "-f", "-"], input: file(policy: "never"))
        }
        #expect(failure?.description.contains("spec.filter.failurePolicy") == true)
    }
}
