// SPDX-License-Identifier: Apache-2.0

import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// Which pods an object's filter is for, in a real cluster.
@Suite(.requires(.kubernetes), .sharedCluster, .serialized) struct ProxySearchTests {
    private func search(_ fleet: ProxyFleet, _ object: ClusterObject) async throws -> ProxySearch {
        try await fleet.search(for: object, by: try Cluster.kubectl())
    }

    private func plugin(
        _ space: String, _ spec: String, name: String = "add-header"
    ) async throws
        -> ClusterObject
    {
        ClusterObject(
            try #require(
                try JSONValue(
                    parsing:
                        #"{"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "metadata": {"name": "\#(name)", "namespace": "\#(space)"}, "spec": \#(spec)}"#
                ).object))
    }

    private func target(_ kind: String, _ name: String, group: String = "gateway.networking.k8s.io") -> String
    {
        #"{"targetRefs": [{"group": "\#(group)", "kind": "\#(kind)", "name": "\#(name)"}]}"#
    }

    @Test
    func `a plugin for a gateway is for the pods that Istio makes for it, by the new label or the old one`()
        async throws
    {
        let space = try await Cluster.namespace()
        try await Cluster.pod(
            "edge-0", in: space, "gateway.networking.k8s.io/gateway-name: edge", containers: ["istio-proxy"])
        try await Cluster.pod("old-0", in: space, "istio.io/gateway-name: old", containers: ["istio-proxy"])
        let edge = try await search(.istio, plugin(space, target("Gateway", "edge")))
        #expect(edge.pods.map(\.name) == ["edge-0"])
        #expect(
            edge.sought
                == ["pods with gateway.networking.k8s.io/gateway-name=edge in namespace \"\(space)\""])
        #expect(
            try await search(.istio, plugin(space, target("Gateway", "old"))).pods.map(\.name) == ["old-0"])
        let none = try await search(.istio, plugin(space, target("Gateway", "none")))
        #expect(none.pods.isEmpty)
        #expect(none.sought.count == 2)
        #expect(none.remarks == ["there is no Gateway \"\(space)/none\""])
    }

    @Test func `a plugin for a class is for the gateways of that class, wherever they are`() async throws {
        let space = try await Cluster.namespace()
        let other = try await Cluster.namespace()
        let name = "class-\(space)"
        for (place, gateway, kind) in [(space, "a", name), (other, "b", name), (other, "c", "another")] {
            try await Cluster.create(
                "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: \(gateway)}, spec: {gatewayClassName: \(kind)}}",
                in: place)
            try await Cluster.pod(
                "\(gateway)-0", in: place, "gateway.networking.k8s.io/gateway-name: \(gateway)",
                containers: ["istio-proxy"])
        }
        let found = try await search(.istio, plugin("istio-system", target("GatewayClass", name)))
        #expect(Set(found.pods.map { "\($0.namespace)/\($0.name)" }) == ["\(space)/a-0", "\(other)/b-0"])
        let none = try await search(.istio, plugin("istio-system", target("GatewayClass", "none-\(space)")))
        #expect(none.remarks == ["there is no Gateway of the class \"none-\(space)\""])
    }

    @Test func `a plugin for a service is for the waypoint that serves it, by its label or its namespace's`()
        async throws
    {
        let space = try await Cluster.namespace()
        let central = try await Cluster.namespace()
        func waypoint(_ name: String, in place: String) async throws {
            try await Cluster.pod(
                "\(name)-0", in: place, "gateway.networking.k8s.io/gateway-name: \(name)",
                containers: ["istio-proxy"])
        }
        func service(_ name: String, _ labels: String) async throws {
            try await Cluster.create(
                "{apiVersion: v1, kind: Service, metadata: {name: \(name), labels: {\(labels)}}, spec: {ports: [{port: 80}]}}",
                in: space)
        }
        func found(_ name: String) async throws -> ProxySearch {
            try await search(.istio, plugin(space, target("Service", name, group: "")))
        }
        try await waypoint("own", in: space)
        try await waypoint("all", in: space)
        try await waypoint("far", in: central)
        try await service("web", "istio.io/use-waypoint: own")
        try await service("plain", "app: plain")
        try await service("unserved", "istio.io/use-waypoint: none")
        try await service(
            "egress", "istio.io/use-waypoint: far, istio.io/use-waypoint-namespace: \(central)")
        #expect(try await found("web").pods.map(\.name) == ["own-0"])
        let plain = try await found("plain")
        #expect(plain.pods.isEmpty)
        #expect(
            plain.remarks.first?.contains("no waypoint serves Service \"\(space)/plain\"") == true,
            "\(plain.remarks)")
        try await Cluster.server.kubectl(["label", "namespace", space, "istio.io/use-waypoint=all"])
        #expect(try await found("plain").pods.map(\.name) == ["all-0"])
        #expect(try await found("unserved").pods.isEmpty)
        #expect(try await found("egress").pods.map(\.namespace) == [central])
        #expect(try await found("gone").remarks == ["there is no Service \"\(space)/gone\""])
        try await Cluster.create(
            "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: outside, labels: {istio.io/use-waypoint: own}}, spec: {hosts: [example.org]}}",
            in: space)
        let entry = try await search(
            .istio, plugin(space, target("ServiceEntry", "outside", group: "networking.istio.io")))
        #expect(entry.pods.map(\.name) == ["own-0"])
    }

    @Test func `a plugin with labels is for its namespace, and from Istio's own for the whole mesh`()
        async throws
    {
        let space = try await Cluster.namespace()
        try await Cluster.pod("web-0", in: space, "app: \(space)", containers: ["istio-proxy"])
        let spec = #"{"selector": {"matchLabels": {"app": "\#(space)"}}}"#
        #expect(try await search(.istio, plugin(space, spec)).pods.map(\.name) == ["web-0"])
        #expect(try await search(.istio, plugin("istio-system", spec)).pods.map(\.name) == ["web-0"])
        #expect(try await search(.istio, plugin("default", spec)).pods.isEmpty)
    }

    @Test func `who may not look is told what was looked for`() async throws {
        let space = try await Cluster.namespace()
        let object = try await plugin(space, target("Gateway", "edge"))
        let error = await #expect(throws: KubernetesError.self) {
            _ = try await ProxyFleet.istio.search(for: object, by: try Cluster.kubectl("dave"))
        }
        #expect(error?.code == .denied)
        #expect(
            error?.message.contains(
                "list pods with gateway.networking.k8s.io/gateway-name=edge in namespace \"\(space)\"")
                == true,
            "\(error?.message ?? "")")
    }

    @Test func `a policy of Envoy Gateway is for the proxies of the gateways that its routes belong to`()
        async throws
    {
        let space = try await Cluster.namespace()
        let system = try await Cluster.namespace()
        let label = "gateway.envoyproxy.io/owning-gateway"
        try await Cluster.pod(
            "edge-0", in: system, "\(label)-name: edge, \(label)-namespace: \(space)", containers: ["envoy"])
        try await Cluster.pod(
            "stranger-0", in: system, "\(label)-name: edge, \(label)-namespace: other", containers: ["envoy"])
        try await Cluster.pod("merged-0", in: system, "\(label)class: m-\(space)", containers: ["envoy"])
        try await Cluster.create(
            "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: shared}, spec: {gatewayClassName: m-\(space)}}",
            in: space)
        func route(_ name: String, _ parents: String) async throws {
            try await Cluster.create(
                "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: \(name)}, spec: {parentRefs: [\(parents)]}}",
                in: space)
        }
        try await route("web", "{name: edge}")
        try await route("both", "{name: edge, sectionName: http}, {name: shared, kind: Gateway}")
        func found(_ kind: String, _ name: String) async throws -> ProxySearch {
            try await search(.envoyGateway, plugin(space, target(kind, name)))
        }
        #expect(try await found("Gateway", "edge").pods.map(\.name) == ["edge-0"])
        #expect(try await found("HTTPRoute", "web").pods.map(\.name) == ["edge-0"])
        #expect(try await found("HTTPRoute", "both").pods.map(\.name) == ["edge-0", "merged-0"])
        #expect(try await found("HTTPRoute", "gone").remarks == ["there is no HTTPRoute \"\(space)/gone\""])
        // Who may not look everywhere looks where the proxies usually are; the published role is enough for that.
        try await Cluster.give("bob", ["wasme-prover"], in: space)
        let bob = try Cluster.kubectl("bob")
        let web = try await plugin(space, target("HTTPRoute", "web"))
        let near = try await ProxyFleet.envoyGateway.search(for: web, by: bob)
        #expect(near.pods.isEmpty)
        #expect(
            near.remarks.contains("who asks may not list pods in namespace \"envoy-gateway-system\""),
            "\(near.remarks)")
        try await Cluster.pod(
            "near-0", in: space, "\(label)-name: edge, \(label)-namespace: \(space)", containers: ["envoy"])
        #expect(try await ProxyFleet.envoyGateway.search(for: web, by: bob).pods.map(\.name) == ["near-0"])
        await #expect(throws: KubernetesError.self) {
            _ = try await ProxyFleet.envoyGateway.search(for: web, by: try Cluster.kubectl("dave"))
        }
    }

    @Test func `the pods of Higress, Gloo, Kuma and Consul are found by their own labels`() async throws {
        let space = try await Cluster.namespace()
        try await Cluster.pod("h-0", in: space, "app: higress-gateway", containers: ["higress-gateway"])
        #expect(try await search(.higress, plugin(space, "{}")).pods.map(\.name) == ["h-0"])

        try await Cluster.pod("g-0", in: space, "gloo: gateway-proxy", containers: ["gateway-proxy"])
        try await Cluster.pod("g-1", in: space, "gateway-proxy-id: second", containers: ["gateway-proxy"])
        #expect(try await search(.gloo, plugin(space, "{}")).pods.map(\.name) == ["g-0"])
        #expect(
            try await search(.gloo, plugin(space, #"{"proxyNames": ["second"]}"#)).pods.map(\.name) == ["g-1"]
        )

        try await Cluster.pod("k-0", in: space, "app: \(space)", containers: ["kuma-sidecar"])
        try await Cluster.pod("k-1", in: space, "app: \(space)", containers: ["web"])
        try await Cluster.pod(
            "k-2", in: space, "app: \(space), kuma.io/mesh: other", containers: ["kuma-sidecar"])
        let patch = try await plugin(
            space, #"{"targetRef": {"kind": "Dataplane", "labels": {"app": "\#(space)"}}}"#)
        #expect(try await search(.kuma, patch).pods.map(\.name) == ["k-0"])
        try await Cluster.server.kubectl(["label", "namespace", space, "kuma.io/mesh=blue"])
        #expect(try await search(.kuma, patch).pods.isEmpty)

        try await Cluster.create(
            "{apiVersion: v1, kind: Service, metadata: {name: cart}, spec: {selector: {app: cart}, ports: [{port: 80}]}}",
            in: space)
        try await Cluster.pod(
            "c-0", in: space, "app: cart, consul.hashicorp.com/connect-inject-status: injected",
            containers: ["consul-dataplane"])
        try await Cluster.pod("c-1", in: space, "app: cart", containers: ["web"])
        #expect(try await search(.consul, plugin(space, "{}", name: "cart")).pods.map(\.name) == ["c-0"])
        #expect(
            try await search(.consul, plugin(space, "{}", name: "none")).remarks
                == ["there is no Service \"\(space)/none\""])
    }
}
