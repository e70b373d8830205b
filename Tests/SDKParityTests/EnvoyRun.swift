// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Foundation
import SystemPackage

/// Plays scenarios in Envoy, step by step as the test host has played them: both the client and the server are here.
final class EnvoyRun {
    let envoy: EnvoyProcess
    let server: RawListener
    private var lastServer: RawConnection?

    /// The lines of the filter, by scenario.
    private var log: [String: [String]] = [:]
    private var unread = Data()
    private let file: FileHandle

    init(_ envoy: EnvoyProcess, server: RawListener) throws {
        file = try FileHandle(forReadingFrom: URL(filePath: envoy.log.string))
        self.envoy = envoy
        self.server = server
    }

    func play(_ scenario: Scenario, _ steps: [Step]) throws -> Observation {
        var observation = Observation()
        let client = try RawConnection(port: envoy.listeners[0].address.port)
        var upstream: RawConnection?
        var hasHungUp = false
        var limit = Duration.seconds(2)
        for step in steps {
            switch step.kind {
            case .requestHead:
                client.write(
                    "\(scenario.method) \(scenario.path) HTTP/1.1\r\n\(text(scenario.requestLines))\r\n")
            case .requestChunk(let index): client.write(chunk(scenario.body[index]))
            case .requestEnd: client.write("0\r\n\(text(scenario.trailers))\r\n")
            case .answerCall:
                guard case .text(let status, let body) = scenario.answer,
                    let call = received(limit, { $0.start.contains(" /call ") })?.connection
                else { break }
                call.write("HTTP/1.1 \(status) X\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
                lastServer = call
            case .wait: break
            case .responseHead:
                let found = received(limit) { message in
                    message.headers.contains { $0 == ("x-name", scenario.name) }
                }
                upstream = found?.connection
                observation.server = found.map { request($0.message) } ?? ["nothing came"]
                upstream?.write("HTTP/1.1 \(scenario.status) X\r\n\(text(responseLines(scenario)))\r\n")
            case .responseChunk(let index): upstream?.write(chunk(scenario.response[index]))
            case .responseEnd: upstream?.write("0\r\n\(text(scenario.responseTrailers))\r\n")
            case .hangUp:
                hasHungUp = true
                shutdown(client.descriptor, Int32(SHUT_RDWR))
            }
            // Once something else has happened, what follows is not worth waiting for.
            observation.log = try lines(of: scenario, atLeast: step.lines, within: limit)
            if observation.log.count < step.lines { limit = .milliseconds(50) }
        }
        // What would come too much needs no wait: it is in the log by the time the next scenario is done.
        let answer = hasHungUp ? nil : client.message(within: limit, hasBody: scenario.method != "HEAD")
        observation.client = answer.map(response) ?? ["broken off"]
        return observation
    }

    /// The next whole request that is meant; what earlier scenarios have left is passed over.
    private func received(
        _ limit: Duration, _ isMeant: (RawConnection.Message) -> Bool
    ) -> (connection: RawConnection, message: RawConnection.Message)? {
        while let connection = server.accept(within: limit) {
            if let message = connection.message(within: limit), isMeant(message) {
                return (connection, message)
            }
        }
        return nil
    }

    /// The lines of a scenario in the log, once there are enough of them, or the time is up.
    func lines(
        of scenario: Scenario, atLeast count: Int, within limit: Duration = .seconds(3)
    ) throws -> [String] {
        let end = ContinuousClock.now + limit
        while true {
            try readLog()
            let found = log[scenario.name] ?? []
            if found.count >= count || ContinuousClock.now > end { return found }
            usleep(1000)
        }
    }

    /// Reads what has been added to the log.
    private func readLog() throws {
        unread += try file.readToEnd() ?? Data()
        while let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: unread[..<end], as: UTF8.self)
            unread = Data(unread[unread.index(after: end)...])
            guard line.contains("wasm log"), let mark = line.range(of: ": #"),
                let space = line[mark.upperBound...].firstIndex(of: " ")
            else { continue }
            log[String(line[mark.upperBound..<space]), default: []].append(
                String(line[line.index(after: space)...]))
        }
    }

    private func responseLines(_ scenario: Scenario) -> [(String, String)] {
        let hasBody = !scenario.response.isEmpty || !scenario.responseTrailers.isEmpty
        return scenario.responseHeaders + [
            hasBody ? ("transfer-encoding", "chunked") : ("content-length", "0")
        ]
    }

    private func text(_ headers: [(String, String)]) -> String {
        headers.map { "\($0.0): \($0.1)\r\n" }.joined()
    }

    private func chunk(_ body: String) -> String {
        "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n"
    }

    private func request(_ message: RawConnection.Message) -> [String] {
        let words = message.start.split(separator: " ").map(String.init)
        let headers = message.headers.map { ($0.0 == "host" ? ":authority" : $0.0, $0.1) }
        return Observation.lines(
            [(":method", words[0]), (":path", words[1])] + headers, message.body, message.trailers)
    }

    private func response(_ message: RawConnection.Message) -> [String] {
        let status = message.start.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        return Observation.lines([(":status", status)] + message.headers, message.body, message.trailers)
    }

    /// A listener with the filter, and what it calls.
    static func bootstrap(module: FilePath, server: UInt16, dead: UInt16) -> String {
        func cluster(_ name: String, _ port: UInt16) -> String {
            """
              - name: \(name)
                connect_timeout: 2s
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    common_http_protocol_options: {max_requests_per_connection: 1}
                    explicit_http_config: {http_protocol_options: {enable_trailers: true}}
                load_assignment: {cluster_name: \(name), endpoints: [{lb_endpoints: [{endpoint: {address: \
            {socket_address: {address: 127.0.0.1, port_value: \(port)}}}}]}]}

            """
        }
        return """
            static_resources:
              listeners:
              - name: test
                enable_reuse_port: false
                address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                filter_chains:
                - filters:
                  - name: envoy.filters.network.http_connection_manager
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: test
                      http_protocol_options: {enable_trailers: true}
                      route_config:
                        virtual_hosts:
                        - name: all
                          domains: ["*"]
                          routes: [{match: {prefix: /}, route: {cluster: upstream}}]
                      http_filters:
                      - name: wasm
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                          config:
                            name: parity-plugin
                            root_id: parity
                            vm_config: {vm_id: parity-vm, runtime: envoy.wasm.runtime.v8, code: {local: {filename: "\(module)"}}}
                      - name: router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
              clusters:
            \(cluster("upstream", server))\(cluster("dead", dead))
            """
    }
}
