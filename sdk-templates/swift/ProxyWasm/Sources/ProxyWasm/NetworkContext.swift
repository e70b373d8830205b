// SPDX-License-Identifier: Apache-2.0

/// The context of a connection.
final class NetworkContext<Filter: NetworkFilter>: Context {
    private let filter: Filter

    init(id: UInt32, filter: Filter) {
        self.filter = filter
        super.init(id: id)
    }

    private var connection: Connection { Connection(id: id) }

    override func onNewConnection() -> UInt32 {
        guard Filter.NewConnectionResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onNewConnection(connection).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onDownstreamData(_ size: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.DownstreamDataResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onDownstreamData(data(.downstreamData, size, endOfStream)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onUpstreamData(_ size: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.UpstreamDataResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onUpstreamData(data(.upstreamData, size, endOfStream)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onDownstreamClose(_ peer: UInt32) {
        guard isHandled(Filter.DownstreamCloseResult.self) else { return }
        do throws(HostError) {
            _ = try filter.onDownstreamClose(ClosingPeer(rawValue: peer) ?? .unknown, connection)
        } catch {
            onError(error)
        }
    }

    override func onUpstreamClose(_ peer: UInt32) {
        guard isHandled(Filter.UpstreamCloseResult.self) else { return }
        do throws(HostError) {
            _ = try filter.onUpstreamClose(ClosingPeer(rawValue: peer) ?? .unknown, connection)
        } catch {
            onError(error)
        }
    }

    override func onDone() -> Bool {
        filter.onDone(connection).isDone
    }

    override func onLog() {
        guard isHandled(Filter.LogResult.self) else { return }
        do throws(HostError) {
            _ = try filter.onLog(connection)
        } catch {
            Log.error(error.message)
        }
    }

    override func onDelete() {
        filter.onDelete(connection)
    }

    @discardableResult
    override func onError(_ error: HostError) -> UInt32 {
        filter.onError(error, in: connection).rawValue
    }

    private func data(_ kind: BufferKind, _ size: Int, _ endOfStream: Bool) -> ConnectionData {
        ConnectionData(stream: connection, count: size, isEndOfStream: endOfStream, bufferType: kind.rawValue)
    }
}
