// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import Foundation
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A real Envoy of this machine in the place of a pod's.
protocol StandIn: Sendable {
    /// The listener that takes requests.
    static var listenerName: String { get }
    var envoy: EnvoyProcess { get }
}

extension StandIn {
    var access: PodAccess { PodAccess(admin: envoy.admin) }

    /// The status of an answer of the listener.
    func get() async throws -> Int {
        let listeners = try await envoy.admin.listeners()
        let listener = try #require(listeners.first { $0.name == Self.listenerName })
        let (_, response) = try await URLSession.shared.data(
            from: try #require(URL(string: "http://\(listener.address)/")))
        return (response as? HTTPURLResponse)?.statusCode ?? 0
    }

    /// Runs an Envoy with what lies in a folder.
    static func run(
        _ bootstrap: String, in folder: RunFolder,
        _ work: @escaping @Sendable (EnvoyProcess) async throws -> Void
    ) async throws {
        try await EnvoyProcess.run(
            EnvoyBinary(try #require(Tool.envoy.path)), .text(bootstrap), folder: folder,
            transport: CurlTransport(), body: work)
    }
}

/// Stand-ins for pods, by the pods' names.
struct StandInPods<Proxy: StandIn>: PodProxy {
    let proxies: [String: Proxy]

    init(_ proxies: [String: Proxy]) { self.proxies = proxies }

    func reach<Result: Sendable>(
        _ pod: Pod, _ work: @escaping @Sendable (PodAccess) async throws -> Result
    ) async throws -> Result {
        try await work(try #require(proxies[pod.name]).access)
    }

    func log(of pod: Pod) async throws -> String {
        String(decoding: try Files.read(try #require(proxies[pod.name]).envoy.log), as: UTF8.self)
    }
}

/// Asks until the answer is as it should be, or for a minute: an Envoy takes what it is given when it comes to it, which is late
/// on a busy machine.
/// - Returns: the last answer.
func settled<Answer>(
    _ ask: () async throws -> Answer, until isRight: (Answer) -> Bool
) async throws -> Answer {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
        let answer = try await ask()
        if isRight(answer) || ContinuousClock.now > deadline { return answer }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Pieces of Envoy's configuration, each in one line that is JSON and YAML.
enum EnvoyText {
    static let router = filter("router", type: "router.v3.Router")

    /// One of Envoy's own HTTP filters.
    /// - Parameters:
    ///   - name: the end of its name.
    ///   - type: the end of its type.
    ///   - fields: what it is told, with a comma before.
    /// - Returns: an element of `http_filters`.
    static func filter(_ name: String, type: String, _ fields: String = "") -> String {
        #"{"name": "envoy.filters.http.\#(name)", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.\#(type)"\#(fields)}}"#
    }

    /// A listener for HTTP with one route.
    /// - Parameters:
    ///   - name: its name.
    ///   - address: where it is; a free port of the loopback if it is not given.
    ///   - filters: its HTTP filters without the router.
    ///   - answer: how the route answers.
    ///   - switches: what the route says of filters, with a comma before.
    /// - Returns: an element of `listeners`.
    static func listener(
        _ name: String,
        at address: String = #"{"socket_address": {"address": "127.0.0.1", "port_value": 0}}"#,
        _ filters: [String], answer: String = #"{"status": 200}"#, switches: String = ""
    ) -> String {
        """
        {"name": "\(name)", "address": \(address), "filter_chains": [{"filters": [{
        "name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "\(name)", "http_filters": [\((filters + [router]).joined(separator: ", "))],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
        {"match": {"prefix": "/"}, "direct_response": \(answer)\(switches)}]}]}}}]}]}
        """.replacing("\n", with: " ")
    }
}
