// SPDX-License-Identifier: Apache-2.0

#if arch(wasm32)
    public import CProxyWasmABI
#else
    internal import CProxyWasmABI
#endif

/// A gRPC status code.
public struct GRPCStatus: RawRepresentable, Hashable, Sendable {
    /// The number.
    public let rawValue: UInt32

    /// Wraps a number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// OK.
    public static var ok: GRPCStatus { GRPCStatus(rawValue: 0) }
    /// CANCELLED.
    public static var cancelled: GRPCStatus { GRPCStatus(rawValue: 1) }
    /// UNKNOWN.
    public static var unknown: GRPCStatus { GRPCStatus(rawValue: 2) }
    /// INVALID_ARGUMENT.
    public static var invalidArgument: GRPCStatus { GRPCStatus(rawValue: 3) }
    /// DEADLINE_EXCEEDED.
    public static var deadlineExceeded: GRPCStatus { GRPCStatus(rawValue: 4) }
    /// NOT_FOUND.
    public static var notFound: GRPCStatus { GRPCStatus(rawValue: 5) }
    /// ALREADY_EXISTS.
    public static var alreadyExists: GRPCStatus { GRPCStatus(rawValue: 6) }
    /// PERMISSION_DENIED.
    public static var permissionDenied: GRPCStatus { GRPCStatus(rawValue: 7) }
    /// RESOURCE_EXHAUSTED.
    public static var resourceExhausted: GRPCStatus { GRPCStatus(rawValue: 8) }
    /// FAILED_PRECONDITION.
    public static var failedPrecondition: GRPCStatus { GRPCStatus(rawValue: 9) }
    /// ABORTED.
    public static var aborted: GRPCStatus { GRPCStatus(rawValue: 10) }
    /// OUT_OF_RANGE.
    public static var outOfRange: GRPCStatus { GRPCStatus(rawValue: 11) }
    /// UNIMPLEMENTED.
    public static var unimplemented: GRPCStatus { GRPCStatus(rawValue: 12) }
    /// INTERNAL.
    public static var `internal`: GRPCStatus { GRPCStatus(rawValue: 13) }
    /// UNAVAILABLE.
    public static var unavailable: GRPCStatus { GRPCStatus(rawValue: 14) }
    /// DATA_LOSS.
    public static var dataLoss: GRPCStatus { GRPCStatus(rawValue: 15) }
    /// UNAUTHENTICATED.
    public static var unauthenticated: GRPCStatus { GRPCStatus(rawValue: 16) }
}

/// How a gRPC call has ended.
public struct GRPCFailure: Error, Hashable, Sendable {
    /// The status; for a stream it may be ``GRPCStatus/ok``.
    public let status: GRPCStatus
    /// What the server or the proxy says of it; may be empty.
    public let message: Bytes
}

/// Where a gRPC call goes.
public struct GRPCService: Sendable {
    /// A serialised `envoy.config.core.v3.GrpcService`, which Envoy wants; other hosts may take a name.
    let target: Bytes

    /// A cluster of Envoy, which must speak HTTP/2; `authority` is what to send in place of its name.
    public static func cluster(_ cluster: Bytes, authority: Bytes = "") -> GRPCService {
        // GrpcService{envoy_grpc = 1: EnvoyGrpc{cluster_name = 1, authority = 2}}
        var envoyGrpc = ProtobufWriter()
        envoyGrpc.field(1, cluster)
        envoyGrpc.field(2, authority)
        var service = ProtobufWriter()
        service.field(1, envoyGrpc.finish())
        return GRPCService(target: service.finish())
    }

    /// The text that the host wants, as it is.
    public static func raw(_ target: Bytes) -> GRPCService {
        GRPCService(target: target)
    }
}

/// Something that happens on a gRPC stream, to be read in the closure that it was handed to.
public enum GRPCEvent: Sendable {
    /// The server has begun to answer.
    case initialMetadata(HeaderMap)
    /// The server has sent a message.
    case message(Bytes)
    /// The server has sent its trailers.
    case trailingMetadata(HeaderMap)
    /// The stream has ended; nothing follows.
    case closed(GRPCFailure)
}

/// A gRPC call whose answer has not come yet.
public struct GRPCCall: Sendable {
    let context: UInt32
    let token: UInt32

    /// Gives the call up; its closure is released and not called.
    public func cancel() throws(HostError) {
        module.removeCall(.grpc, token)
        try module.activate(context)
        try Host.check(proxy_grpc_cancel(token), "cancel gRPC call")
    }
}

/// An open gRPC stream.
public struct GRPCStream: Sendable {
    let context: UInt32
    let token: UInt32

    /// Sends a message; with `endOfStream` no more follow.
    public func send(_ message: Bytes, endOfStream: Bool = false) throws(HostError) {
        try module.activate(context)
        let status = message.withUnsafeBytes {
            proxy_grpc_send(token, $0.baseAddress, $0.count, endOfStream ? 1 : 0)
        }
        try Host.check(status, "send gRPC message")
    }

    /// Says that no more messages follow; the server may go on.
    public func close() throws(HostError) {
        try module.activate(context)
        try Host.check(proxy_grpc_close(token), "close gRPC stream")
    }

    /// Breaks the stream off; its closure is released and not called.
    public func cancel() throws(HostError) {
        module.removeCall(.grpcStream, token)
        try module.activate(context)
        try Host.check(proxy_grpc_cancel(token), "cancel gRPC stream")
    }
}

