// SPDX-License-Identifier: Apache-2.0

/// What a plugin does with one TCP connection; a new instance is made for each.
///
/// Write the callbacks you need, with the signatures below. The others have defaults that let the bytes pass, and cost
/// nothing, because the module does not even export them.
public protocol NetworkFilter: AnyObject {
    /// What ``onNewConnection(_:)`` returns: ``Action``.
    associatedtype NewConnectionResult: CallbackResult = Unhandled
    /// A client has connected.
    func onNewConnection(_ connection: Connection) throws(HostError) -> NewConnectionResult

    /// What ``onDownstreamData(_:)`` returns: ``Action``.
    associatedtype DownstreamDataResult: CallbackResult = Unhandled
    /// The client has sent bytes; they wait with those that were kept before.
    func onDownstreamData(_ data: ConnectionData) throws(HostError) -> DownstreamDataResult

    /// What ``onUpstreamData(_:)`` returns: ``Action``.
    associatedtype UpstreamDataResult: CallbackResult = Unhandled
    /// The server has sent bytes; they wait with those that were kept before.
    func onUpstreamData(_ data: ConnectionData) throws(HostError) -> UpstreamDataResult

    /// What ``onDownstreamClose(_:_:)`` returns: nothing.
    associatedtype DownstreamCloseResult = Unhandled
    /// The connection to the client is closed.
    func onDownstreamClose(
        _ peer: ClosingPeer, _ connection: Connection
    ) throws(HostError) -> DownstreamCloseResult

    /// What ``onUpstreamClose(_:_:)`` returns: nothing.
    associatedtype UpstreamCloseResult = Unhandled
    /// The connection to the server is closed, or the server will send no more.
    func onUpstreamClose(
        _ peer: ClosingPeer, _ connection: Connection
    ) throws(HostError) -> UpstreamCloseResult

    /// What ``onDone(_:)`` returns: whether the connection may end.
    associatedtype DoneResult: DoneCallbackResult = Unhandled
    /// The connection is over; return false to keep what belongs to it until you call ``ProxyContext/done()``.
    func onDone(_ connection: Connection) -> DoneResult

    /// What ``onLog(_:)`` returns: nothing.
    associatedtype LogResult = Unhandled
    /// The connection is over and may be logged.
    func onLog(_ connection: Connection) throws(HostError) -> LogResult

    /// The last call: the filter is released after it, and with it the closures that wait for answers.
    func onDelete(_ connection: Connection)

    /// A callback has thrown, or a closure that waited for an answer. The default logs the error and closes the
    /// connection, so that a filter that fails lets nothing pass; return `.continue` to let it go on.
    func onError(_ error: HostError, in connection: Connection) -> Action
}

extension NetworkFilter {
    /// Not handled: accepts the connection.
    public func onNewConnection(_ connection: Connection) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the bytes pass.
    public func onDownstreamData(_ data: ConnectionData) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the bytes pass.
    public func onUpstreamData(_ data: ConnectionData) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled.
    public func onDownstreamClose(
        _ peer: ClosingPeer, _ connection: Connection
    ) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled.
    public func onUpstreamClose(
        _ peer: ClosingPeer, _ connection: Connection
    ) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled: agrees that the connection is over.
    public func onDone(_ connection: Connection) -> Unhandled { Unhandled() }

    /// Not handled: logs nothing.
    public func onLog(_ connection: Connection) throws(HostError) -> Unhandled { Unhandled() }

    /// Does nothing.
    public func onDelete(_ connection: Connection) {}

    /// Logs the error and closes the connection.
    public func onError(_ error: HostError, in connection: Connection) -> Action {
        Log.error(error.message)
        do throws(HostError) {
            try connection.close()
        } catch {
            Log.error(error.message)
        }
        return .pause
    }
}

/// One TCP connection from a client.
public struct Connection: ProxyContext, Hashable {
    /// The number under which the proxy knows this connection; unique among those that are open.
    public let id: UInt32

    init(id: UInt32) {
        self.id = id
    }

    /// Lets bytes of the client go on that a callback has paused.
    public func resumeDownstream() throws(HostError) {
        try continueStream(.downstream, of: id)
    }

    /// Lets bytes of the server go on that a callback has paused.
    ///
    /// Envoy 1.40 answers ``HostError/Status/unimplemented``: there, paused bytes go on with the next that arrive.
    public func resumeUpstream() throws(HostError) {
        try continueStream(.upstream, of: id)
    }

    /// Sends what is still to be sent, and closes the connection to the client.
    public func close() throws(HostError) {
        try closeStream(.downstream, of: id)
    }

    /// Sends what is still to be sent, and closes the connection to the server.
    public func closeUpstream() throws(HostError) {
        try closeStream(.upstream, of: id)
    }
}

/// Who has closed a connection (Proxy-Wasm 0.2.1, "Peer types").
public enum ClosingPeer: UInt32, Sendable {
    /// The host does not say.
    case unknown = 0
    /// The proxy.
    case local = 1
    /// The other side.
    case remote = 2
}
