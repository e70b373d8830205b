// SPDX-License-Identifier: Apache-2.0

/// One context of the host, Proxy-Wasm 0.2.1 "Contexts": a configured plugin, an HTTP exchange or a connection.
///
/// The subclasses know the filter; the defaults are those of a context that handles nothing.
package class Context {
    package let id: UInt32
    /// The calls that have not been answered yet, newest first; they go when the context goes.
    private var calls: PendingCall?

    init(id: UInt32) {
        self.id = id
    }

    // MARK: A configured plugin

    func makeStream(_ id: UInt32) -> Context? { nil }
    func onTick() {}
    func onQueueReady(_ queue: UInt32) {}
    func onForeignFunction(_ function: UInt32, size: Int) {}
    func onStatsUpdate(_ size: Int) {}

    // MARK: An HTTP exchange

    func onRequestHeaders(_ count: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onRequestBody(_ size: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onRequestTrailers(_ count: Int) -> UInt32 { 0 }
    func onRequestMetadata(_ count: Int) -> UInt32 { 0 }
    func onResponseHeaders(_ count: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onResponseBody(_ size: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onResponseTrailers(_ count: Int) -> UInt32 { 0 }
    func onResponseMetadata(_ count: Int) -> UInt32 { 0 }

    // MARK: A connection

    func onNewConnection() -> UInt32 { 0 }
    func onDownstreamData(_ size: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onUpstreamData(_ size: Int, endOfStream: Bool) -> UInt32 { 0 }
    func onDownstreamClose(_ peer: UInt32) {}
    func onUpstreamClose(_ peer: UInt32) {}

    // MARK: All of them

    func onDone() -> Bool { true }
    func onLog() {}
    func onDelete() {}
    /// A callback has thrown; the result is what the callback returns in its place.
    @discardableResult
    func onError(_ error: HostError) -> UInt32 {
        Log.error(error.message)
        return 0
    }

    // MARK: Calls

    final func add(_ call: PendingCall) {
        call.next = calls
        calls = call
    }

    final func adoptCalls(of other: Context?) {
        calls = other?.calls
        other?.calls = nil
    }

    final func hasCall(_ kind: PendingCall.Kind, _ token: UInt32) -> Bool {
        var call = calls
        while let current = call {
            if current.kind == kind, current.token == token { return true }
            call = current.next
        }
        return false
    }

    /// Forgets a call, so that its closure is released.
    final func removeCall(_ kind: PendingCall.Kind, _ token: UInt32) {
        var previous: PendingCall?
        var call = calls
        while let current = call {
            if current.kind == kind, current.token == token {
                if let previous {
                    previous.next = current.next
                } else {
                    calls = current.next
                }
                return
            }
            previous = current
            call = current.next
        }
    }

    /// Resumes whoever waits for a call; an answer that nobody waits for any more is dropped.
    final func deliver(_ kind: PendingCall.Kind, _ token: UInt32, _ event: CallEvent) {
        var call = calls
        while let current = call {
            if current.kind == kind, current.token == token {
                if event.isLast(of: kind) {
                    removeCall(kind, token)
                }
                do throws(HostError) {
                    try current.resume(event)
                } catch {
                    onError(error)
                }
                return
            }
            call = current.next
        }
    }

    deinit {
        // A long list would otherwise be released by as deep a recursion.
        while let call = calls {
            calls = call.next
            call.next = nil
        }
    }
}

/// A call that the host has not answered yet, and the closure that waits.
final class PendingCall {
    /// The kinds of call, whose tokens a host may number apart.
    enum Kind {
        case http
        case grpc
        case grpcStream
        /// Envoy's own.
        case dns
    }

    let kind: Kind
    let token: UInt32
    let resume: (CallEvent) throws(HostError) -> Void
    var next: PendingCall?

    init(_ kind: Kind, _ token: UInt32, _ resume: @escaping (CallEvent) throws(HostError) -> Void) {
        self.kind = kind
        self.token = token
        self.resume = resume
    }
}

/// What the host tells about a call.
enum CallEvent {
    case httpResponse(headers: Int, bodySize: Int, trailers: Int)
    case initialMetadata(count: Int)
    case message(size: Int)
    case trailingMetadata(count: Int)
    case closed(status: UInt32)
    case addresses(size: Int)

    /// Whether nothing follows: a unary call ends with its message.
    func isLast(of kind: PendingCall.Kind) -> Bool {
        switch self {
        case .httpResponse, .closed, .addresses: true
        case .message: kind == .grpc
        case .initialMetadata, .trailingMetadata: false
        }
    }
}