extension ProxyContext {
    /// Calls a unary gRPC method, and `completion` with the serialised answer.
    ///
    /// `service` is named with its package, as in "acme.Authorization". If the stream ends first, the closure is released
    /// and never called. What it throws goes to `onError`.
    @_alwaysEmitIntoClient
    @discardableResult
    public func grpcCall(
        to target: GRPCService,
        service: Bytes,
        method: Bytes,
        message: Bytes,
        initialMetadata: [HeaderField] = [],
        timeoutMilliseconds: UInt32 = 5000,
        completion: @escaping (Result<Bytes, GRPCFailure>) throws(HostError) -> Void
    ) throws(HostError) -> GRPCCall {
        #if arch(wasm32)
            proxy_wasm_export_on_grpc_receive()
            proxy_wasm_export_on_grpc_close()
        #endif
        return try startGRPCCall(
            id, target, service, method, message, initialMetadata, timeoutMilliseconds, completion)
    }

    /// Opens a gRPC stream, and calls `onEvent` with all that happens on it.
    ///
    /// If this stream or plugin ends first, the closure is released and not called any more. What it throws goes to
    /// `onError`.
    @_alwaysEmitIntoClient
    public func grpcStream(
        to target: GRPCService,
        service: Bytes,
        method: Bytes,
        initialMetadata: [HeaderField] = [],
        onEvent: @escaping (GRPCEvent) throws(HostError) -> Void
    ) throws(HostError) -> GRPCStream {
        #if arch(wasm32)
            proxy_wasm_export_on_grpc_receive_initial_metadata()
            proxy_wasm_export_on_grpc_receive()
            proxy_wasm_export_on_grpc_receive_trailing_metadata()
            proxy_wasm_export_on_grpc_close()
        #endif
        return try startGRPCStream(id, target, service, method, initialMetadata, onEvent)
    }
}

@usableFromInline
func startGRPCCall(
    _ id: UInt32,
    _ target: GRPCService,
    _ service: Bytes,
    _ method: Bytes,
    _ message: Bytes,
    _ initialMetadata: [HeaderField],
    _ timeout: UInt32,
    _ completion: @escaping (Result<Bytes, GRPCFailure>) throws(HostError) -> Void
) throws(HostError) -> GRPCCall {
    let metadata = try HeaderList.validated(initialMetadata, "call with metadata")
    try activateForCall(id)
    var token: UInt32 = 0
    let status = target.target.withUnsafeBytes { target in
        service.withUnsafeBytes { service in
            method.withUnsafeBytes { method in
                metadata.withUnsafeBytes { metadata in
                    message.withUnsafeBytes { message in
                        proxy_grpc_call(
                            target.baseAddress, target.count, service.baseAddress, service.count,
                            method.baseAddress, method.count, metadata.baseAddress, metadata.count,
                            message.baseAddress, message.count, timeout, &token)
                    }
                }
            }
        }
    }
    try Host.check(status, "call gRPC method \"\(service)/\(method)\"")
    module.addCall(.grpc, token, of: id) { (event) throws(HostError) in
        switch event {
        case .message(let size):
            try completion(.success(try BufferKind.grpcMessage.bytes(from: 0, count: size)))
        case .closed(let status):
            try completion(.failure(grpcFailure(status)))
        default: break
        }
    }
    return GRPCCall(context: id, token: token)
}

@usableFromInline
func startGRPCStream(
    _ id: UInt32,
    _ target: GRPCService,
    _ service: Bytes,
    _ method: Bytes,
    _ initialMetadata: [HeaderField],
    _ onEvent: @escaping (GRPCEvent) throws(HostError) -> Void
) throws(HostError) -> GRPCStream {
    let metadata = try HeaderList.validated(initialMetadata, "open gRPC stream with metadata")
    try activateForCall(id)
    var token: UInt32 = 0
    let status = target.target.withUnsafeBytes { target in
        service.withUnsafeBytes { service in
            method.withUnsafeBytes { method in
                metadata.withUnsafeBytes { metadata in
                    proxy_grpc_stream(
                        target.baseAddress, target.count, service.baseAddress, service.count,
                        method.baseAddress, method.count, metadata.baseAddress, metadata.count, &token)
                }
            }
        }
    }
    try Host.check(status, "open gRPC stream \"\(service)/\(method)\"")
    module.addCall(.grpcStream, token, of: id) { (event) throws(HostError) in
        switch event {
        case .initialMetadata: try onEvent(.initialMetadata(HeaderMap(.grpcInitialMetadata, of: id)))
        case .message(let size):
            try onEvent(.message(try BufferKind.grpcMessage.bytes(from: 0, count: size)))
        case .trailingMetadata: try onEvent(.trailingMetadata(HeaderMap(.grpcTrailingMetadata, of: id)))
        case .closed(let status): try onEvent(.closed(grpcFailure(status)))
        case .httpResponse, .addresses: break
        }
    }
    return GRPCStream(context: id, token: token)
}

/// What the host says about the status with which a call has just ended.
private func grpcFailure(_ status: UInt32) -> GRPCFailure {
    var code: UInt32 = 0
    do throws(HostError) {
        let message = try Host.bytes("read gRPC status") { pointer, size in
            proxy_get_status(&code, pointer, size)
        }
        return GRPCFailure(status: GRPCStatus(rawValue: status), message: message)
    } catch {
        return GRPCFailure(status: GRPCStatus(rawValue: status), message: "")
    }
}
