// SPDX-License-Identifier: Apache-2.0

import Scenarios
import NIOCore
import NIOHTTP1
import NIOPosix

/// What a client of the proxy got.
struct ClientResponse: Sendable {
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body = ""
    var trailers: [(name: String, value: String)] = []
}

/// Sends what a step says, each time over a new connection.
enum ScenarioClient {
    private static let patience: Duration = .seconds(10)

    private static func bootstrap() -> ClientBootstrap {
        ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
    }

    /// Sends a request and gives the response; nil if the connection ends without one.
    static func send(_ request: ScenarioRequest, to port: Int) async throws -> ClientResponse? {
        let channel = try await bootstrap().connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                    wrappingChannelSynchronously: channel)
            }
        }
        return try await within(patience, "the response to \(request.method) \(request.path)") {
            try await channel.executeThenClose { inbound, outbound in
                async let sending: Void = write(request, to: outbound)
                var response: ClientResponse?
                reading: for try await part in inbound {
                    switch part {
                    case .head(let head):
                        response = ClientResponse(
                            status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) })
                    case .body(let bytes):
                        response?.body += String(buffer: bytes)
                    case .end(let trailers):
                        response?.trailers = trailers?.map { ($0.name, $0.value) } ?? []
                        break reading
                    }
                }
                // A proxy that refuses a request need not read all of it.
                try? await sending
                return response
            }
        }
    }

    private static func write(
        _ request: ScenarioRequest, to outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async throws {
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        if !headers.contains(name: "host") { headers.add(name: "host", value: "example.test") }
        if texts(request.body).count > 1 || !request.trailers.isEmpty {
            headers.add(name: "transfer-encoding", value: "chunked")
        } else if let body = texts(request.body).first {
            headers.add(name: "content-length", value: "\(body.utf8.count)")
        }
        try await outbound.write(
            .head(
                HTTPRequestHead(
                    version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.path,
                    headers: headers)))
        for (index, part) in texts(request.body).enumerated() {
            if index > 0 { try await Task.sleep(for: .nanoseconds(ServicePlayer.pause.nanoseconds)) }
            try await outbound.write(.body(.byteBuffer(ByteBuffer(string: part))))
        }
        let trailers = HTTPHeaders(request.trailers.map { ($0.name, $0.value) })
        try await outbound.write(.end(trailers.isEmpty ? nil : trailers))
    }

    /// Sends bytes over a TCP connection, and gives what comes back.
    /// - Parameters:
    ///   - parts: what to send, with a pause between.
    ///   - port: where to.
    ///   - count: after how many bytes to hang up; nil waits until the proxy does.
    /// - Returns: what came back, and whether the proxy has closed the connection.
    /// - Throws: `ScenarioTimeout` if neither comes.
    static func connect(
        sending parts: [String], to port: Int, until count: Int?
    ) async throws -> (received: String, isClosed: Bool) {
        let channel = try await bootstrap().connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        return try await within(patience, "the other end of a TCP connection") {
            try await channel.executeThenClose { inbound, outbound in
                for (index, part) in parts.enumerated() {
                    if index > 0 { try await Task.sleep(for: .nanoseconds(ServicePlayer.pause.nanoseconds)) }
                    // The proxy may have hung up by now: what is read next will tell.
                    do { try await outbound.write(ByteBuffer(string: part)) } catch { break }
                }
                var received = ByteBuffer()
                if let count, count == 0 { return ("", false) }
                do {
                    for try await bytes in inbound {
                        received.writeImmutableBuffer(bytes)
                        if let count, received.readableBytes >= count {
                            return (String(buffer: received), false)
                        }
                    }
                } catch is IOError {
                    // A reset is also an end.
                }
                return (String(buffer: received), true)
            }
        }
    }

    private static func within<Value: Sendable>(
        _ limit: Duration, _ what: String, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask(operation: work)
            group.addTask {
                try await Task.sleep(for: limit)
                throw ScenarioTimeout(description: "\(what) did not come within \(limit)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

/// Something did not come in time.
struct ScenarioTimeout: Error, CustomStringConvertible {
    let description: String
}

/// The texts of what is to be sent.
func texts(_ parts: [BodyPart]) -> [String] {
    parts.compactMap { $0.content.map { String(decoding: $0, as: UTF8.self) } }
}
