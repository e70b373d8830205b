// SPDX-License-Identifier: Apache-2.0

import Deployment
import HostProfiles
import JSON
import OCI
import Testing

extension Samples {
    static let digest = "sha256:\(String(repeating: "5a", count: 32))"
    static let moduleDigest = "sha256:\(String(repeating: "c3", count: 32))"

    /// What a target has to say in every case.
    static func deployment(_ configuration: String? = nil) throws -> FilterDeployment {
        var deployment = FilterDeployment(
            id: "add-header", image: try Reference("hub.example/acme/add-header:v1"),
            digest: try Digest(digest))
        deployment.rootID = "add_header"
        deployment.configuration = configuration ?? #"{"header": "hello", "limit": 9007199254740993}"#
        return deployment
    }

    static func request(
        _ deployment: FilterDeployment? = nil, namespace: String? = "shop", labels: [String: String] = [:],
        version: String? = nil, change: (inout KubernetesRequest) throws -> Void = { _ in }
    ) throws -> KubernetesRequest {
        var place = KubernetesPlace()
        place.namespace = namespace
        place.labels = labels
        var request = KubernetesRequest(
            try deployment ?? Samples.deployment(), at: place, author: "alice@laptop",
            time: "2026-11-26T10:00:00Z")
        request.version = version.flatMap { HostVersion($0) }
        try change(&request)
        return request
    }

    static let route = KubernetesPlace.TargetReference(
        group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "shop", sectionName: nil)

    static func kuma() throws -> KumaOptions { KumaOptions(module: .file("/wasm/add-header.wasm")) }

    static func consul() -> ConsulOptions {
        ConsulOptions(service: "web", module: .file("/wasm/add-header.wasm"))
    }

    static func cilium() -> CiliumOptions {
        CiliumOptions(
            services: [.init(name: "web", namespace: "shop", port: 8080)],
            modulePath: "/wasm/add-header.wasm")
    }

    static func istio(_ kind: IstioOptions.Kind, for request: KubernetesRequest) -> IstioTarget {
        var options = IstioOptions()
        options.kind = kind
        return IstioTarget(options, for: request)
    }

