// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing
import YAML

/// Pieces of Envoy's configuration that targets hand on as they are.
///
/// No schema of an API server looks into them, so a real Envoy is asked. What a control plane adds to a piece is added here in
/// the same way, and nothing else.
@Suite(.requires(.envoy)) struct RenderedPiecesTests {
    let scratch: ScratchDirectory
    /// A real module, where a target wants a file.
    let module: String

    init() throws {
        scratch = try ScratchDirectory("pieces")
        let path = scratch.appending("module.wasm")
        try Files.replace(path, with: TinyFilter().bytes)
        module = path.string
    }

    /// What can be said of a deployment that ends up in the filter's configuration, each with another one.
    static let variants: [(name: String, change: @Sendable (inout FilterDeployment) -> Void)] = [
        ("plain", { _ in }),
        ("closed", { $0.failurePolicy = .closed }),
        (
            "open, text",
            {
                $0.failurePolicy = .open
                $0.configuration = "plain text\nof two \"lines\" # %\n"
            }
        ),
        (
            "reload, restricted",
            {
                $0.failurePolicy = .reload
                $0.capabilities = [
                    "proxy_on_vm_start", "proxy_on_configure", "proxy_on_response_headers",
                    "proxy_add_header_map_value",
                ]
            }
        ),
        (
            "everything",
            {
                $0.failurePolicy = .reload
                $0.vmID = "shared"
                $0.vmConfiguration = "{\"vm\": [1, 2.5]}"
                $0.environment = ["REGION": .value("eu: 'x'"), "PATH": .host]
                $0.capabilities = []
                $0.match = [.init(mode: .server, ports: [8080]), .init(mode: .client)]
                $0.priority = -3
                $0.phase = .authn
                $0.configuration = nil
                $0.rootID = ""
            }
        ),
    ]

    private func request(
        _ variant: String, network: Bool = false, labels: [String: String] = ["app": "web"],
        version: String? = nil
    ) throws -> KubernetesRequest {
        let change = try #require(Self.variants.first { $0.name == variant }?.change)
        return try Samples.request(labels: labels, version: version) { request in
            change(&request.deployment)
            if network { request.deployment.kind = .network }
            request.isBestEffort = true
        }
    }

    // MARK: - Istio

    @Test(arguments: variants.map(\.name), [false, true])
    func `Envoy takes what an EnvoyFilter adds`(_ variant: String, network: Bool) async throws {
        // An old Envoy is told less.
        for version in ["1.20", "1.30"] { try await check(variant, network: network, version: version) }
    }

    private func check(_ variant: String, network: Bool, version: String) async throws {
        var options = IstioOptions()
        options.kind = .envoyFilter
        options.allowsStopIteration = network ? nil : true
        options.reloadBackoff = .init(base: 250, maximum: 30_000)
        let request = try request(variant, network: network, version: version)
        let plan = try IstioTarget(options, for: request).plan(request)
        let spec = try #require(plan.objects.first?.value.json.object?["spec"]?.object)
        var inline: [ConfigValue] = []
        var discovered: [ConfigValue] = []
        for patch in spec["configPatches"]?.array ?? [] {
            let value = try #require(patch.object?["patch"]?.object?["value"])
            if patch.object?["applyTo"]?.string == "EXTENSION_CONFIG" {
                // The agent has put the module into a file and says so in place of the address (istio, pkg/wasm/convert.go).
                let file: ConfigValue = ["local": ["filename": .string(module)]]
                inline.append(ConfigValue(try value.replacing("code", with: file.json)))
            } else {
                discovered.append(ConfigValue(value))
            }
        }
        #expect(inline.count == 1 && !discovered.isEmpty)
        try await expectTaken(inline, network: network)
        // Envoy takes a name once in a chain; each patch is for a chain of its own.
        for value in discovered { try await expectTaken([value], network: network) }
    }

    // MARK: - Kuma

    @Test(arguments: variants.map(\.name), [false, true])
    func `Envoy takes what a MeshProxyPatch adds`(_ variant: String, network: Bool) async throws {
        let kuma = KumaOptions(module: .file(module))
        let values = try pieces(KumaTarget(kuma), try request(variant, network: network))
        #expect(values.clusters.isEmpty && !values.filters.isEmpty)
        for filter in values.filters { try await expectTaken([filter], network: network) }
    }

    @Test(arguments: ["https://modules.example/m.wasm", "http://127.0.0.1:9/m.wasm", "http://[::1]:9/m.wasm"])
    func `Envoy takes the cluster and the address of a module that it fetches itself`(
        _ url: String
    )
        async throws
    {
        let kuma = KumaOptions(
            module: .remote(url: url, sha256: Digest(of: TinyFilter().bytes)))
        let values = try pieces(KumaTarget(kuma), try request("plain"))
        #expect(values.clusters.count == 1)
        for filter in values.filters {
            try await expectTaken([filter], network: false, clusters: values.clusters)
        }
    }

    /// The texts of YAML in a policy, as values.
    private func pieces(
        _ target: KumaTarget, _ request: KubernetesRequest
    ) throws -> (filters: [ConfigValue], clusters: [ConfigValue]) {
        let policy = try #require(try target.plan(request).objects.last?.value.json.object)
        let list = policy["spec"]?.object?["default"]?.object?["appendModifications"]?.array ?? []
        var (filters, clusters): ([ConfigValue], [ConfigValue]) = ([], [])
        for modification in list {
            let member = try #require(modification.object?.members.first)
            let text = try #require(member.value.object?["value"]?.string)
            let value = ConfigValue(try YAMLNode.document(text, file: member.name).json)
            if member.name == "cluster" { clusters.append(value) } else { filters.append(value) }
        }
        return (filters, clusters)
    }

    // MARK: - Cilium

    @Test(arguments: variants.map(\.name))
    func `Envoy takes the listeners and clusters of a CiliumEnvoyConfig`(_ variant: String) async throws {
        let options = CiliumOptions(
            services: [
                .init(name: "web", namespace: "shop", port: 8080), .init(name: "cart", namespace: "shop"),
            ], modulePath: module)
        let request = try request(variant, labels: [:])
        let object = try #require(try CiliumTarget(options).plan(request).objects.first)
        let resources = object.value.json.object?["spec"]?.object?["resources"]?.array ?? []
        var (listeners, clusters): ([ConfigValue], [ConfigValue]) = ([], [])
        for resource in resources {
            var resource = try #require(resource.object)
            let type = try #require(resource["@type"]?.string)
            resource["@type"] = nil
            if type.hasSuffix("Listener") {
                // Cilium gives the listener its port, and tells Envoy the pods (cilium, pkg/ciliumenvoyconfig).
                resource["address"] = Self.anyPort.json
                listeners.append(ConfigValue(.object(resource)))
            } else {
                let discovery: ConfigValue = ["eds_config": ["ads": [:], "resource_api_version": "V3"]]
                resource["eds_cluster_config"] = discovery.json
                clusters.append(ConfigValue(.object(resource)))
            }
        }
        #expect(listeners.count == 2 && clusters.count == 2)
        try await envoyUnderTest().validate(.text(Self.bootstrap(listeners, clusters)))
    }

    // MARK: - The rest of a bootstrap

    private static let anyPort: ConfigValue = ["socket_address": ["address": "127.0.0.1", "port_value": 0]]

    private func expectTaken(
        _ filters: [ConfigValue], network: Bool, clusters: [ConfigValue] = []
    ) async throws {
        let router: ConfigValue = [
            "name": "envoy.filters.http.router",
            "typed_config": ["@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"],
        ]
        let manager: ConfigValue = [
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": [
                "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "test", "route_config": ["name": "test"],
                "http_filters": .list((network ? [] : filters) + [router]),
            ],
        ]
        let listener: ConfigValue = [
            "name": "test", "address": Self.anyPort,
            "filter_chains": [["filters": .list((network ? filters : []) + [manager])]],
        ]
        try await envoyUnderTest().validate(.text(Self.bootstrap([listener], clusters)))
    }

    private static func bootstrap(_ listeners: [ConfigValue], _ clusters: [ConfigValue]) -> String {
        let control: ConfigValue = [
            "name": "control", "type": "STATIC",
            "typed_extension_protocol_options": [
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
                    "@type":
                        "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": ["http2_protocol_options": [:]],
                ]
            ],
            "load_assignment": [
                "cluster_name": "control",
                "endpoints": [["lb_endpoints": [["endpoint": ["address": anyPort]]]]],
            ],
        ]
        let bootstrap: ConfigValue = [
            "node": ["id": "test", "cluster": "test"],
            "dynamic_resources": [
                "ads_config": [
                    "api_type": "GRPC", "transport_api_version": "V3",
                    "grpc_services": [["envoy_grpc": ["cluster_name": "control"]]],
                ]
            ],
            "static_resources": [
                "listeners": .list(listeners), "clusters": .list([control] + clusters),
            ],
        ]
        return bootstrap.json.description
    }
}

extension JSONValue {
    /// The value with the only member of a name replaced, wherever it is.
    fileprivate func replacing(_ name: String, with value: JSONValue) throws -> JSONValue {
        var count = 0
        func walk(_ json: JSONValue) -> JSONValue {
            switch json {
            case .array(let elements): return .array(elements.map(walk))
            case .object(let object):
                var result = JSONObject()
                for member in object.members {
                    if member.name == name { count += 1 }
                    result[member.name] = member.name == name ? value : walk(member.value)
                }
                return .object(result)
            default: return json
            }
        }
        let result = walk(self)
        try #require(count == 1)
        return result
    }
}
