// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The module that the host has loaded; hosts call into it from one thread only.
///
/// A variable, though nobody assigns to it: of a constant the compiler makes a copy in each Swift module that a generic
/// function is specialised for, and what is registered there is then not found here.
#if arch(wasm32)
    nonisolated(unsafe) var module = Module()
#else
    /// Natively each emulated host has a module of its own, which is the current one while the host calls it.
    var module: Module { Module.current }
#endif

/// Offers a plugin to the host; main.swift has one such line for each plugin of the module.
public func register<P: Plugin>(_ plugin: P.Type) {
    module.register(plugin)
}

/// Offers a plugin for HTTP exchanges to the host.
public func register<P: HTTPPlugin>(_ plugin: P.Type) {
    module.register(plugin)
}

/// Offers a plugin for TCP connections to the host.
public func register<P: NetworkPlugin>(_ plugin: P.Type) {
    module.register(plugin)
}

// Each of these is specialised for a plugin: what the plugin or its filter leaves out is not exported.
extension Module {
    package func register<P: Plugin>(_ type: P.Type) {
        exportCallbacks(of: type)
        add(PluginRegistration<P>())
    }

    package func register<P: HTTPPlugin>(_ type: P.Type) {
        exportCallbacks(of: type)
        #if arch(wasm32)
            if P.Filter.RequestHeadersResult.isHandled || P.countsRequests {
                proxy_wasm_export_on_request_headers()
            }
            if P.Filter.RequestBodyResult.isHandled { proxy_wasm_export_on_request_body() }
            if P.Filter.RequestTrailersResult.isHandled { proxy_wasm_export_on_request_trailers() }
            if P.Filter.RequestMetadataResult.isHandled { proxy_wasm_export_on_request_metadata() }
            if P.Filter.ResponseHeadersResult.isHandled { proxy_wasm_export_on_response_headers() }
            if P.Filter.ResponseBodyResult.isHandled { proxy_wasm_export_on_response_body() }
            if P.Filter.ResponseTrailersResult.isHandled { proxy_wasm_export_on_response_trailers() }
            if P.Filter.ResponseMetadataResult.isHandled { proxy_wasm_export_on_response_metadata() }
            if P.Filter.DoneResult.isHandled { proxy_wasm_export_on_done() }
            if isHandled(P.Filter.LogResult.self) { proxy_wasm_export_on_log() }
        #endif
        add(HTTPRegistration<P>())
    }

    package func register<P: NetworkPlugin>(_ type: P.Type) {
        exportCallbacks(of: type)
        #if arch(wasm32)
            if P.Filter.NewConnectionResult.isHandled { proxy_wasm_export_on_new_connection() }
            if P.Filter.DownstreamDataResult.isHandled { proxy_wasm_export_on_downstream_data() }
            if P.Filter.UpstreamDataResult.isHandled { proxy_wasm_export_on_upstream_data() }
            if isHandled(P.Filter.DownstreamCloseResult.self) {
                proxy_wasm_export_on_downstream_connection_close()
            }
            if isHandled(P.Filter.UpstreamCloseResult.self) {
                proxy_wasm_export_on_upstream_connection_close()
            }
            if P.Filter.DoneResult.isHandled { proxy_wasm_export_on_done() }
            if isHandled(P.Filter.LogResult.self) { proxy_wasm_export_on_log() }
        #endif
        add(NetworkRegistration<P>())
    }

    private func exportCallbacks<P: Plugin>(of type: P.Type) {
        offer(.plugins)
        #if arch(wasm32)
            proxy_wasm_export_on_configure()
            proxy_wasm_export_on_context_create()
            proxy_wasm_export_on_delete()
            if isHandled(P.TickResult.self) { proxy_wasm_export_on_tick() }
            if isHandled(P.QueueResult.self) { proxy_wasm_export_on_queue_ready() }
            if isHandled(P.ForeignFunctionResult.self) { proxy_wasm_export_on_foreign_function() }
            if isHandled(P.StatsResult.self) { proxy_wasm_export_on_stats_update() }
            if P.PluginDoneResult.isHandled { proxy_wasm_export_on_done() }
        #endif
    }
}

private class PluginRegistration<P: Plugin>: Registration {
    override var rootID: Bytes { P.rootID }

    override func make(
        _ root: UInt32, _ configuration: PluginConfiguration
    ) throws(ConfigurationError) -> Context {
        PluginRoot(id: root, plugin: try P(configuration: configuration))
    }

    override func mark(_ rootID: Bytes) {
        if P.marksBuild { markBuild(rootID) }
    }
}

private final class HTTPRegistration<P: HTTPPlugin>: PluginRegistration<P> {
    override func make(
        _ root: UInt32, _ configuration: PluginConfiguration
    ) throws(ConfigurationError) -> Context {
        HTTPRoot(id: root, plugin: try P(configuration: configuration), configuration: configuration)
    }
}

private final class NetworkRegistration<P: NetworkPlugin>: PluginRegistration<P> {
    override func make(
        _ root: UInt32, _ configuration: PluginConfiguration
    ) throws(ConfigurationError) -> Context {
        NetworkRoot(id: root, plugin: try P(configuration: configuration))
    }
}

/// Sets the gauge `plugin_build.<plugin>.<build>`: see ``Plugin/marksBuild``.
@inline(never)
private func markBuild(_ rootID: Bytes) {
    do throws(HostError) {
        let name = Buffer()
        ("plugin_build." as Bytes).append(to: name)
        try pluginName(or: rootID).append(to: name)
        name.append(UInt8(ascii: "."))
        var size = 0
        let build = proxy_wasm_build_id(&size)
        name.append(build, size)
        var gauge: UInt32 = 0
        let status = proxy_define_metric(MetricKind.gauge.rawValue, name.start, name.count, &gauge)
        try Host.check(status == PROXY_WASM_STATUS_OK ? proxy_record_metric(gauge, 1) : status, "set gauge")
    } catch {
        // A host without metrics runs filters all the same.
        Log.debug(error.message)
    }
}

/// The name under which a plugin is configured, for a metric; many configurations give none.
func pluginName(or rootID: Bytes) throws(HostError) -> Bytes {
    if let name = try Host.property("plugin_name"), !name.isEmpty { return name }
    return rootID.isEmpty ? "unnamed" : rootID
}
