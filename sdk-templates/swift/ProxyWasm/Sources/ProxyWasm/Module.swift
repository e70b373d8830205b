// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

#if arch(wasm32)
    /// The context for which the host carries out what it is asked; not in `Module`, which a filter without state does not
    /// need.
    nonisolated(unsafe) var effectiveContext: UInt32 = 0
    /// The context that the host has called, and what for.
    private nonisolated(unsafe) var enteredContext: UInt32 = 0
    private nonisolated(unsafe) var enteredPhase = Phase.other

    /// The host calls a context.
    func begin(_ id: UInt32, _ phase: Phase) {
        effectiveContext = id
        enteredContext = id
        enteredPhase = phase
    }

    /// Whether the host has called a context for this, and waits.
    func isRunning(_ phase: Phase, of id: UInt32) -> Bool {
        enteredContext == id && enteredPhase == phase
    }

    /// Has the host act for a context, which need not be the one that it has called.
    @inline(never)
    func activate(_ id: UInt32) throws(HostError) {
        guard id != effectiveContext else { return }
        try Host.check(proxy_set_effective_context(id), "act on a stream that may be gone")
        effectiveContext = id
    }
#else
    /// Whether the host has called a context for this, and waits.
    func isRunning(_ phase: Phase, of id: UInt32) -> Bool {
        module.isRunning(phase, of: id)
    }

    /// Has the host act for a context, which need not be the one that it has called.
    func activate(_ id: UInt32) throws(HostError) {
        try module.activate(id)
    }
#endif

