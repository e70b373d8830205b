// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// `deploy -f` for clusters, as a process, on a real API server and a real registry.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct FileCommandTests {
    private struct FileStage: Sendable {
        let stage: Stage
        let space: String

        var scratch: ScratchDirectory { stage.scratch }

        func document(_ name: String, in space: String? = nil, value: Int = 1) -> String {
            """
            apiVersion: wasme.io/v1
            kind: FilterDeployment
            metadata: {name: \(name)}
            spec:
              filter: {image: "\(stage.image)", config: {a: \(value)}}
              deployment: {istio: {namespace: \(space ?? self.space), labels: {app: web}}}

            """
        }

        func wasme(_ arguments: [String]) async throws -> ProcessOutcome { try await stage.wasme(arguments) }

        func deploy(_ documents: [String], _ more: [String] = []) async throws -> ProcessOutcome {
            let file = try scratch.write("deployments.yaml", documents.joined(separator: "---\n"))
            return try await wasme(["deploy", "-f", file.string] + more)
        }

        func value(_ name: String) async throws -> JSONValue? {
            try await Cluster.live(name, in: space)?.json["spec"]?.object?["pluginConfig"]?.object?["a"]
        }
    }

    private func stage(_ work: @Sendable (FileStage) async throws -> Void) async throws {
        try await Stage.run { stage in
            try await work(FileStage(stage: stage, space: try await Cluster.namespace()))
        }
    }

    @Test func `a dry run asks the API server or nobody`() async throws {
        try await stage { stage in
            let documents = [stage.document("one"), stage.document("two")]
            for more in [["--dry-run"], ["--dry-run", "server"], ["--dry-run=server"]] {
                let planned = try await stage.deploy(documents, more)
                #expect(
                    planned.stdout
                        == "WasmPlugin \(stage.space)/one would be created\nWasmPlugin \(stage.space)/two would be created\n",
                    "\(planned.stderr)")
            }
            // An option that follows is no value of it.
            let followed = try await stage.deploy(documents, ["--dry-run", "-n", stage.space])
            #expect(followed.status == 0, "\(followed.stderr)")
            let printed = try await stage.deploy(documents, ["--dry-run", "client"])
            #expect(printed.stdout.components(separatedBy: "---\n").count == 2)
            let applied = try stage.scratch.write("objects.yaml", printed.stdout)
            try await Cluster.server.kubectl(["apply", "--dry-run=server", "-f", applied.string])
            #expect(try await stage.deploy(documents, ["--dry-run", "else"]).status == 64)
            #expect(try await Cluster.live("one", in: stage.space) == nil)
        }
    }

    @Test func `documents go back together if a later one fails`() async throws {
        try await stage { stage in
            #expect(try await stage.deploy([stage.document("kept")]).status == 0)
            let failing = [
                stage.document("new"), stage.document("kept", value: 2),
                stage.document("late", in: "nowhere"),
            ]
            let back = try await stage.deploy(failing, ["--atomic"])
            #expect(back.status == 1)
            #expect(back.stderr.contains("there is no namespace \"nowhere\""), "\(back.stderr)")
            #expect(
                back.stderr.contains("deployed before that, and as it was again: \"new\", \"kept\""),
                "\(back.stderr)")
            #expect(try await Cluster.live("new", in: stage.space) == nil)
            #expect(try await stage.value("kept") == .integer(1))
            let history = try await stage.wasme(["history", "istio", "kept", "-n", stage.space])
            #expect(history.stdout.split(separator: "\n").count == 2, "\(history.stdout)")

            let stays = try await stage.deploy(failing)
            #expect(stays.stderr.contains("and still there: \"new\", \"kept\""), "\(stays.stderr)")
            #expect(try await stage.value("kept") == .integer(2))
        }
    }

    @Test func `what is not proved goes back, too`() async throws {
        try await stage { stage in
            let unproved = try await stage.deploy(
                [stage.document("one")], ["--atomic", "--wait", "--timeout", "1s"])
            #expect(unproved.status == 1)
            #expect(unproved.stderr.contains("what was changed is as it was"), "\(unproved.stderr)")
            #expect(try await Cluster.live("one", in: stage.space) == nil)
            let stays = try await stage.deploy([stage.document("one")], ["--wait", "--timeout", "1s"])
            #expect(stays.stderr.contains("take it back: wasme undeploy istio one -n \(stage.space)"))
            #expect(try await stage.value("one") == .integer(1))
        }
    }
}
