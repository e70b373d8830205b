// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// A plugin that a module has made from a configuration.
public final class ConfiguredPlugin {
    /// The root id under which it was configured.
    public let rootID: Bytes
    let id: UInt32
    unowned let host: HostEmulator
    var configuration: Bytes = ""
    /// Its timer, if one runs.
    var tick: (period: UInt64, timer: Int)?

    init(id: UInt32, rootID: Bytes, host: HostEmulator) {
        self.id = id
        self.rootID = rootID
        self.host = host
    }

    /// The interval at which the plugin is told of the time, in milliseconds; nil if it is not.
    public var tickPeriod: UInt64? { tick?.period }
}

extension ConfiguredPlugin: HostContext {
    var plugin: ConfiguredPlugin { self }
}

extension HostEmulator {
    /// Has the module offer a plugin, as a line of main.swift does.
    public func register<P: HTTPPlugin>(_ plugin: P.Type) {
        run { module.register(plugin) }
    }

    /// Has the module offer a plugin, as a line of main.swift does.
    public func register<P: NetworkPlugin>(_ plugin: P.Type) {
        run { module.register(plugin) }
    }

    /// Has the module offer a plugin, as a line of main.swift does.
    public func register<P: ProxyWasm.Plugin>(_ plugin: P.Type) {
        run { module.register(plugin) }
    }

    /// Has the module offer a filter without state, as the line of main.swift does.
    public func register<F: StatelessHTTPFilter>(stateless filter: F.Type) {
        run { module.register(stateless: filter) }
    }

    /// Starts a root context and configures it, beside those there are.
    @discardableResult
    public func configure(
        _ configuration: Bytes = "",
        rootID: Bytes = "",
        vmConfiguration: Bytes = ""
    ) throws(ConfigurationRefused) -> ConfiguredPlugin {
        let plugin = ConfiguredPlugin(id: nextID(), rootID: rootID, host: self)
        self.vmConfiguration = vmConfiguration
        contexts[plugin.id] = plugin
        plugins.append(plugin)
        let accepted = turn {
            callAndWait(in: plugin) { $0.onContextCreate(plugin.id, parent: 0) }
            return callAndWait(in: plugin) { $0.onVMStart(plugin.id, size: vmConfiguration.count) }
                && configure(plugin, with: configuration)
        }
        guard accepted else {
            discard(plugin)
            throw ConfigurationRefused(log: log)
        }
        return plugin
    }

    /// Configures a plugin once more; if it refuses, the earlier configuration stays in use.
    ///
    /// Envoy makes a new root context instead, and removes the old one when its streams have ended: for that, use
    /// ``configure(_:rootID:vmConfiguration:)`` and ``remove(_:)``.
    public func reconfigure(_ plugin: ConfiguredPlugin, _ configuration: Bytes) throws(ConfigurationRefused) {
        guard turn({ configure(plugin, with: configuration) }) else { throw ConfigurationRefused(log: log) }
    }

    private func configure(_ plugin: ConfiguredPlugin, with configuration: Bytes) -> Bool {
        let earlier = plugin.configuration
        plugin.configuration = configuration
        configuring = plugin
        defer { configuring = nil }
        let accepted = callAndWait(in: plugin) { $0.onConfigure(plugin.id, size: configuration.count) }
        if !accepted { plugin.configuration = earlier }
        return accepted
    }

    /// Ends a plugin; returns false if that wants to finish something first and has not said yet that it is done.
    @discardableResult
    public func remove(_ plugin: ConfiguredPlugin) -> Bool {
        turn {
            guard plugins.contains(where: { $0 === plugin }) else { return true }
            plugins.removeAll { $0 === plugin }
            guard callAndWait(in: plugin, { $0.onDone(plugin.id) }) else {
                closingPlugins.append(plugin)
                return closingPlugins.allSatisfy { $0 !== plugin }
            }
            delete(plugin)
            return true
        }
    }

    /// Ends all exchanges, connections and plugins.
    public func shutDown() {
        turn {
            for context in contexts.values.sorted(by: { $0.id > $1.id }) {
                (context as? EmulatedExchange)?.reset()
                (context as? EmulatedConnection)?.close(.local)
            }
            for plugin in plugins.reversed() { remove(plugin) }
        }
    }

    /// What `proxy_done` does: ends what was held open.
    func done(_ plugin: ConfiguredPlugin) -> Status {
        guard closingPlugins.contains(where: { $0 === plugin }) else { return .notFound }
        closingPlugins.removeAll { $0 === plugin }
        afterCall { self.delete(plugin) }
        return .ok
    }

    private func delete(_ plugin: ConfiguredPlugin) {
        callAndWait(in: plugin) { $0.onDelete(plugin.id) }
        discard(plugin)
    }

    private func discard(_ plugin: ConfiguredPlugin) {
        setTick(of: plugin, to: 0)
        plugins.removeAll { $0 === plugin }
        contexts[plugin.id] = nil
        pendingCalls.removeAll { $0.plugin === plugin }
        grpcCalls.removeAll { $0.plugin === plugin }
    }

    /// Calls a plugin by an extension of the host; see `ForeignCall`.
    public func callForeignFunction(
        _ function: UInt32, _ arguments: Bytes, of plugin: ConfiguredPlugin? = nil
    ) {
        turn {
            guard let plugin = plugin ?? plugins.last else { return }
            foreignArguments = arguments
            callAndWait(in: plugin) { $0.onForeignFunction(plugin.id, function, size: arguments.count) }
            foreignArguments = ""
        }
    }
}
