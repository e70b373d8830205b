// SPDX-License-Identifier: Apache-2.0

/// A filter as it is configured: made once for each configuration, alive for as long as that is in use.
///
/// Several plugins, and several configurations of one, may live in one module at the same time; what one does to its
/// properties, no other sees. A plugin that is no more than this works in the background: by its timer and by queues.
public protocol Plugin: AnyObject {
    /// The name that selects this plugin among those of a module: `root_id` in the configuration of Envoy.
    static var rootID: Bytes { get }

    /// Whether the plugin sets a gauge named after itself and this build of the module, so that its presence in the
    /// statistics of the proxy proves which build is live. On by default.
    static var marksBuild: Bool { get }

    /// Reads the configuration. What this throws is logged, and the proxy refuses the configuration.
    init(configuration: PluginConfiguration) throws(ConfigurationError)

    /// What ``onTick(_:)`` returns: nothing.
    associatedtype TickResult = Unhandled
    /// The period of ``PluginContext/setTickPeriod(milliseconds:)`` has passed once more.
    func onTick(_ context: PluginContext) throws(HostError) -> TickResult

    /// What ``onQueueReady(_:_:)`` returns: nothing.
    associatedtype QueueResult = Unhandled
    /// Something has been put into a queue that this plugin has registered; another VM may have taken it by now.
    func onQueueReady(_ queue: SharedQueue, _ context: PluginContext) throws(HostError) -> QueueResult

    /// What ``onForeignFunction(_:_:)`` returns: nothing.
    associatedtype ForeignFunctionResult = Unhandled
    /// The host calls the module by an extension of its own.
    func onForeignFunction(
        _ call: ForeignCall, _ context: PluginContext
    ) throws(HostError) -> ForeignFunctionResult

    /// What ``onStatsUpdate(_:_:)`` returns: nothing.
    associatedtype StatsResult = Unhandled
    /// Envoy flushes its statistics, and this plugin is a sink for them (`envoy.stat_sinks.wasm`).
    func onStatsUpdate(_ statistics: StatsUpdate, _ context: PluginContext) throws(HostError) -> StatsResult

    /// What ``onDone(_:)`` returns: whether the plugin has finished.
    associatedtype PluginDoneResult: DoneCallbackResult = Unhandled
    /// The configuration goes out of use; return false to finish something first, and then call
    /// ``ProxyContext/done()``.
    func onDone(_ context: PluginContext) -> PluginDoneResult

    /// A callback of the plugin has thrown, or a closure that waited for an answer. The default logs it.
    func onError(_ error: HostError, in context: PluginContext)
}

extension Plugin {
    /// On.
    public static var marksBuild: Bool { true }

    /// Not handled.
    public func onTick(_ context: PluginContext) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled.
    public func onQueueReady(_ queue: SharedQueue, _ context: PluginContext) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled.
    public func onForeignFunction(
        _ call: ForeignCall, _ context: PluginContext
    ) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled.
    public func onStatsUpdate(
        _ statistics: StatsUpdate,
        _ context: PluginContext
    ) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled.
    public func onDone(_ context: PluginContext) -> Unhandled { Unhandled() }

    /// Logs the error.
    public func onError(_ error: HostError, in context: PluginContext) {
        Log.error(error.message)
    }
}

/// A plugin that looks at HTTP exchanges.
public protocol HTTPPlugin: Plugin {
    /// The filter for one exchange.
    associatedtype Filter: HTTPFilter

    /// Whether the plugin counts the requests it sees, as `plugin_requests.<plugin>`. Off by default.
    static var countsRequests: Bool { get }

    /// Makes the filter for an exchange that begins.
    func makeFilter(for stream: HTTPStream) -> Filter
}

extension HTTPPlugin {
    /// Off.
    public static var countsRequests: Bool { false }
}

/// A plugin that looks at the bytes of TCP connections.
public protocol NetworkPlugin: Plugin {
    /// The filter for one connection.
    associatedtype Filter: NetworkFilter

    /// Makes the filter for a connection that begins.
    func makeFilter(for connection: Connection) -> Filter
}

/// Why a configuration cannot be used.
public struct ConfigurationError: Error, Hashable, Sendable {
    /// One line for whoever wrote the configuration: what is wrong and where.
    public let message: Bytes

    /// Describes what is wrong.
    public init(_ message: Bytes) {
        self.message = message
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// The message as a string.
    public var description: String { message.lossyString }
}
