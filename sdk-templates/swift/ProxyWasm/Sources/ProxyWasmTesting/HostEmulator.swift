// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
public import ProxyWasm

/// Plays the proxy for unit tests: configures plugins, sends them exchanges, and keeps what they did.
///
/// Each emulator is a module of its own, so tests may run in parallel. One emulator belongs to one thread at a time.
public final class HostEmulator {
    /// A line that the module has logged.
    public struct LogLine: Hashable, Sendable {
        /// How much it matters.
        public let level: LogLevel
        /// What it says.
        public let message: Bytes
    }

    /// A plugin that the module has made from a configuration.
    public struct ConfiguredPlugin: Hashable, Sendable {
        let id: UInt32
    }

    struct Metric {
        let name: Bytes
        let kind: UInt32
        var value: UInt64 = 0
    }

    /// What the module has logged, in order.
    public internal(set) var log: [LogLine] = []

    /// The properties that the module can read, besides those that follow from the headers of an exchange; the parts of
    /// a path are joined by dots, as in "source.address".
    public var properties: [Bytes: Bytes] = [:]

    /// The time that the module reads, in nanoseconds.
    public var time: UInt64 = 0

    let module = Module()
    var metrics: [Metric] = []
    /// The exchange in which the module is called, if any.
    var current: EmulatedExchange?
    /// The root id and the configurations that the module can read while it is being configured.
    var rootID: Bytes = ""
    var configuration: Bytes = ""
    var vmConfiguration: Bytes = ""

    private let host = UnsafeMutablePointer<proxy_wasm_host>.allocate(capacity: 1)
    private var lastID: UInt32 = 0
    private var lastPlugin: ConfiguredPlugin?

    /// Makes an emulator of a module that offers no plugin yet.
    public init() {
        host.initialize(to: .emulated(by: self))
    }

    /// Makes an emulator of a module that offers one plugin, and configures that.
    public convenience init<P: HTTPPlugin>(
        _ plugin: P.Type,
        configuration: Bytes = ""
    ) throws(ConfigurationRefused) {
        self.init()
        register(plugin)
        try configure(configuration)
    }

    deinit {
        host.deinitialize(count: 1)
        host.deallocate()
    }

    // MARK: Plugins

    /// Has the module offer a plugin, as a line of main.swift does.
    public func register<P: HTTPPlugin>(_ plugin: P.Type) {
        module.register(plugin)
    }

    /// Starts a root context and configures it.
    @discardableResult
    public func configure(
        _ configuration: Bytes = "",
        rootID: Bytes = "",
        vmConfiguration: Bytes = ""
    ) throws(ConfigurationRefused) -> ConfiguredPlugin {
        let plugin = ConfiguredPlugin(id: nextID())
        self.vmConfiguration = vmConfiguration
        let started = call {
            module.onContextCreate(plugin.id, parent: 0)
            return module.onVMStart(plugin.id, size: vmConfiguration.count)
        }
        guard started else { throw ConfigurationRefused(log: log) }
        try reconfigure(plugin, configuration, rootID: rootID)
        lastPlugin = plugin
        return plugin
    }

    /// Configures a plugin once more; if it refuses, the earlier configuration stays in use.
    public func reconfigure(
        _ plugin: ConfiguredPlugin,
        _ configuration: Bytes,
        rootID: Bytes = ""
    ) throws(ConfigurationRefused) {
        self.rootID = rootID
        self.configuration = configuration
        let accepted = call { module.onConfigure(plugin.id, size: configuration.count) }
        guard accepted else { throw ConfigurationRefused(log: log) }
    }

    /// Ends a root context.
    public func remove(_ plugin: ConfiguredPlugin) {
        call {
            if module.done(plugin.id) {
                module.onDelete(plugin.id)
            }
        }
    }

    // MARK: Exchanges

    /// Begins an exchange with a plugin, by default the one that was configured last.
    public func begin(with plugin: ConfiguredPlugin? = nil) -> EmulatedExchange {
        let exchange = EmulatedExchange(id: nextID(), host: self)
        let parent = (plugin ?? lastPlugin)?.id ?? 0
        call(in: exchange) { module.onContextCreate(exchange.id, parent: parent) }
        return exchange
    }

    /// Sends a whole exchange through a plugin, without bodies: request, response, end.
    ///
    /// `response` is what the server answers, if the filter lets it be asked.
    public func exchange(
        with plugin: ConfiguredPlugin? = nil,
        request: Headers = [":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": "/"],
        response: Headers = [":status": "200"]
    ) -> EmulatedExchange {
        let exchange = begin(with: plugin)
        exchange.sendRequestHeaders(request)
        exchange.sendResponseHeaders(exchange.localResponse?.headers ?? response)
        exchange.end()
        return exchange
    }

    // MARK: What the module left behind

    /// The messages that were logged at a level.
    public func messages(at level: LogLevel) -> [Bytes] {
        log.filter { $0.level == level }.map(\.message)
    }

    /// The value of a metric: what was counted or set, for a histogram what was recorded last.
    public func metric(_ name: Bytes) -> UInt64? {
        metrics.first { $0.name == name }?.value
    }

    /// Calls into the module, as a proxy that the module can call back.
    @discardableResult
    func call<Result>(in exchange: EmulatedExchange? = nil, _ body: () -> Result) -> Result {
        let outer = current
        current = exchange
        let previous = proxy_wasm_set_host(host)
        defer {
            _ = proxy_wasm_set_host(previous)
            current = outer
        }
        return body()
    }

    private func nextID() -> UInt32 {
        lastID += 1
        return lastID
    }
}

/// The module has refused a configuration.
public struct ConfigurationRefused: Error, CustomStringConvertible {
    /// What was logged until then; the last line says why.
    public let log: [HostEmulator.LogLine]

    /// The last line of the log.
    public var description: String {
        log.last?.message.lossyString ?? "configuration refused without a reason"
    }
}
