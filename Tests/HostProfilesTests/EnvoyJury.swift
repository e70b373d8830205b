// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// Lets one real Envoy load many modules and tells which it refused and why.
///
/// Each module is a filter of a listener of its own, delivered in one file: Envoy tries them all, one after the other,
/// and names each that it refuses. Loading each by an Envoy of its own would take minutes.
struct EnvoyJury {
    /// Why Envoy refused, by the module's name; what is not here was taken.
    typealias Refusals = [String: String]

    private static let sentinel = "sentinel"

    /// Judges modules, each of which has a name of its own.
    static func judge(_ modules: [(name: String, bytes: [UInt8])]) async throws -> Refusals {
        let scratch = try ScratchDirectory("jury")
        var listeners: [String] = []
        // What no Envoy takes stands last: once it is refused, all were tried.
        let all = modules + [(name: sentinel, bytes: ModuleSketch(abi: nil).bytes)]
        for (number, module) in all.enumerated() {
            let file = scratch.appending("\(number).wasm")
            try Files.replace(file, with: module.bytes)
            listeners.append(listener(module.name, port: number + 1, file: file))
        }
        let resources = try scratch.write(
            "listeners.json",
            "{\"version_info\": \"1\", \"resources\": [\(listeners.joined(separator: ",\n"))]}")
        let bootstrap = """
            node: {id: jury, cluster: jury}
            dynamic_resources:
              lds_config: {resource_api_version: V3, path_config_source: {path: "\(resources)"}}

            """
        var options = EnvoyOptions()
        options.concurrency = 1
        options.logLevel = "error"
        let log = scratch.appending("envoy.log")
        options.log = log
        let messages = try await EnvoyProcess.run(
            EnvoyBinary(#require(Tool.envoy.path)), .text(bootstrap), options: options,
            transport: CurlTransport()
        ) { envoy in
            try envoy.logMessages()
        }
        var refusals: Refusals = [:]
        var reasons: [String] = []
        for message in messages where message.logger == "wasm" {
            let name = message.text.wholeMatch(of: /Plugin (\S+) failed to load/)
            if let name {
                refusals[String(name.1)] = reasons.first ?? message.text
                reasons = []
            } else if !message.text.hasPrefix("Plugin configured") {
                reasons.append(message.text)
            }
        }
        try #require(
            refusals.removeValue(forKey: sentinel) != nil, "envoy did not come to the end: \(messages)")
        return refusals
    }

    private static func listener(_ name: String, port: Int, file: FilePath) -> String {
        """
        {"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "\(name)", "bind_to_port": false,
         "address": {"socket_address": {"address": "127.0.0.1", "port_value": \(port)}},
         "filter_chains": [{"filters": [{"name": "hcm", "typed_config": {
          "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
          "stat_prefix": "jury", "route_config": {},
          "http_filters": [
           {"name": "wasm", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"name": "\(name)", "vm_config": {"runtime": "envoy.wasm.runtime.v8",
             "code": {"local": {"filename": "\(file)"}}}}}},
           {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
          ]}}]}]}
        """
    }
}
