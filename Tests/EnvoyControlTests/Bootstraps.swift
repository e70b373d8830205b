// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import HTTPTypes
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// Small configurations that are written by hand, so that this suite knows nothing of deployments.
enum Bootstraps {
    static let router = """
        {name: envoy.filters.http.router, typed_config: {"@type": \
        type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
        """

    /// A bootstrap that answers every request itself, with filters before the router.
    static func answering(port: UInt16 = 0, filters: [String] = []) -> String {
        """
        static_resources:
          listeners:
          - name: test
            enable_reuse_port: false
            address: {socket_address: {address: 127.0.0.1, port_value: \(port)}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: test
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: answer}}}]
                  http_filters: [\((filters + [router]).joined(separator: ", "))]

        """
    }

    /// A Wasm filter of a listener.
    static func wasm(_ module: FilePath, policy: String = "FAIL_RELOAD") -> String {
        """
        {name: tiny, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, \
        config: {name: tiny, failure_policy: \(policy), vm_config: {runtime: envoy.wasm.runtime.v8, \
        code: {local: {filename: "\(module)"}}}}}}
        """
    }
}

extension CurlTransport {
    /// Fetches the root page of a server.
    func get(_ address: HostPort) async throws -> (status: Int, headers: [String: String]) {
        let request = HTTPRequest(method: .get, scheme: "http", authority: address.description, path: "/")
        let response = try await send(request, body: nil, options: HTTPTransportOptions()) { _ in nil }
        let headers = response.headerFields.map { ($0.name.canonicalName, $0.value) }
        return (response.status.code, Dictionary(headers) { "\($0), \($1)" })
    }
}

/// The Envoy that the tests run.
func envoyUnderTest() throws -> EnvoyBinary { EnvoyBinary(try #require(Tool.envoy.path)) }

/// Whether a process runs; one that is dead but not yet buried does not.
func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? FileDescriptor.open("/proc/\(pid)/stat", .readOnly) else { return false }
    defer { try? stat.close() }
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = (try? buffer.withUnsafeMutableBytes { try stat.read(into: $0) }) ?? 0
    // "pid (name) state …": the name may hold anything, also brackets.
    let fields = String(decoding: buffer[..<count], as: UTF8.self)
    guard let close = fields.lastIndex(of: ")") else { return false }
    return !fields[close...].dropFirst(2).hasPrefix("Z")
}

/// Waits until something is so, in steps, for ten seconds at most.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        try await Task.sleep(for: .milliseconds(20))
    }
    return true
}
