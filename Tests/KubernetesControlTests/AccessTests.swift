// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import EnvoyControl
import Files
import Foundation
import JSON
import KubernetesControl
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// Who may do what, and what is found in a real cluster.
@Suite(.requires(.kubernetes), .ownCluster(.wasmPlugin), .serialized) struct AccessTests {
    private func code(_ work: () async throws -> Void) async -> KubernetesError.Code? {
        do {
            try await work()
        } catch {
            return (error as? KubernetesError)?.code
        }
        return nil
    }

    @Test func `the published roles are enough for everything that is written, and for no secret`()
        async throws
    {
        let space = try await Cluster.namespace()
        try await Cluster.give("bob", ["wasme-deployer"], in: space)
        let writer = ClusterWriter(try Cluster.kubectl("bob"), id: "add-header")
        let options = ClusterWriter.Options()
        let kinds = ["wasmplugins.extensions.istio.io"]
        #expect(try await writer.apply([Cluster.plugin(in: space)], options).map(\.kind) == [.created])
        var dry = options
        dry.isDryRun = true
        #expect(
            try await writer.apply([Cluster.plugin(in: space, priority: 2)], dry).map(\.kind) == [.configured]
        )
        let changed = try await writer.apply([Cluster.plugin(in: space, priority: 2)], options)
        #expect(changed.map(\.kind) == [.configured])
        #expect(await writer.takeBack(changed, options).isEmpty)
        #expect(try await writer.find(kinds, namespace: space).map(\.object.name) == ["add-header"])
        #expect(try await Cluster.kubectl("bob").pods(PodSelection(namespace: space)).isEmpty)
        #expect(try await writer.remove(kinds, namespace: space, options).map(\.kind) == [.deleted])

        let host = try RegistryHost("registry.example.org")
        let secret = PullSecret("registry", in: space)
        #expect(
            await code { _ = try await secret.credential(by: try Cluster.kubectl("bob"), for: host) }
                == .denied)
        // Elsewhere nothing is granted.
        #expect(
            await code { _ = try await Cluster.kubectl("bob").pods(PodSelection(namespace: nil)) } == .denied)
    }

    @Test func `a pull secret is made from credentials, found again, and refused if it does not fit`()
        async throws
    {
        let space = try await Cluster.namespace()
        try await Cluster.give("carol", ["wasme-pull-secret"], in: space)
        let kubectl = try Cluster.kubectl("carol")
        let host = try RegistryHost("registry.example.org:5000")
        let secret = PullSecret("registry", in: space)
        #expect(try await secret.credential(by: kubectl, for: host) == nil)
        let credential = Credential.password(username: "me", password: "p:w\"ö")
        try await secret.create(credential, for: host, by: kubectl)
        #expect(try await secret.credential(by: kubectl, for: host) == credential)
        let type = try await Cluster.server.kubectl([
            "get", "secret", "registry", "-n", space, "-o", "jsonpath={.type}",
        ])
        #expect(type == "kubernetes.io/dockerconfigjson")
        let other = try RegistryHost("other.example.org")
        #expect(await code { _ = try await secret.credential(by: kubectl, for: other) } == .pullSecret)
        try await Cluster.server.kubectl([
            "create", "secret", "generic", "opaque", "-n", space, "--from-literal=a=b",
        ])
        #expect(
            await code { _ = try await PullSecret("opaque", in: space).credential(by: kubectl, for: host) }
                == .pullSecret)
        #expect(
            await code { try await secret.create(.identityToken("x"), for: host, by: kubectl) } == .pullSecret
        )
    }

    @Test func `selected pods come with phase, labels and containers`() async throws {
        let space = try await Cluster.namespace()
        try await Cluster.server.kubectl(
            ["create", "-f", "-"],
            input: """
                apiVersion: v1
                kind: List
                items:
                - apiVersion: v1
                  kind: Pod
                  metadata: {name: web-0, namespace: \(space), labels: {app: web, istio.io/rev: "1-30", empty: ""}}
                  spec: {containers: [{name: web, image: a}, {name: istio-proxy, image: b}]}
                - apiVersion: v1
                  kind: Pod
                  metadata: {name: web-1, namespace: \(space), labels: {app: web}}
                  spec: {initContainers: [{name: istio-proxy, image: b}], containers: [{name: web, image: a}]}
                - apiVersion: v1
                  kind: Pod
                  metadata: {name: bare, namespace: \(space)}
                  spec: {containers: [{name: c, image: a}]}

                """)
        let kubectl = try Cluster.kubectl()
        let web = try await kubectl.pods(PodSelection(namespace: space, labels: ["app": "web"]))
        #expect(web.map(\.name) == ["web-0", "web-1"])
        #expect(web[0].labels == ["app": "web", "istio.io/rev": "1-30", "empty": ""])
        #expect(web[0].revision == "1-30")
        #expect(web[0].phase == "Pending")
        #expect(web.map(\.containers) == [["web", "istio-proxy"], ["web", "istio-proxy"]])
        let all = try await kubectl.pods(PodSelection(namespace: space))
        #expect(all.count == 3)
        #expect(all.first { $0.name == "bare" }?.labels == [:])
        // There is no kubelet: what a pod without a node says is passed on.
        let forward = PortForward(kubectl, ports: ProxyFleet.istio.ports, transport: { CurlTransport() })
        let reached = await code { try await forward.reach(web[0]) { _ in } }
        #expect(reached == .failed || reached == .invalid || reached == .notFound)
    }

    @Test func `Istio's control planes are found by image and revision, and only where one may look`()
        async throws
    {
        let digest = String(repeating: "a", count: 64)
        for (revision, image) in [
            ("default", "docker.io/istio/pilot:1.30.3"),
            ("1-24", "localhost:5000/istio/pilot:1.24.0-distroless"),
            ("own", "registry.example.org/pilot@sha256:\(digest)"),
        ] { try await Cluster.controlPlane(image: image, revision: revision) }
        let planes = try await Cluster.kubectl().istioControlPlanes()
        #expect(planes.map(\.revision) == ["default", "1-24", "own"])
        #expect(planes.map(\.version) == ["1.30.3", "1.24.0", nil])
        #expect(try await Cluster.kubectl("dave").istioControlPlanes().isEmpty)
    }

    @Test func `credentials that are not accepted, and servers that do not answer`() async throws {
        let scratch = try ScratchDirectory("config")
        let text = String(decoding: try Files.read(try Cluster.server.administrator), as: UTF8.self)
        var kubectl = try Cluster.kubectl()
        kubectl.kubeconfig = try scratch.write(
            "expired", text.replacing("administrator-token", with: "old-token"))
        let pods = PodSelection(namespace: "default")
        #expect(await code { _ = try await kubectl.pods(pods) } == .unauthorized)
        kubectl.context = "elsewhere"
        #expect(await code { _ = try await kubectl.pods(pods) } == .configuration)
        kubectl.context = nil
        kubectl.kubeconfig = scratch.appending("none")
        #expect(await code { _ = try await kubectl.pods(pods) } == .configuration)
        kubectl.kubeconfig = try scratch.write(
            "refused", text.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:1"))
        #expect(await code { _ = try await kubectl.pods(pods) } == .unreachable)
        #expect(
            await code { _ = try Kubectl(environment: ["PATH": "/nowhere"], in: "/") } == .noKubectl)
        #expect(
            await code { _ = try Kubectl(environment: ["WASME_KUBECTL": "/nowhere/kubectl"], in: "/") }
                == .noKubectl)
    }

    @Test func `an API server that hangs is given up on, and cancelling does not wait for it`() async throws {
        let server = try Cluster.server
        var kubectl = try Cluster.kubectl()
        kubectl.timeLimit = .seconds(2)
        server.suspend()
        defer { server.resume() }
        let start = ContinuousClock.now
        let hung = await code { _ = try await kubectl.pods(PodSelection(namespace: "default")) }
        #expect(hung == .lost || hung == .unreachable)
        #expect(ContinuousClock.now - start < .seconds(30))

        // Cancelled while kubectl waits, not before it has begun.
        let scratch = try ScratchDirectory("patient")
        let began = scratch.appending("began")
        let real = try #require(Tool.kubectl.path)
        let script = try scratch.program("kubectl", ": >\"\(began)\"\nexec \"\(real)\" \"$@\"")
        let patient = try Cluster.kubectl(environment: ["WASME_KUBECTL": script.string])
        let work = Task { try await patient.pods(PodSelection(namespace: "default")) }
        _ = try await settled {
            Files.kind(began)
        } until: {
            $0 != nil
        }
        let cancelled = ContinuousClock.now
        work.cancel()
        await #expect(throws: CancellationError.self) { _ = try await work.value }
        // Without cancelling it would be a minute.
        #expect(ContinuousClock.now - cancelled < .seconds(30))
    }
}
