// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing

@testable import KubernetesControl

/// What a script can tell from the exit status of a deploy, by the program on a real API server.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct ExitStatusTests {
    @Test func `what is refused exits with 1, what is not allowed with 77, and who is silent with 69`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let place = ["-n", space, "-l", "app=web"]
            #expect(try await stage.deploy(place).status == 0)

            try await Cluster.server.kubectl(
                ["apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-"],
                input: """
                    apiVersion: extensions.istio.io/v1alpha1
                    kind: WasmPlugin
                    metadata: {name: add-header, namespace: \(space)}
                    spec: {url: "oci://example.org/other"}

                    """)
            let conflict = try await stage.deploy(place)
            #expect(conflict.status == 1)
            #expect(conflict.stderr.contains("spec.url to \"other\""), "\(conflict.stderr)")
            let another = try await stage.deploy(place + ["--id", "other", "--force-conflicts"])
            #expect(another.status == 0, "\(another.stderr)")
            try await Cluster.server.kubectl([
                "label", "wasmplugins.extensions.istio.io", "other", "-n", space,
                "app.kubernetes.io/managed-by=Helm", "--overwrite",
            ])
            let foreign = try await stage.deploy(place + ["--id", "other"])
            #expect(foreign.status == 1)
            #expect(foreign.stderr.contains("is not wasme's, but \"Helm\"'s"), "\(foreign.stderr)")

            let denied = try await stage.deploy(place, as: "alice")
            #expect(denied.status == 77, "\(denied.stderr)")
            let unknown = try await stage.deploy(place + ["--context", "nowhere"])
            #expect(unknown.status == 64, "\(unknown.stderr)")
            let text = String(decoding: try Files.read(try Cluster.server.administrator), as: UTF8.self)
            let silent = try stage.scratch.write(
                "silent", text.replacing(/https:\/\/127\.0\.0\.1:\d+/, with: "https://127.0.0.1:1"))
            let unreachable = try await stage.deploy(place, ["KUBECONFIG": silent.string])
            #expect(unreachable.status == 69, "\(unreachable.stderr)")
        }
    }

    @Test func `a webhook that does not answer is named, and is not the API server`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let hook = "silent-\(space)"
            try await Cluster.server.kubectl(["label", "namespace", space, "hook=\(hook)"])
            try await Cluster.server.kubectl(
                ["create", "-f", "-"],
                input: """
                    apiVersion: admissionregistration.k8s.io/v1
                    kind: ValidatingWebhookConfiguration
                    metadata: {name: \(hook)}
                    webhooks:
                    - name: plugins.example.org
                      clientConfig: {url: "https://127.0.0.1:1/validate"}
                      rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: [wasmplugins]}]
                      namespaceSelector: {matchLabels: {hook: \(hook)}}
                      failurePolicy: Fail
                      sideEffects: None
                      admissionReviewVersions: [v1]

                    """)
            // The API server hears of it by its own watch.
            var outcome = try await stage.deploy(["-n", space, "-l", "app=web", "--dry-run", "server"])
            for _ in 0..<50 where outcome.status == 0 {
                outcome = try await stage.deploy(["-n", space, "-l", "app=web", "--dry-run", "server"])
            }
            try await Cluster.server.kubectl(["delete", "validatingwebhookconfiguration", hook])
            #expect(outcome.status == 1)
            #expect(
                outcome.stderr.contains("the admission webhook \"plugins.example.org\" of"),
                "\(outcome.stderr)")
            #expect(outcome.stderr.contains("connection refused"), "\(outcome.stderr)")
        }
    }

    @Test(arguments: [
        "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \"validation.istio.io\" denied the request: configuration is invalid: url is empty",
        "Error from server: error when applying patch: admission webhook \"validation.istio.io\" denied the request: configuration is invalid: url is empty",
    ])
    func `a webhook that refuses an object refuses its content, and not who asks`(output: String) {
        let error = KubectlComplaint(output, cluster: "cluster \"east\"").error("apply WasmPlugin \"a\"")
        #expect(error.code == .invalid)
        #expect(error.category == .failed)
        #expect(
            error.message
                == "cannot apply WasmPlugin \"a\": cluster \"east\" refuses it by the admission webhook \"validation.istio.io\": configuration is invalid: url is empty"
        )
    }
}
