// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
private import OCI
package import OCIRegistry

/// The admin interface of a running Envoy, ours or another.
package struct EnvoyAdmin: Sendable {
    /// Where it listens.
    package let address: HostPort
    /// Seconds without an answer after which to give up.
    package var patience: Double = 10
    private let transport: any HTTPTransport

    package init(_ address: HostPort, transport: any HTTPTransport) {
        self.address = address
        self.transport = transport
    }

    /// What `/ready` says: `LIVE`, `PRE_INITIALIZING`, `INITIALIZING` or `DRAINING`.
    package func state() async throws -> String {
        // Everything but LIVE is a 503, with the state as its text.
        let answer = try await get("/ready", accepting: [200, 503])
        return String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What `/server_info` says about this Envoy.
    package func serverInfo() async throws -> EnvoyServerInfo {
        try await decode(EnvoyServerInfo.self, from: "/server_info")
    }

    /// Counters and gauges by name; those whose name does not fit the regular expression are left out.
    package func statistics(matching pattern: String) async throws -> [String: UInt64] {
        try await readings(matching: pattern).numbers
    }

    /// The listeners that have a TCP address, with the ports that the system chose.
    package func listeners() async throws -> [EnvoyListener] {
        struct Answer: Decodable {
            struct Status: Decodable {
                struct Address: Decodable {
                    struct Socket: Decodable {
                        let address: String
                        let port_value: UInt16?
                    }
                    let socket_address: Socket?
                }
                let name: String
                let local_address: Address?
            }
            let listener_statuses: [Status]?
        }
        let answer = try await decode(Answer.self, from: "/listeners?format=json")
        return (answer.listener_statuses ?? []).compactMap { status in
            guard let socket = status.local_address?.socket_address else { return nil }
            return EnvoyListener(
                name: status.name, address: HostPort(host: socket.address, port: socket.port_value ?? 0))
        }
    }

    /// Sets how much one of Envoy's loggers writes from now on.
    /// - Parameters:
    ///   - logger: as in `wasm`.
    ///   - level: `trace`, `debug`, `info`, `warning`, `error`, `critical` or `off`.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func setLogLevel(of logger: String, to level: String) async throws {
        _ = try await send(.post, "/logging?\(logger)=\(level)", accepting: [200])
    }

    /// What the start still waits for, in the words of `/init_dump`; empty if for nothing.
    func unfinishedTargets() async throws -> [String] {
        struct Answer: Decodable {
            struct Dump: Decodable {
                let name: String?
                let target_names: [String]?
            }
            let unready_targets_dumps: [Dump]?
        }
        let dumps = try await decode(Answer.self, from: "/init_dump").unready_targets_dumps ?? []
        return dumps.flatMap { dump in (dump.target_names ?? []).map { "\(dump.name ?? "?"): \($0)" } }
    }

    func decode<Value: Decodable & Sendable>(
        _ type: Value.Type, from path: String
    ) async throws -> Value {
        let bytes = try await get(path, accepting: [200])
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch is DecodingError {
            throw EnvoyError(
                .admin, "what answers \"\(path)\" at \(address) is not Envoy's admin interface",
                hint: "compare the address with 'admin' in Envoy's bootstrap")
        }
    }

    func get(_ path: String, accepting statuses: Set<Int>) async throws -> [UInt8] {
        try await send(.get, path, accepting: statuses)
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, accepting statuses: Set<Int>
    ) async throws -> [UInt8] {
        var options = HTTPTransportOptions()
        options.connectTimeout = patience
        options.stallTimeout = patience
        let request = HTTPRequest(method: method, scheme: "http", authority: address.description, path: path)
        let response: HTTPResponse
        let bytes: [UInt8]
        do {
            (response, bytes) = try await exchange(request, options)
        } catch let error as HTTPTransportError {
            throw EnvoyError(
                .admin, "envoy's admin interface at \(address) does not answer", cause: error,
                hint: "check that Envoy runs, and compare the address with 'admin' in its bootstrap")
        }
        guard statuses.contains(response.status.code) else {
            throw EnvoyError(
                .admin, "\"\(path)\" at \(address) answered with status \(response.status.code)",
                hint: "compare the address with 'admin' in Envoy's bootstrap")
        }
        return bytes
    }

    /// Sends one request and collects its answer, whatever it is.
    func exchange(
        _ request: HTTPRequest, _ options: HTTPTransportOptions
    ) async throws -> (HTTPResponse, [UInt8]) {
        let sink = Sink()
        let response = try await transport.send(request, body: nil, options: options) { _ in sink }
        return (response, sink.bytes)
    }

    /// Collects an answer; the exchange owns it until it has returned.
    private final class Sink: ByteSink, @unchecked Sendable {
        private let memory = MemorySink(limit: 64 << 20)
        var bytes: [UInt8] { memory.bytes }
        func write(_ bytes: UnsafeRawBufferPointer) throws { try memory.write(bytes) }
    }
}

/// A listener of a running Envoy.
package struct EnvoyListener: Hashable, Sendable {
    package let name: String
    package let address: HostPort
}
