// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import Foundation
import SystemPackage
import TestSupport

/// A real Envoy with one plugin as istiod and the agent give it to a sidecar: the resource has the name that the control plane
/// gives it, and the module lies where the agent has put it.
struct Sidecar: StandIn {
    static let listenerName = "virtualInbound"

    /// What stands in the plugin's place.
    enum Content {
        case plugin(TinyFilter)
        /// What the agent sends on if it cannot fetch the module (istio, pkg/wasm/convert.go).
        case denyAll
        case allowAll
    }

    let resource: String
    let envoy: EnvoyProcess
    private let folder: FilePath

    /// The digest that the agent names the file of a module by: that of the image.
    static func digest(of filter: TinyFilter) -> String {
        let bytes = filter.bytes
        // Not a digest of it, but as long as one, and another one for other bytes.
        let sum = bytes.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let part = String(sum, radix: 16)
        return String((String(repeating: "0", count: 16 - part.count) + part + part + part + part).suffix(64))
            .padding(toLength: 64, withPad: "0", startingAt: 0)
    }

    static func run(
        _ first: Content, named resource: String = "extensions.istio.io/wasmplugin/shop.add-header",
        _ work: @escaping @Sendable (Sidecar) async throws -> Void
    ) async throws {
        let folder = try RunFolder()
        try write(first, version: "1", resource, in: folder.path)
        try await run(bootstrap(resource, folder.path), in: folder) { envoy in
            try await work(Sidecar(resource: resource, envoy: envoy, folder: folder.path))
        }
    }

    /// Puts something else into the plugin's place.
    func give(_ content: Content, version: String) throws {
        try Self.write(content, version: version, resource, in: folder)
    }

    private static func write(
        _ content: Content, version: String, _ resource: String, in folder: FilePath
    ) throws {
        var typed = #""@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"#
        switch content {
        case .allowAll: break
        case .denyAll: typed += ", rules: {}, rules_stat_prefix: wasm-default-deny"
        case .plugin(let filter):
            let data = folder.appending("istio-data").appending(String(repeating: "ab", count: 32))
            try Files.createDirectory(data)
            let file = data.appending("\(digest(of: filter)).wasm")
            try Files.replace(file, with: filter.bytes)
            typed = """
                "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {
                name: shop.add-header, root_id: add_header, failure_policy: FAIL_RELOAD,
                reload_config: {backoff: {base_interval: 0.05s}},
                configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "{}"},
                vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: "\(file)"}},
                environment_variables: {key_values: {}}}}
                """
        }
        let text = """
            version_info: "\(version)"
            resources:
            - {"@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig, name: "\(resource)",
               typed_config: {\(typed.split(separator: "\n").joined(separator: " "))}}

            """
        try Files.replace(folder.appending("ecds.yaml"), with: Array(text.utf8))
    }

    /// The filter as istiod writes it (pilot/pkg/networking/core/extension), from a file in place of the agent's stream.
    private static func bootstrap(_ resource: String, _ folder: FilePath) -> String {
        let discovery = """
            {"name": "\(resource)", "config_discovery": {
            "config_source": {"resource_api_version": "V3", "initial_fetch_timeout": "0s",
            "path_config_source": {"path": "\(folder.appending("ecds.yaml"))"}},
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"]}}
            """
        return """
            node: {id: sidecar~10.0.0.1~web-0.shop~shop.svc.cluster.local, cluster: web.shop}
            static_resources: {listeners: [\(EnvoyText.listener(listenerName, [discovery]))]}

            """
    }
}
