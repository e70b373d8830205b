// SPDX-License-Identifier: Apache-2.0

/// The context of a configured plugin.
class PluginRoot<P: Plugin>: Context {
    final let plugin: P

    init(id: UInt32, plugin: P) {
        self.plugin = plugin
        super.init(id: id)
    }

    private var handle: PluginContext { PluginContext(id: id) }

    override func onTick() {
        do throws(HostError) {
            _ = try plugin.onTick(handle)
        } catch {
            onError(error)
        }
    }

    override func onQueueReady(_ queue: UInt32) {
        do throws(HostError) {
            _ = try plugin.onQueueReady(SharedQueue(id: queue), handle)
        } catch {
            onError(error)
        }
    }

    override func onForeignFunction(_ function: UInt32, size: Int) {
        do throws(HostError) {
            _ = try plugin.onForeignFunction(ForeignCall(function: function, size: size), handle)
        } catch {
            onError(error)
        }
    }

    override func onStatsUpdate(_ size: Int) {
        do throws(HostError) {
            _ = try plugin.onStatsUpdate(StatsUpdate(size: size), handle)
        } catch {
            onError(error)
        }
    }

    override func onDone() -> Bool {
        plugin.onDone(handle).isDone
    }

    @discardableResult
    override func onError(_ error: HostError) -> UInt32 {
        plugin.onError(error, in: handle)
        return 0
    }
}

/// The context of a configured plugin for HTTP exchanges.
final class HTTPRoot<P: HTTPPlugin>: PluginRoot<P> {
    private let requests: Counter?

    init(id: UInt32, plugin: P, configuration: PluginConfiguration) {
        requests = P.countsRequests ? requestCounter(configuration.rootID) : nil
        super.init(id: id, plugin: plugin)
    }

    override func makeStream(_ id: UInt32) -> Context? {
        if P.countsRequests {
            return CountingHTTPContext(
                id: id, filter: plugin.makeFilter(for: HTTPStream(id: id)), requests: requests)
        }
        return HTTPContext(id: id, filter: plugin.makeFilter(for: HTTPStream(id: id)))
    }
}

private func requestCounter(_ rootID: Bytes) -> Counter? {
    do throws(HostError) {
        return try Counter("plugin_requests.\(try pluginName(or: rootID))")
    } catch {
        Log.debug(error.message)
        return nil
    }
}

/// The context of a configured plugin for connections.
final class NetworkRoot<P: NetworkPlugin>: PluginRoot<P> {
    override func makeStream(_ id: UInt32) -> Context? {
        NetworkContext(id: id, filter: plugin.makeFilter(for: Connection(id: id)))
    }
}
