// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// A module as the host sees it: the plugins it offers, those that are configured, and the open streams.
///
/// There is one in a module, and one in each emulated host.
package final class Module {
    private var registrations: Registration?
    private(set) var vmConfiguration = Bytes()
    /// None until there is something to keep: the module is a constant to begin with, made by the compiler.
    private var contexts: ContextTable?
    /// The context for which the host carries out what it is asked.
    private var effective: UInt32 = 0

    package init() {}

    /// How many contexts the module keeps something for.
    package var contextCount: Int { contexts?.count ?? 0 }

    package func add(_ registration: Registration) {
        guard var last = registrations else {
            registrations = registration
            return
        }
        while let next = last.next { last = next }
        last.next = registration
    }

    /// The context that the host calls, if the module has something for it.
    package func enter(_ id: UInt32) -> Context? {
        effective = id
        return contexts?[id]
    }

    /// Has the host act for a context, which need not be the one that it has called.
    func activate(_ id: UInt32) throws(HostError) {
        guard id != effective else { return }
        try Host.check(proxy_set_effective_context(id), "act on a stream that may be gone")
        effective = id
    }

    /// Remembers a call that a context has made.
    func add(_ call: PendingCall, to id: UInt32) {
        contexts?[id]?.add(call)
    }

    func removeCall(_ kind: PendingCall.Kind, _ token: UInt32, of id: UInt32) {
        contexts?[id]?.removeCall(kind, token)
    }

    private func keep(_ context: Context) {
        if contexts == nil { contexts = ContextTable() }
        contexts?.insert(context)
    }

    // MARK: Life of a VM and its plugins

    package func onVMStart(_ root: UInt32, size: Int) -> Bool {
        effective = root
        do throws(HostError) {
            vmConfiguration = try BufferKind.vmConfiguration.bytes(from: 0, count: size)
            return true
        } catch {
            Log.error(error.message)
            return false
        }
    }

    /// Makes the plugin of a root context; until this succeeds, an earlier configuration of it stays in use.
    package func onConfigure(_ root: UInt32, size: Int) -> Bool {
        effective = root
        do throws(ConfigurationError) {
            let rootID = try Self.rootID()
            let registration = try registration(for: rootID)
            let context = try registration.make(
                root, PluginConfiguration(root, size, vmConfiguration, rootID))
            context.adoptCalls(of: contexts?[root])
            keep(context)
            registration.mark(rootID)
            return true
        } catch {
            Log.error("configuration refused: \(error.message)")
            return false
        }
    }

    private static func rootID() throws(ConfigurationError) -> Bytes {
        do throws(HostError) {
            return try Host.property("plugin_root_id") ?? ""
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    /// The plugin a root id stands for; an empty one stands for the only plugin there is.
    private func registration(for rootID: Bytes) throws(ConfigurationError) -> Registration {
        let isOnlyOne = registrations?.next == nil
        var candidate = registrations
        while let registration = candidate {
            if registration.rootID == rootID || (isOnlyOne && rootID.isEmpty) { return registration }
            candidate = registration.next
        }
        throw unknown(rootID)
    }

    @inline(never)
    private func unknown(_ rootID: Bytes) -> ConfigurationError {
        guard registrations != nil else { return ConfigurationError("this module registers no plugin") }
        let message = Buffer()
        ("unknown root id \"" as Bytes).append(to: message)
        rootID.append(to: message)
        ("\"; this module has" as Bytes).append(to: message)
        var candidate = registrations
        while let registration = candidate {
            (" \"" as Bytes).append(to: message)
            registration.rootID.append(to: message)
            message.append(UInt8(ascii: "\""))
            candidate = registration.next
        }
        return ConfigurationError(Bytes(message))
    }

    // MARK: Life of a context

    package func onContextCreate(_ id: UInt32, parent: UInt32) {
        effective = id
        // A root context comes to life when it is configured.
        if let context = contexts?[parent]?.makeStream(id) {
            keep(context)
        }
    }

    package func onDelete(_ id: UInt32) {
        enter(id)?.onDelete()
        contexts?.remove(id)
    }
}

/// A plugin that the module offers, and how to make it.
package class Registration {
    fileprivate(set) var next: Registration?

    var rootID: Bytes { "" }

    func make(_ root: UInt32, _ configuration: PluginConfiguration) throws(ConfigurationError) -> Context {
        throw ConfigurationError("")
    }

    /// Leaves a trace of this build in the proxy's statistics.
    func mark(_ rootID: Bytes) {}
}

#if !arch(wasm32)
    // What the exports are inside WebAssembly, for an emulated host.
    extension Module {
        package func requestHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> Action {
            Action(rawValue: enter(id)?.onRequestHeaders(count, endOfStream: endOfStream) ?? 0) ?? .continue
        }
        package func responseHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> Action {
            Action(rawValue: enter(id)?.onResponseHeaders(count, endOfStream: endOfStream) ?? 0) ?? .continue
        }
        package func done(_ id: UInt32) -> Bool { enter(id)?.onDone() ?? true }
        package func log(_ id: UInt32) { enter(id)?.onLog() }

        /// What main.swift registers with when no host is there.
        private nonisolated(unsafe) static let unhosted = Module()

        /// The module that the host of this thread has loaded.
        static var current: Module {
            guard let pointer = proxy_wasm_get_host()?.pointee.module else { return unhosted }
            return Unmanaged<Module>.fromOpaque(pointer).takeUnretainedValue()
        }
    }
#endif
