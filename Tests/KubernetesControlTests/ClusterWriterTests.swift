// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// Writing into a real API server.
@Suite(.requires(.kubernetes), .sharedCluster, .serialized) struct ClusterWriterTests {
    private func writer(
        _ user: String? = nil, contexts: [String] = [], id: String = "add-header"
    ) throws -> ClusterWriter {
        ClusterWriter(try Cluster.kubectl(user), contexts: contexts, id: id)
    }

    private func error(_ work: () async throws -> Void) async throws -> KubernetesError {
        do {
            try await work()
        } catch let error as KubernetesError {
            return error
        }
        Issue.record("nothing was thrown")
        throw CancellationError()
    }

    @Test func `an object is created, configured, unchanged and deleted, and says so`() async throws {
        let space = try await Cluster.namespace()
        let options = ClusterWriter.Options()
        let created = try await writer().apply([Cluster.plugin(in: space)], options)
        #expect(created.map(\.kind) == [.created])
        let first = try #require(try await Cluster.live(in: space))

        let again = try await writer().apply([Cluster.plugin(in: space)], options)
        #expect(again.map(\.kind) == [.unchanged])
        #expect(try await Cluster.live(in: space) == first)

        var dry = options
        dry.isDryRun = true
        let planned = try await writer().apply([Cluster.plugin(in: space, priority: 20)], dry)
        #expect(planned.map(\.kind) == [.configured])
        #expect(planned[0].fields.map(\.path) == ["spec.priority"])
        #expect(planned[0].fields.first?.before == .integer(10))
        #expect(planned[0].fields.first?.after == .integer(20))
        #expect(try await Cluster.live(in: space) == first)

        let configured = try await writer().apply([Cluster.plugin(in: space, priority: 20)], options)
        #expect(configured.map(\.kind) == [.configured])
        #expect(try await Cluster.live(in: space)?.json["spec"]?.object?["priority"] == .integer(20))

        let kinds = [
            "wasmplugins.extensions.istio.io", "trafficextensions.extensions.istio.io", "nothing.example.org",
        ]
        let gone = try await writer().remove(kinds, namespace: space, options)
        #expect(gone.map(\.kind) == [.deleted])
        #expect(try await Cluster.live(in: space) == nil)
        #expect(try await writer().remove(kinds, namespace: space, options).isEmpty)
    }

    @Test func `objects of others are left alone, and so are those of other deployments`() async throws {
        let space = try await Cluster.namespace()
        var foreign = Cluster.plugin(in: space).object
        var metadata = try #require(foreign.json["metadata"]?.object)
        metadata["labels"] = .object([ClusterWriter.managedByLabel: .string("Helm")])
        foreign.json["metadata"] = .object(metadata)
        try await Cluster.server.kubectl(
            ["create", "-f", "-"], input: JSONValue.object(foreign.json).description)
        let before = try await Cluster.live(in: space)
        var options = ClusterWriter.Options()
        options.forcesConflicts = true
        let refusal = try await error { _ = try await writer().apply([Cluster.plugin(in: space)], options) }
        #expect(refusal.code == .foreign)
        #expect(refusal.message.contains("WasmPlugin \"\(space)/add-header\""))
        #expect(refusal.message.contains("\"Helm\""))
        #expect(try await Cluster.live(in: space) == before)

        _ = try await writer(id: "other").apply([Cluster.plugin("other", in: space)], options)
        let taken = try await error {
            _ = try await writer(id: "mine").apply([Cluster.plugin("other", in: space, id: "mine")], options)
        }
        #expect(taken.message.contains("belongs to the deployment \"other\", not to \"mine\""))
        // Only what has our labels and this id goes.
        let gone = try await writer().remove(["wasmplugins.extensions.istio.io"], namespace: space, options)
        #expect(gone.isEmpty)
        #expect(try await Cluster.live("other", in: space) != nil)
    }

    @Test func `values of other field managers survive, and a conflict names fields and managers`()
        async throws
    {
        let space = try await Cluster.namespace()
        let options = ClusterWriter.Options()
        _ = try await writer().apply([Cluster.plugin(in: space)], options)
        try await Cluster.server.kubectl(
            ["apply", "--server-side", "--field-manager=ops", "--force-conflicts", "-f", "-"],
            input: """
                apiVersion: extensions.istio.io/v1alpha1
                kind: WasmPlugin
                metadata: {name: add-header, namespace: \(space), annotations: {team: edge}}
                spec: {phase: AUTHN, priority: 99, url: "oci://localhost:5000/acme/add-header:v1"}

                """)
        let conflict = try await error {
            _ = try await writer().apply([Cluster.plugin(in: space, priority: 20)], options)
        }
        #expect(conflict.code == .conflict)
        #expect(conflict.message.contains("spec.priority to \"ops\""), "\(conflict)")
        #expect(conflict.hint?.contains("--force-conflicts") == true)

        var force = options
        force.forcesConflicts = true
        _ = try await writer().apply([Cluster.plugin(in: space, priority: 20)], force)
        let live = try #require(try await Cluster.live(in: space))
        #expect(live.json["spec"]?.object?["priority"] == .integer(20))
        #expect(live.json["spec"]?.object?["phase"] == .string("AUTHN"))
        #expect(live.annotations["team"] == "edge")
    }

    @Test func `what the API server refuses is told with field and reason, and changes nothing`() async throws
    {
        let space = try await Cluster.namespace()
        var item = Cluster.plugin(in: space)
        var spec = try #require(item.object.json["spec"]?.object)
        spec["phase"] = .string("LATER")
        spec["sha256"] = .string("zz")
        item.object.json["spec"] = .object(spec)
        let refusal = try await error { _ = try await writer().apply([item], ClusterWriter.Options()) }
        #expect(refusal.code == .invalid)
        #expect(refusal.message.contains("spec.phase"), "\(refusal)")
        #expect(refusal.message.contains("spec.sha256"))
        #expect(try await Cluster.live(in: space) == nil)

        let large = Cluster.plugin(
            in: space, configuration: .object(["a": .string(String(repeating: "x", count: 2_000_000))]))
        #expect(
            try await error { _ = try await writer().apply([large], ClusterWriter.Options()) }.code
                == .tooLarge)
    }

    @Test func `namespaces that are missing or going, and kinds that a cluster lacks`() async throws {
        let missing = try await error {
            _ = try await writer().apply([Cluster.plugin(in: "nowhere")], ClusterWriter.Options())
        }
        #expect(missing.code == .noNamespace)
        #expect(missing.message.contains("\"nowhere\""))

        let space = try await Cluster.namespace()
        try await Cluster.server.kubectl(["delete", "namespace", space, "--wait=false"])
        let going = try await error {
            _ = try await writer().apply([Cluster.plugin(in: space)], ClusterWriter.Options())
        }
        #expect(going.code == .terminating, "\(going)")

        for (version, words) in [
            ("extensions.istio.io/v1", "has it in extensions.istio.io/v1alpha1"),
            ("other.example.org/v1", "has no WasmPlugin"),
        ] {
            var item = Cluster.plugin(in: "default")
            item.object.json["apiVersion"] = .string(version)
            let absent = try await error { _ = try await writer().apply([item], ClusterWriter.Options()) }
            #expect(absent.code == .noKind)
            #expect(absent.message.contains(words), "\(absent)")
        }
    }

    @Test func `who may do nothing is told verb, resource and namespace`() async throws {
        let space = try await Cluster.namespace()
        let denied = try await error {
            _ = try await writer("alice").apply([Cluster.plugin(in: space)], ClusterWriter.Options())
        }
        #expect(denied.code == .denied)
        #expect(denied.category == .denied)
        #expect(
            denied.message.contains(
                "\"alice\" may not get wasmplugins.extensions.istio.io in namespace \"\(space)\""),
            "\(denied)")
    }

    @Test func `of two clusters that are to have all or nothing the first gets back what it had`()
        async throws
    {
        let space = try await Cluster.namespace()
        let scratch = try ScratchDirectory("contexts")
        // Two ways to the same API server: bob sees everything is well until he writes for real.
        let both = try contexts(scratch, ["administrator", "bob"])
        try await Cluster.grant("bob", "get,list", on: "wasmplugins.extensions.istio.io", in: space)
        _ = try await writer().apply([Cluster.plugin(in: space)], ClusterWriter.Options())
        let before = try #require(try await Cluster.live(in: space))
        var kubectl = try Cluster.kubectl()
        kubectl.kubeconfig = both
        let two = ClusterWriter(kubectl, contexts: ["administrator", "bob"], id: "add-header")
        let denied = try await error {
            _ = try await two.apply([Cluster.plugin(in: space, priority: 30)], ClusterWriter.Options())
        }
        #expect(denied.code == .denied)
        #expect(denied.changes.isEmpty)
        #expect(try await Cluster.live(in: space)?.json["spec"] == before.json["spec"])

        // Taking back restores what was ours, and deletes what was new.
        let changes = try await writer().apply(
            [Cluster.plugin(in: space, priority: 30)], ClusterWriter.Options())
        let left = await (try writer()).takeBack(changes, ClusterWriter.Options())
        #expect(left.isEmpty, "\(left)")
        #expect(try await Cluster.live(in: space)?.json["spec"] == before.json["spec"])
        let new = try await writer(id: "new").apply(
            [Cluster.plugin("new", in: space)], ClusterWriter.Options())
        #expect(await (try writer(id: "new")).takeBack(new, ClusterWriter.Options()).isEmpty)
        #expect(try await Cluster.live("new", in: space) == nil)
    }

    private func contexts(_ scratch: ScratchDirectory, _ users: [String]) throws -> FilePath {
        let text = String(decoding: try Files.read(try Cluster.server.administrator), as: UTF8.self)
        let cluster = try #require(text.split(separator: "\n").first { $0.contains("certificate-authority") })
        return try scratch.write(
            "config",
            """
            apiVersion: v1
            kind: Config
            clusters:
            - name: test
            \(cluster)
            users:
            \(users.map { "- {name: \($0), user: {token: \($0)-token}}" }.joined(separator: "\n"))
            contexts:
            \(users.map { "- {name: \($0), context: {cluster: test, user: \($0)}}" }.joined(separator: "\n"))

            """)
    }

    @Test func `an object that fails after another says what stays and how to take it back`() async throws {
        let space = try await Cluster.namespace()
        // The second object's conflict comes only when the first is written: a dry run of the API server sees both as they are.
        let scratch = try ScratchDirectory("kubectl")
        let real = try #require(Tool.kubectl.path)
        let count = scratch.appending("count")
        // The API server goes away after the first object is written for real.
        let script = try scratch.program(
            "kubectl",
            """
            case "$*" in *apply*dry-run*) ;; *apply*)
              if [ -e "\(count)" ]; then cat >/dev/null; exec "\(real)" --server https://127.0.0.1:1 --token x get pods; fi
              : >"\(count)" ;;
            esac
            exec "\(real)" "$@"
            """)
        let kubectl = try Cluster.kubectl(environment: ["WASME_KUBECTL": script.string])
        let writer = ClusterWriter(kubectl, id: "add-header")
        var options = ClusterWriter.Options()
        options.takeBack = "wasme undeploy istio add-header -n \(space)"
        let items = [
            Cluster.plugin("one", in: space, id: "add-header"),
            Cluster.plugin("two", in: space, id: "add-header"),
        ]
        let failure = try await error { _ = try await writer.apply(items, options) }
        #expect(failure.code == .unreachable, "\(failure)")
        #expect(failure.message.contains("already changed: WasmPlugin \"\(space)/one\""))
        #expect(
            failure.hint == "take back what was changed with 'wasme undeploy istio add-header -n \(space)'")
        #expect(failure.changes.map(\.object.name) == ["one"])
        #expect(try await Cluster.live("one", in: space) != nil)
    }
}
