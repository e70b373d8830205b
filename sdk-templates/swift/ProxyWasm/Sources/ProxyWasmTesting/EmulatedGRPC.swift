// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// A gRPC call or stream that the module has opened, and that the test plays the server of.
public final class EmulatedGRPC {
    /// The cluster that is called.
    public let cluster: Bytes
    /// The service with its package.
    public let service: Bytes
    /// The method.
    public let method: Bytes
    /// The metadata that the module sends.
    public let metadata: Headers
    /// Whether this is a stream; otherwise it is a call with one message each way.
    public let isStream: Bool
    /// What the module has sent.
    public internal(set) var messages: [Bytes] = []
    /// Whether the module has said that it sends no more.
    public internal(set) var isClosedByModule = false
    /// Whether the module has given it up.
    public internal(set) var isCancelled = false
    let token: UInt32
    let plugin: ConfiguredPlugin
    var timer: Int?

    init(
        token: UInt32, plugin: ConfiguredPlugin, cluster: Bytes, service: Bytes, method: Bytes,
        metadata: Headers, isStream: Bool
    ) {
        self.token = token
        self.plugin = plugin
        self.cluster = cluster
        self.service = service
        self.method = method
        self.metadata = metadata
        self.isStream = isStream
    }

    /// Whether it has not ended.
    public var isOpen: Bool { plugin.host.grpcCalls.contains { $0 === self } }

    /// Sends the initial metadata; only a stream tells the module.
    public func sendInitialMetadata(_ metadata: Headers) {
        guard isStream else { return }
        deliver(
            HostEmulator.Answering(initialMetadata: metadata), .initialMetadata(count: metadata.fields.count))
    }

    /// Sends a message; a call ends with it.
    public func send(_ message: Bytes) {
        if !isStream { close() }
        deliver(
            HostEmulator.Answering(body: Array(message)), .message(size: message.count),
            evenIfClosed: !isStream)
    }

    /// Sends the trailing metadata; only a stream tells the module.
    public func sendTrailingMetadata(_ metadata: Headers) {
        guard isStream else { return }
        deliver(
            HostEmulator.Answering(trailingMetadata: metadata),
            .trailingMetadata(count: metadata.fields.count))
    }

    /// Ends the stream, or has the call fail.
    public func finish(_ status: GRPCStatus, message: Bytes = "") {
        guard isOpen else { return }
        close()
        plugin.host.status = (status.rawValue, message)
        deliver(HostEmulator.Answering(), .closed(status: status.rawValue), evenIfClosed: true)
        plugin.host.status.message = ""
    }

    func close() {
        if let timer { plugin.host.cancelTimer(timer) }
        plugin.host.grpcCalls.removeAll { $0 === self }
    }

    private func deliver(_ answer: HostEmulator.Answering, _ event: CallEvent, evenIfClosed: Bool = false) {
        let host = plugin.host
        guard isOpen || evenIfClosed, !isCancelled else { return }
        host.turn {
            host.answering = answer
            host.callAndWait(in: plugin) { $0.deliverGRPC(plugin.id, token, event) }
            host.answering = nil
        }
    }
}

extension HostEmulator {
    func startGRPC(
        _ plugin: ConfiguredPlugin, target: Bytes, service: Bytes, method: Bytes, metadata: Headers,
        message: Bytes?, timeout: UInt32, token: inout UInt32
    ) -> Status {
        let cluster = GRPCTarget.cluster(of: target)
        // Envoy asks for the cluster when it makes the call, and not before.
        if let clusters, !clusters.contains(cluster ?? target) {
            return cluster == nil ? .parseFailure : .internalFailure
        }
        token = nextToken(message == nil ? 2 : 1)
        let call = EmulatedGRPC(
            token: token, plugin: plugin, cluster: cluster ?? target, service: service, method: method,
            metadata: metadata, isStream: message == nil)
        if let message {
            call.messages = [message]
            call.timer = schedule(afterMilliseconds: UInt64(timeout)) { [weak call] in
                call?.finish(.deadlineExceeded, message: "upstream request timeout")
            }
        }
        grpcCalls.append(call)
        return .ok
    }

    func grpcSend(_ token: UInt32, _ message: Bytes, _ end: Bool) -> Status {
        guard token & 3 == 2 else { return .badArgument }
        guard let stream = grpcCalls.first(where: { $0.token == token }) else { return .notFound }
        stream.messages.append(message)
        if end { stream.isClosedByModule = true }
        return .ok
    }

    func grpcEnd(_ token: UInt32, cancel: Bool) -> Status {
        guard token & 3 != 0 else { return .badArgument }
        guard let call = grpcCalls.first(where: { $0.token == token }) else { return .notFound }
        if cancel || !call.isStream {
            call.isCancelled = true
            call.close()
        } else {
            call.isClosedByModule = true
        }
        return .ok
    }
}

/// Reads the cluster from a serialised `envoy.config.core.v3.GrpcService`.
private enum GRPCTarget {
    /// Field 1 of field 1: `envoy_grpc.cluster_name`.
    static func cluster(of target: Bytes) -> Bytes? {
        field(1, of: target).flatMap { field(1, of: $0) }
    }

    private static func field(_ number: UInt8, of message: Bytes) -> Bytes? {
        var rest = message[...]
        while let tag = rest.first {
            rest = rest.dropFirst()
            var size = 0
            var shift = 0
            while let byte = rest.first {
                rest = rest.dropFirst()
                size |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 || shift > 28 { break }
            }
            guard tag & 7 == 2, size <= rest.count else { return nil }
            if tag >> 3 == number { return Bytes(rest.prefix(size)) }
            rest = rest.dropFirst(size)
        }
        return nil
    }
}
