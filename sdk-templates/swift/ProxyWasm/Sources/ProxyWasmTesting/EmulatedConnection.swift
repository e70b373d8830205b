// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// A TCP connection between an emulated client and server, with the filter in between.
public final class EmulatedConnection {
    /// What the server has received.
    public private(set) var serverBytes: Bytes = ""
    /// What the client has received.
    public private(set) var clientBytes: Bytes = ""
    /// Whether the server was told that the client sends no more.
    public private(set) var serverHasEnd = false
    /// Whether the client was told that the server sends no more.
    public private(set) var clientHasEnd = false
    /// Whether the connection to the client is closed.
    public private(set) var isClosed = false
    /// Whether the filter has paused the connection when it began, and nothing has come since.
    public private(set) var isPaused = false
    /// What of the client the filter keeps waiting.
    public var keptClientBytes: Bytes { Bytes(downstream) }
    /// What of the server the filter keeps waiting.
    public var keptServerBytes: Bytes { Bytes(upstream) }

    let id: UInt32
    let plugin: ConfiguredPlugin
    let host: HostEmulator
    private var downstream: [UInt8] = []
    private var upstream: [UInt8] = []
    private var downstreamEnds = false
    private var reachesDownstream = false
    private var reachesUpstream = false
    private var state: [Bytes: Bytes] = [:]

    init(id: UInt32, plugin: ConfiguredPlugin, host: HostEmulator) {
        self.id = id
        self.plugin = plugin
        self.host = host
    }

    func start() {
        let answer = host.call(in: self) { $0.onNewConnection(id) }
        isPaused = answer.action != 0
    }

    /// The client sends bytes; the filter sees them behind those that it keeps.
    public func sendFromClient(_ bytes: Bytes, endOfStream: Bool = false) {
        host.turn {
            guard !isClosed else { return }
            isPaused = false
            downstream += Array(bytes)
            downstreamEnds = downstreamEnds || endOfStream
            reachesDownstream = true
            let count = downstream.count
            let answer = host.call(in: self) { $0.onDownstreamData(id, count, endOfStream) }
            guard answer.action == 0 else { return }
            reachesDownstream = false
            passDownstream()
        }
    }

    private func passDownstream() {
        guard !isClosed else { return }
        serverBytes = "\(serverBytes)\(Bytes(downstream))"
        downstream = []
        serverHasEnd = serverHasEnd || downstreamEnds
    }

    /// The server sends bytes; the filter sees them behind those that it keeps.
    ///
    /// With `endOfStream` the server sends no more, and the filter is told that the connection to it is closed.
    public func sendFromServer(_ bytes: Bytes, endOfStream: Bool = false) {
        host.turn {
            guard !isClosed else { return }
            upstream += Array(bytes)
            reachesUpstream = true
            let count = upstream.count
            let answer = host.call(in: self) { $0.onUpstreamData(id, count, endOfStream) }
            if answer.action == 0 {
                reachesUpstream = false
                clientBytes = "\(clientBytes)\(Bytes(upstream))"
                upstream = []
                clientHasEnd = clientHasEnd || endOfStream
            }
            if endOfStream { host.callAndWait(in: self) { $0.onUpstreamClose(id, 0) } }
        }
    }

    /// Closes the connection to the client: from there, or from the proxy.
    public func close(_ peer: ClosingPeer = .remote) {
        host.turn {
            guard !isClosed else { return }
            isClosed = true
            host.callAndWait(in: self) { $0.onDownstreamClose(id, peer.rawValue) }
            _ = host.callAndWait(in: self) { $0.onDone(id) }
            host.callAndWait(in: self) { $0.onLog(id) }
            host.callAndWait(in: self) { $0.onDelete(id) }
            host.forget(self)
        }
    }
}

extension EmulatedConnection: HostContext {
    func buffer(_ kind: BufferKind) -> [UInt8]? {
        switch kind {
        case .downstreamData where reachesDownstream: downstream
        case .upstreamData where reachesUpstream: upstream
        default: []
        }
    }

    func changeBuffer(_ kind: BufferKind, from start: Int, count: Int, to bytes: [UInt8]) -> Status {
        guard kind == .downstreamData ? reachesDownstream : kind == .upstreamData && reachesUpstream else {
            return .badArgument
        }
        var buffer = kind == .downstreamData ? downstream : upstream
        if start == 0 {
            buffer.replaceSubrange(0..<min(count, buffer.count), with: bytes)
        } else if start >= buffer.count {
            buffer += bytes
        } else {
            return .badArgument
        }
        if kind == .downstreamData { downstream = buffer } else { upstream = buffer }
        return .ok
    }

    func property(_ path: [Bytes]) -> Bytes? {
        path.count == 1 ? path.first.flatMap { state[$0] } : nil
    }

    func setProperty(_ path: Bytes, to value: Bytes) -> Status {
        state[path] = value
        return .ok
    }

    func resume(_ stream: UInt32) -> Status {
        switch stream {
        case 0, 1: return .ok
        case 2:
            host.afterCall { [self] in
                isPaused = false
                passDownstream()
            }
            return .ok
        default: return .unimplemented
        }
    }

    func close(_ stream: UInt32) -> Status {
        if stream >= 2 { host.afterCall { [self] in close(.local) } }
        return .ok
    }
}

extension EmulatedConnection: CustomStringConvertible {
    /// What both sides have received.
    public var description: String {
        """
        connection \(id): \(isClosed ? "closed" : isPaused ? "paused" : "open")
        -- the server received:
        \(serverBytes)
        -- the client received:
        \(clientBytes)
        """
    }
}
