// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The module that the host has loaded; hosts call into it from one thread only.
#if arch(wasm32)
    nonisolated(unsafe) let module = Module()
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
        add(Registration(P.rootID, mark: marker(for: type)) { (root, configuration) throws(ConfigurationError) in
            PluginRoot(id: root, plugin: try P(configuration: configuration))
        })
    }

    package func register<P: HTTPPlugin>(_ type: P.Type) {
        exportCallbacks(of: type)
        #if arch(wasm32)
            if P.Filter.RequestHeadersResult.isHandled || P.countsRequests { proxy_wasm_export_on_request_headers() }
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
        add(Registration(P.rootID, mark: marker(for: type)) { (root, configuration) throws(ConfigurationError) in
            HTTPRoot(id: root, plugin: try P(configuration: configuration), configuration: configuration)
        })
    }

    package func register<P: NetworkPlugin>(_ type: P.Type) {
        exportCallbacks(of: type)
        #if arch(wasm32)
            if P.Filter.NewConnectionResult.isHandled { proxy_wasm_export_on_new_connection() }
            if P.Filter.DownstreamDataResult.isHandled { proxy_wasm_export_on_downstream_data() }
            if P.Filter.UpstreamDataResult.isHandled { proxy_wasm_export_on_upstream_data() }
            if isHandled(P.Filter.DownstreamCloseResult.self) { proxy_wasm_export_on_downstream_connection_close() }
            if isHandled(P.Filter.UpstreamCloseResult.self) { proxy_wasm_export_on_upstream_connection_close() }
            if P.Filter.DoneResult.isHandled { proxy_wasm_export_on_done() }
            if isHandled(P.Filter.LogResult.self) { proxy_wasm_export_on_log() }
        #endif
        add(Registration(P.rootID, mark: marker(for: type)) { (root, configuration) throws(ConfigurationError) in
            NetworkRoot(id: root, plugin: try P(configuration: configuration))
        })
    }

    private func exportCallbacks<P: Plugin>(of type: P.Type) {
        #if arch(wasm32)
            if isHandled(P.TickResult.self) { proxy_wasm_export_on_tick() }
            if isHandled(P.QueueResult.self) { proxy_wasm_export_on_queue_ready() }
            if isHandled(P.ForeignFunctionResult.self) { proxy_wasm_export_on_foreign_function() }
            if isHandled(P.StatsResult.self) { proxy_wasm_export_on_stats_update() }
            if P.PluginDoneResult.isHandled { proxy_wasm_export_on_done() }
        #endif
    }

    private func marker<P: Plugin>(for type: P.Type) -> ((Bytes) -> Void)? {
        guard P.marksBuild else { return nil }
        return { markBuild($0) }
    }
}

/// Sets the gauge `plugin_build.<plugin>.<build>`: see ``Plugin/marksBuild``.
private func markBuild(_ rootID: Bytes) {
    var size = 0
    let start = proxy_wasm_build_id(&size)
    let build = Bytes(copying: UnsafeBufferPointer(start: start, count: size))
    do throws(HostError) {
        try Gauge("plugin_build.\(try pluginName(or: rootID)).\(build)").record(1)
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
