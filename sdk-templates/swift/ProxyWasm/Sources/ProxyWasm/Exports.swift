// SPDX-License-Identifier: Apache-2.0

// What the host calls: Proxy-Wasm ABI 0.2.1, "Callbacks". `_initialize`, `malloc` and the version marker are in C.

#if arch(wasm32)

    @_expose(wasm, "proxy_on_vm_start")
    @_cdecl("proxy_on_vm_start")
    func exportVMStart(root: UInt32, configurationSize: Int) -> Int32 {
        module.onVMStart(configurationSize: configurationSize) ? 1 : 0
    }

    @_expose(wasm, "proxy_on_configure")
    @_cdecl("proxy_on_configure")
    func exportConfigure(root: UInt32, configurationSize: Int) -> Int32 {
        module.onConfigure(root: root, configurationSize: configurationSize) ? 1 : 0
    }

    @_expose(wasm, "proxy_on_context_create")
    @_cdecl("proxy_on_context_create")
    func exportContextCreate(id: UInt32, parent: UInt32) {
        module.onContextCreate(id, parent: parent)
    }

    @_expose(wasm, "proxy_on_request_headers")
    @_cdecl("proxy_on_request_headers")
    func exportRequestHeaders(id: UInt32, count: Int32, endOfStream: Int32) -> UInt32 {
        module.onRequestHeaders(id, endOfStream: endOfStream != 0).rawValue
    }

    @_expose(wasm, "proxy_on_response_headers")
    @_cdecl("proxy_on_response_headers")
    func exportResponseHeaders(id: UInt32, count: Int32, endOfStream: Int32) -> UInt32 {
        module.onResponseHeaders(id, endOfStream: endOfStream != 0).rawValue
    }

    @_expose(wasm, "proxy_on_done")
    @_cdecl("proxy_on_done")
    func exportDone(id: UInt32) -> Int32 {
        module.onDone(id) ? 1 : 0
    }

    @_expose(wasm, "proxy_on_log")
    @_cdecl("proxy_on_log")
    func exportLog(id: UInt32) {
        module.onLog(id)
    }

    @_expose(wasm, "proxy_on_delete")
    @_cdecl("proxy_on_delete")
    func exportDelete(id: UInt32) {
        module.onDelete(id)
    }

#endif