    /// A plan that everybody renders: the objects of all targets, by the name of a golden.
    static func plans() throws -> [(name: String, plan: KubernetesPlan)] {
        var plans: [(String, KubernetesPlan)] = []
        func add(_ name: String, _ target: any KubernetesTarget, _ request: KubernetesRequest) throws {
            plans.append((name, try target.plan(request)))
        }
        // Everything that a plugin of Istio can say.
        let full = try request(labels: ["app": "shop", "tier": "1"], version: "1.30") { request in
            request.deployment.failurePolicy = .reload
            request.deployment.phase = .authz
            request.deployment.priority = 10
            request.deployment.environment = ["REGION": .value("eu"), "POD_NAME": .host]
            request.deployment.match = [.init(mode: .server, ports: [8080, 9090]), .init(mode: .client)]
            request.place.pullSecret = "registry"
        }
        try add("istio-wasmplugin", istio(.wasmPlugin, for: full), full)
        try add("istio-trafficextension", istio(.trafficExtension, for: full), full)
        let waypoint = try request(version: "1.24") { request in
            request.deployment.kind = .network
            request.place.targets = [.init(group: "", kind: "Service", name: "reviews")]
        }
        try add("istio-wasmplugin-targets", istio(.wasmPlugin, for: waypoint), waypoint)
        let restricted = try request(labels: ["app": "shop"], version: "1.30") { request in
            request.deployment.configuration = "plain text\nof two lines"
            request.deployment.capabilities = ["proxy_log", "proxy_on_request_headers"]
            request.deployment.vmConfiguration = "vm"
            request.deployment.vmID = "shared"
            request.deployment.environment = ["REGION": .value("eu"), "POD_NAME": .host]
            request.deployment.match = [.init(mode: .server, ports: [8080]), .init(mode: .client)]
            request.deployment.priority = 7
        }
        var options = IstioOptions()
        options.allowsStopIteration = true
        options.reloadBackoff = .init(base: 250, maximum: 30_000)
        try add("istio-envoyfilter", IstioTarget(options, for: restricted), restricted)
        let gateway = try request { request in
            request.deployment.configuration = "[1, 2.50]"
            request.deployment.failurePolicy = .open
            request.deployment.environment = ["POD_NAME": .host]
            request.place.targets = [
                route, .init(group: route.group, kind: "HTTPRoute", name: "cart", sectionName: "checkout"),
            ]
            request.place.pullSecret = "registry"
        }
        var gatewayOptions = EnvoyGatewayOptions()
        gatewayOptions.mergeType = .strategic
        gatewayOptions.certificateAuthority = "registry-ca"
        try add("envoy-gateway", EnvoyGatewayTarget(gatewayOptions), gateway)
        try add(
            "gloo", GlooTarget(),
            try request(namespace: nil) { request in
                request.deployment.failurePolicy = .closed
                request.deployment.phase = .authn
                request.live = [try JSONValue(parsing: otherFilter)]
            })
        var rule = HigressOptions.Rule()
        rule.ingresses = ["shop/web"]
        rule.domains = ["*.example.com"]
        rule.configuration = try JSONValue(parsing: #"{"header": "other"}"#).object
        rule.routeType = .grpc
        var rules = HigressOptions()
        rules.rules = [rule]
        try add(
            "higress", HigressTarget(rules),
            try request(namespace: nil) { request in
                request.deployment.phase = .stats
                request.deployment.priority = -3
                request.deployment.failurePolicy = .open
            })
        let proxies = try request(namespace: nil, labels: ["app": "backend"], version: "2.12")
        var mounted = try kuma()
        mounted.volume = "wasm"
        try add("kuma", KumaTarget(mounted), proxies)
        let remote = KumaOptions(
            module: .remote(
                url: "https://hub.example/modules/acme/add-header.wasm", sha256: try Digest(moduleDigest)))
        try add(
            "kuma-remote", KumaTarget(remote),
            try request(namespace: nil, version: "2.9") { request in
                request.deployment.match = [.init(mode: .both)]
                request.deployment.failurePolicy = .reload
            })
        try add(
            "consul", ConsulTarget(consul()),
            try request { request in
                request.live = [try JSONValue(parsing: otherExtension)]
            })
        var entry = consul()
        entry.form = .hcl
        entry.module = .remote(
            url: "https://modules.example/add-header.wasm", sha256: try Digest(moduleDigest))
        entry.moduleService = "modules"
        try add(
            "consul-entry", ConsulTarget(entry),
            try request { request in
                request.deployment.configuration = "costs ${amount} \"net\""
                request.deployment.capabilities = ["proxy_log"]
                request.deployment.environment = ["region": .value("eu"), "POD_NAME": .host]
                request.deployment.failurePolicy = .open
            })
        try add("cilium", CiliumTarget(cilium()), try request())
        return plans
    }

    static let otherFilter = """
        {"apiVersion": "gateway.solo.io/v1", "kind": "Gateway",
         "metadata": {"name": "gateway-proxy", "namespace": "gloo-system"},
         "spec": {"bindPort": 8080, "httpGateway": {"options": {"wasm": {"filters": [
          {"name": "theirs", "image": "hub.example/theirs:v1", "failOpen": true}]}}}}}
        """

    static let otherExtension = """
        {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": "ServiceDefaults",
         "metadata": {"name": "web", "namespace": "shop"},
         "spec": {"protocol": "http", "envoyExtensions": [
          {"name": "builtin/lua", "arguments": {"script": "-- theirs"}},
          {"name": "builtin/wasm", "arguments": {"PluginConfig": {"Name": "add-header"}}}]}}
        """
}
