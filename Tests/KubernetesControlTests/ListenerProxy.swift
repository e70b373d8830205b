// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import Foundation
import KubernetesControl
import OCI
import SystemPackage
import TestSupport
import Testing

/// A real Envoy whose listener has the filter inside, and comes by listener discovery from a file or stands in the bootstrap: as
/// Envoy Gateway, Kuma, Gloo and Consul give it to their proxies.
struct ListenerProxy: StandIn {
    /// The filter as it stands in the listener.
    struct Filter {
        var module = TinyFilter()
        /// Envoy fetches it, from a listener of its own, in place of having it as a file.
        var isFetched = false
        /// What it is told that the fetched module's digest is; nil for the true one.
        var claimedDigest: String?
        /// The fetch is answered a long time later.
        var isSlow = false
        var policy = "FAIL_RELOAD"
        var configuration = #"{"a": 1}"#
        /// Switched off, and on again by the route, as Envoy Gateway does.
        var isSwitchedByRoute = false
        /// The namespace of the policy that it is from.
        var space = "shop"

        var digest: String { Digest(of: module.bytes).hex }
        /// What Envoy Gateway calls it (envoyproxy/gateway, `internal/xds/translator/wasm.go`).
        fileprivate var policyName: String { "envoyextensionpolicy/\(space)/add-header/wasm/0" }
    }

    static let listenerName = "shop/edge/http"

    let envoy: EnvoyProcess
    private let folder: FilePath

    /// Runs one with its first listener.
    /// - Parameters:
    ///   - first: the filter; nil for none.
    ///   - isStatic: whether the listener stands in the bootstrap.
    ///   - work: what to do with it.
    /// - Throws: what the work throws, or `EnvoyError` if Envoy does not start.
    static func run(
        _ first: Filter? = nil, isStatic: Bool = false,
        _ work: @escaping @Sendable (ListenerProxy) async throws -> Void
    ) async throws {
        let folder = try RunFolder()
        // What the modules' listener serves is read when Envoy starts.
        try Files.replace(folder.path.appending("module.wasm"), with: (first ?? Filter()).module.bytes)
        let listener = try listener(first, in: folder.path)
        try Files.replace(folder.path.appending("lds.yaml"), with: discovery(listener, version: "1"))
        try await run(bootstrap(folder.path, isStatic ? listener : nil), in: folder) { envoy in
            try await work(ListenerProxy(envoy: envoy, folder: folder.path))
        }
    }

    /// Sends another listener in place of the one that is there.
    func give(_ filter: Filter?, version: String) throws {
        try Files.replace(
            folder.appending("lds.yaml"),
            with: Self.discovery(try Self.listener(filter, in: folder), version: version))
    }

    /// What it says, once it is as it should be, or after a minute.
    func report(
        on filter: ListenerFilter, until state: ProxyReport.State
    ) async throws -> ProxyReport {
        let pod = Pod(namespace: "shop", name: "edge-0", containers: ["envoy"])
        return try await settled {
            try await access.report(on: .listener(filter), pod: pod)
        } until: {
            $0.state == state
        }
    }

    // MARK: - What Envoy is given

    private static func discovery(_ listener: String, version: String) -> [UInt8] {
        Array(
            #"{"version_info": "\#(version)", "resources": [{"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", \#(listener.dropFirst())]}"#
                .utf8)
    }

    private static func listener(_ filter: Filter?, in folder: FilePath) throws -> String {
        guard let filter else { return EnvoyText.listener(listenerName, []) }
        let name = "envoy.filters.http.wasm/\(filter.policyName)"
        let switches =
            filter.isSwitchedByRoute
            ? #", "typed_per_filter_config": {"\#(name)": {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}}"#
            : ""
        return EnvoyText.listener(
            listenerName, [try http(filter, named: name, in: folder)], switches: switches)
    }

    private static func http(_ filter: Filter, named name: String, in folder: FilePath) throws -> String {
        let file = folder.appending("\(filter.digest).wasm")
        try Files.replace(file, with: filter.module.bytes)
        let uri = filter.isSlow ? "http://modules/slow" : "http://modules/module.wasm"
        let code =
            filter.isFetched
            ? #""remote": {"http_uri": {"uri": "\#(uri)", "cluster": "wasm_cluster", "timeout": "60s"}, "sha256": "\#(filter.claimedDigest ?? filter.digest)", "retry_policy": {"num_retries": 1, "retry_back_off": {"base_interval": "0.05s"}}}"#
            : #""local": {"filename": "\#(file)"}"#
        let configuration = filter.configuration.replacing("\"", with: "\\\"")
        return """
            {"name": "\(name)", "disabled": \(filter.isSwitchedByRoute), "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"name": "add-header",
            "root_id": "add_header", "failure_policy": "\(filter.policy)", "reload_config": {"backoff": {"base_interval": "0.05s"}},
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "\(configuration)"},
            "vm_config": {"vm_id": "\(filter.policyName)", "runtime": "envoy.wasm.runtime.v8", "code": {\(code)}}}}}
            """.split(separator: "\n").joined(separator: " ")
    }

    /// With a listener that serves modules, as Envoy Gateway's controller does.
    private static func bootstrap(_ folder: FilePath, _ listener: String?) -> String {
        let pipe = "{\"pipe\": {\"path\": \"\(folder.appending("modules.sock"))\"}}"
        let delay = EnvoyText.filter(
            "fault", type: "fault.v3.HTTPFault",
            #", "delay": {"fixed_delay": "50s", "percentage": {"numerator": 100}}, "headers": [{"name": ":path", "string_match": {"exact": "/slow"}}]"#
        )
        let modules = EnvoyText.listener(
            "modules", at: pipe, [delay],
            answer: "{\"status\": 200, \"body\": {\"filename\": \"\(folder.appending("module.wasm"))\"}}")
        let discovery =
            "{lds_config: {resource_api_version: V3, path_config_source: {path: \"\(folder.appending("lds.yaml"))\"}}}"
        return """
            node: {id: edge-0, cluster: shop/edge}
            \(listener == nil ? "dynamic_resources: \(discovery)" : "")
            static_resources:
              clusters:
              - name: wasm_cluster
                load_assignment: {cluster_name: wasm_cluster, endpoints: [{lb_endpoints: [{endpoint: {address: \(pipe)}}]}]}
              listeners: [\(([modules] + [listener].compactMap { $0 }).joined(separator: ", "))]

            """
    }
}
