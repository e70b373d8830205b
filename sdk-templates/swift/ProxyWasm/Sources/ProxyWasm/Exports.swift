// SPDX-License-Identifier: Apache-2.0

// What the host calls: Proxy-Wasm ABI 0.2.1, "Callbacks". `_initialize`, `malloc` and the version marker are in C, and so
// are the exports that a module has only if its filters handle them: those call the `proxy_wasm_on_…` here.

#if arch(wasm32)

    // MARK: In every module

    @_cdecl("proxy_wasm_on_configure")
    func exportConfigure(root: UInt32, size: UInt32) -> UInt32 {
        module.onConfigure(root, size: Int(clamping: size)) ? 1 : 0
    }

    @_cdecl("proxy_wasm_on_context_create")
    func exportContextCreate(id: UInt32, parent: UInt32) {
        module.onContextCreate(id, parent: parent)
    }

    @_cdecl("proxy_wasm_on_delete")
    func exportDelete(id: UInt32) {
        module.onDelete(id)
    }

    // MARK: Plugins

    @_cdecl("proxy_wasm_on_vm_start")
    func onVMStart(root: UInt32, size: UInt32) -> UInt32 {
        module.onVMStart(root, size: Int(clamping: size)) ? 1 : 0
    }

    @_cdecl("proxy_wasm_on_tick")
    func onTick(root: UInt32) {
        module.enter(root)?.onTick()
    }

    @_cdecl("proxy_wasm_on_queue_ready")
    func onQueueReady(root: UInt32, queue: UInt32) {
        module.enter(root)?.onQueueReady(queue)
    }

    @_cdecl("proxy_wasm_on_foreign_function")
    func onForeignFunction(root: UInt32, function: UInt32, size: UInt32) {
        module.enter(root)?.onForeignFunction(function, size: Int(clamping: size))
    }

    @_cdecl("proxy_wasm_on_done")
    func onDone(id: UInt32) -> UInt32 {
        module.enter(id, .log)?.onDone() ?? true ? 1 : 0
    }

    @_cdecl("proxy_wasm_on_log")
    func onLog(id: UInt32) {
        module.enter(id, .log)?.onLog()
    }

    // MARK: HTTP exchanges

    @_cdecl("proxy_wasm_on_request_headers")
    func onRequestHeaders(id: UInt32, count: UInt32, end: UInt32) -> UInt32 {
        module.enter(id, .request)?.onRequestHeaders(Int(clamping: count), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_request_body")
    func onRequestBody(id: UInt32, size: UInt32, end: UInt32) -> UInt32 {
        module.enter(id, .request)?.onRequestBody(Int(clamping: size), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_request_trailers")
    func onRequestTrailers(id: UInt32, count: UInt32) -> UInt32 {
        module.enter(id, .request)?.onRequestTrailers(Int(clamping: count)) ?? 0
    }

    @_cdecl("proxy_wasm_on_request_metadata")
    func onRequestMetadata(id: UInt32, count: UInt32) -> UInt32 {
        module.enter(id)?.onRequestMetadata(Int(clamping: count)) ?? 0
    }

    @_cdecl("proxy_wasm_on_response_headers")
    func onResponseHeaders(id: UInt32, count: UInt32, end: UInt32) -> UInt32 {
        module.enter(id, .response)?.onResponseHeaders(Int(clamping: count), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_response_body")
    func onResponseBody(id: UInt32, size: UInt32, end: UInt32) -> UInt32 {
        module.enter(id, .response)?.onResponseBody(Int(clamping: size), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_response_trailers")
    func onResponseTrailers(id: UInt32, count: UInt32) -> UInt32 {
        module.enter(id, .response)?.onResponseTrailers(Int(clamping: count)) ?? 0
    }

    @_cdecl("proxy_wasm_on_response_metadata")
    func onResponseMetadata(id: UInt32, count: UInt32) -> UInt32 {
        module.enter(id)?.onResponseMetadata(Int(clamping: count)) ?? 0
    }

    // MARK: Connections

    @_cdecl("proxy_wasm_on_new_connection")
    func onNewConnection(id: UInt32) -> UInt32 {
        module.enter(id)?.onNewConnection() ?? 0
    }

    @_cdecl("proxy_wasm_on_downstream_data")
    func onDownstreamData(id: UInt32, size: UInt32, end: UInt32) -> UInt32 {
        module.enter(id)?.onDownstreamData(Int(clamping: size), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_upstream_data")
    func onUpstreamData(id: UInt32, size: UInt32, end: UInt32) -> UInt32 {
        module.enter(id)?.onUpstreamData(Int(clamping: size), endOfStream: end != 0) ?? 0
    }

    @_cdecl("proxy_wasm_on_downstream_connection_close")
    func onDownstreamClose(id: UInt32, peer: UInt32) {
        module.enter(id)?.onDownstreamClose(peer)
    }

    @_cdecl("proxy_wasm_on_upstream_connection_close")
    func onUpstreamClose(id: UInt32, peer: UInt32) {
        module.enter(id)?.onUpstreamClose(peer)
    }

    // MARK: Calls

    @_cdecl("proxy_wasm_on_http_call_response")
    func onHTTPCallResponse(id: UInt32, token: UInt32, headers: UInt32, body: UInt32, trailers: UInt32) {
        module.deliver(
            id, .http, token,
            .httpResponse(
                headers: Int(clamping: headers), bodySize: Int(clamping: body),
                trailers: Int(clamping: trailers)))
    }

    @_cdecl("proxy_wasm_on_grpc_receive_initial_metadata")
    func onGRPCInitialMetadata(id: UInt32, token: UInt32, count: UInt32) {
        module.deliverGRPC(id, token, .initialMetadata(count: Int(clamping: count)))
    }

    @_cdecl("proxy_wasm_on_grpc_receive")
    func onGRPCMessage(id: UInt32, token: UInt32, size: UInt32) {
        module.deliverGRPC(id, token, .message(size: Int(clamping: size)))
    }

    @_cdecl("proxy_wasm_on_grpc_receive_trailing_metadata")
    func onGRPCTrailingMetadata(id: UInt32, token: UInt32, count: UInt32) {
        module.deliverGRPC(id, token, .trailingMetadata(count: Int(clamping: count)))
    }

    @_cdecl("proxy_wasm_on_grpc_close")
    func onGRPCClose(id: UInt32, token: UInt32, status: UInt32) {
        module.deliverGRPC(id, token, .closed(status: status))
    }

    // MARK: Envoy

    @_cdecl("proxy_wasm_on_resolve_dns")
    func onResolveDNS(id: UInt32, token: UInt32, size: UInt32) {
        module.deliver(id, .dns, token, .addresses(size: Int(clamping: size)))
    }

    @_cdecl("proxy_wasm_on_stats_update")
    func onStatsUpdate(root: UInt32, size: UInt32) {
        module.enter(root)?.onStatsUpdate(Int(clamping: size))
    }

#endif