/// A module as the host sees it: the plugins it offers, those that are configured, and the open streams.
///
/// There is one in a module, and one in each emulated host.
package final class Module {
    private var registrations: Registration?
    private(set) var vmConfiguration = Bytes()
    /// None until there is something to keep: the module is a constant to begin with, made by the compiler.
    private var contexts: ContextTable?
    /// The calls that wait for an answer; made with the first of them.
    private var calls: ContextTable?
    #if arch(wasm32)
        private var effective: UInt32 {
            get { effectiveContext }
            set { effectiveContext = newValue }
        }
    #else
        /// The context for which the host carries out what it is asked.
        private var effective: UInt32 = 0
        /// The context that the host has called, and what for.
        private var entered: UInt32 = 0
        private var phase = Phase.other
        /// What has been registered so far.
        var offered: Offer?
        /// Stands in for the context that a filter without state does not have, during one callback.
        var stateless: ((UInt32) -> Context)?
    #endif

    package init() {}

    /// How many contexts the module keeps something for.
    package var contextCount: Int { contexts?.count ?? 0 }

    /// How many calls wait for an answer.
    package var callCount: Int { calls?.count ?? 0 }

    package func add(_ registration: Registration) {
        guard var last = registrations else {
            registrations = registration
            return
        }
        while let next = last.next { last = next }
        last.next = registration
    }

    /// The context that the host calls, if the module has something for it.
    package func enter(_ id: UInt32, _ phase: Phase = .other) -> Context? {
        #if arch(wasm32)
            begin(id, phase)
        #else
            effective = id
            entered = id
            self.phase = phase
            if let stateless { return stateless(id) }
        #endif
        return context(id)
    }

    private func context(_ id: UInt32) -> Context? {
        guard let entry = contexts?[id] else { return nil }
        return unsafeDowncast(entry, to: Context.self)
    }

    #if !arch(wasm32)
        /// Whether the host has called a context for this, and waits.
        func isRunning(_ phase: Phase, of id: UInt32) -> Bool {
            entered == id && self.phase == phase
        }
    #endif

    /// Has the host act for a context, which need not be the one that it has called.
    func activate(_ id: UInt32) throws(HostError) {
        #if arch(wasm32)
            try ProxyWasm.activate(id)
        #else
            guard id != effective else { return }
            try Host.check(proxy_set_effective_context(id), "act on a stream that may be gone")
            effective = id
        #endif
    }

    private func keep(_ context: Context) {
        if contexts == nil { contexts = ContextTable() }
        contexts?.insert(context)
    }

    // MARK: Calls

    /// Remembers a call that a context has made.
    func addCall(
        _ kind: PendingCall.Kind, _ token: UInt32, of id: UInt32,
        _ resume: @escaping (CallEvent) throws(HostError) -> Void
    ) {
        guard let context = context(id) else { return }
        let table = calls ?? ContextTable()
        calls = table
        let call = PendingCall(kind, token, of: id, in: table, resume)
        context.add(call)
        table.insert(call)
    }

    /// Forgets a call, so that its closure is released.
    func removeCall(_ kind: PendingCall.Kind, _ token: UInt32) {
        guard let call = call(kind, token) else { return }
        context(call.context)?.remove(call)
        calls?.remove(call.id)
    }

    private func call(_ kind: PendingCall.Kind, _ token: UInt32) -> PendingCall? {
        calls?[PendingCall.id(kind, token)].map { unsafeDowncast($0, to: PendingCall.self) }
    }

    /// Resumes whoever waits for a call; an answer that nobody waits for any more is dropped.
    package func deliver(_ root: UInt32, _ kind: PendingCall.Kind, _ token: UInt32, _ event: CallEvent) {
        _ = enter(root)
        guard let call = call(kind, token) else { return }
        if event.isLast(of: kind) {
            removeCall(kind, token)
        }
        do throws(HostError) {
            try call.resume(event)
        } catch {
            context(call.context)?.onError(error)
        }
    }

    /// As `deliver`, for a call or a stream; hosts do not give the same token to both.
    package func deliverGRPC(_ root: UInt32, _ token: UInt32, _ event: CallEvent) {
        deliver(root, call(.grpcStream, token) != nil ? .grpcStream : .grpc, token, event)
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
        #if !arch(wasm32)
            // There is no such export then.
            if stateless != nil { return true }
        #endif
        do throws(ConfigurationError) {
            let rootID = try Self.rootID()
            let registration = try registration(for: rootID)
            let context = try registration.make(
                root, PluginConfiguration(root, size, vmConfiguration, rootID))
            context.adoptCalls(of: self.context(root))
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
        _ = enter(id)
        // A root context comes to life when it is configured.
        if let context = context(parent)?.makeStream(id) {
            keep(context)
        }
    }

    package func onDelete(_ id: UInt32) {
        enter(id, .log)?.onDelete()
        contexts?.remove(id)
    }
}

/// What a callback is about, as far as it matters for what may be done in it.
package enum Phase: UInt32 {
    case other
    case request
    case response
    case log
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
    // What the exports are inside WebAssembly, for an emulated host. A filter that leaves a callback out answers as a host
    // takes it that finds no such export.
    extension Module {
        package func onTick(_ root: UInt32) { enter(root)?.onTick() }
        package func onQueueReady(_ root: UInt32, _ queue: UInt32) { enter(root)?.onQueueReady(queue) }
        package func onForeignFunction(_ root: UInt32, _ function: UInt32, size: Int) {
            enter(root)?.onForeignFunction(function, size: size)
        }
        package func onDone(_ id: UInt32) -> Bool { enter(id, .log)?.onDone() ?? true }
        package func onLog(_ id: UInt32) { enter(id, .log)?.onLog() }

        package func onRequestHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id, .request)?.onRequestHeaders(count, endOfStream: endOfStream) ?? 0
        }
        package func onRequestBody(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id, .request)?.onRequestBody(size, endOfStream: endOfStream) ?? 0
        }
        package func onRequestTrailers(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id, .request)?.onRequestTrailers(count) ?? 0
        }
        package func onRequestMetadata(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id)?.onRequestMetadata(count) ?? 0
        }
        package func onResponseHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id, .response)?.onResponseHeaders(count, endOfStream: endOfStream) ?? 0
        }
        package func onResponseBody(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id, .response)?.onResponseBody(size, endOfStream: endOfStream) ?? 0
        }
        package func onResponseTrailers(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id, .response)?.onResponseTrailers(count) ?? 0
        }
        package func onResponseMetadata(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id)?.onResponseMetadata(count) ?? 0
        }

        package func onNewConnection(_ id: UInt32) -> UInt32 { enter(id)?.onNewConnection() ?? 0 }
        package func onDownstreamData(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onDownstreamData(size, endOfStream: endOfStream) ?? 0
        }
        package func onUpstreamData(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onUpstreamData(size, endOfStream: endOfStream) ?? 0
        }
        package func onDownstreamClose(_ id: UInt32, _ peer: UInt32) { enter(id)?.onDownstreamClose(peer) }
        package func onUpstreamClose(_ id: UInt32, _ peer: UInt32) { enter(id)?.onUpstreamClose(peer) }

        /// What main.swift registers with when no host is there.
        private nonisolated(unsafe) static let unhosted = Module()

        /// The module that the host of this thread has loaded.
        static var current: Module {
            guard let pointer = proxy_wasm_get_host()?.pointee.module else { return unhosted }
            return Unmanaged<Module>.fromOpaque(pointer).takeUnretainedValue()
        }
    }
#endif
