// SPDX-License-Identifier: Apache-2.0

/// One context of the host, Proxy-Wasm 0.2.1 "Contexts": a configured plugin, an HTTP exchange or a connection.
///
/// The subclasses know the filter; the defaults are those of a context that handles nothing.
package class Context: TableEntry {
    /// The calls that have not been answered yet, newest first; they go when the context goes.
    private var calls: PendingCall?

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

    /// Forgets a call, so that its closure is released.
    final func remove(_ call: PendingCall) {
        if calls === call {
            calls = call.next
            return
        }
        var previous = calls
        while let current = previous {
            if current.next === call {
                current.next = call.next
                return
            }
            previous = current.next
        }
    }

    deinit {
        // A long list would otherwise be released by as deep a recursion.
        while let call = calls {
            calls = call.next
            call.next = nil
            call.table.remove(call.id)
        }
    }
}

/// A call that the host has not answered yet, and the closure that waits.
///
/// Envoy makes every call for the root context and answers that one; only the token says who has asked.
package final class PendingCall: TableEntry {
    /// The kinds of call, whose tokens a host may number apart.
    package enum Kind: UInt32 {
        case http = 0
        case grpc = 1
        case grpcStream = 2
        /// Envoy's own.
        case dns = 3
    }

    /// The context that has asked.
    let context: UInt32
    let table: ContextTable
    let resume: (CallEvent) throws(HostError) -> Void
    var next: PendingCall?

    init(
        _ kind: Kind, _ token: UInt32, of context: UInt32, in table: ContextTable,
        _ resume: @escaping (CallEvent) throws(HostError) -> Void
    ) {
        self.context = context
        self.table = table
        self.resume = resume
        super.init(id: PendingCall.id(kind, token))
    }

    /// What distinguishes a call from all others that are open.
    static func id(_ kind: Kind, _ token: UInt32) -> UInt32 {
        token &* 4 &+ kind.rawValue
    }
}

/// What the host tells about a call.
package enum CallEvent {
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
