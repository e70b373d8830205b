// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// A module as the host sees it: the plugins it offers, those that are configured, and the open streams.
///
/// There is one in a module, and one in each emulated host.
package final class Module {
    private var registrations: Registration?
    private(set) var vmConfiguration: Bytes = ""
    private let contexts = ContextTable()
    /// The calls that wait for an answer; made with the first of them.
    private var calls: ContextTable?
    /// The context for which the host carries out what it is asked.
    private var effective: UInt32 = 0

    package init() {}

    /// How many contexts the module keeps something for.
    package var contextCount: Int { contexts.count }

    /// How many calls wait for an answer.
    package var callCount: Int { calls?.count ?? 0 }

    package func add(_ registration: Registration) {
        registration.next = registrations
        registrations = registration
    }

    /// The context that the host calls, if the module has something for it.
    package func enter(_ id: UInt32) -> Context? {
        effective = id
        return context(id)
    }

    private func context(_ id: UInt32) -> Context? {
        contexts[id].map { unsafeDowncast($0, to: Context.self) }
    }

    /// Has the host act for a context, which need not be the one that it has called.
    func activate(_ id: UInt32) throws(HostError) {
        guard id != effective else { return }
        try Host.check(proxy_set_effective_context(id), "act on a stream that may be gone")
        effective = id
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
        effective = root
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
        do throws(ConfigurationError) {
            let rootID: Bytes
            do throws(HostError) {
                rootID = try Host.property("plugin_root_id") ?? ""
            } catch {
                throw ConfigurationError(error.message)
            }
            let registration = try registration(for: rootID)
            let context = try registration.make(
                root, PluginConfiguration(root, size, vmConfiguration, rootID))
            context.adoptCalls(of: self.context(root))
            contexts.insert(context)
            registration.mark?(rootID)
            return true
        } catch {
            Log.error("configuration refused: \(error.message)")
            return false
        }
    }

    /// The plugin a root id stands for; an empty one stands for the only plugin there is.
    private func registration(for rootID: Bytes) throws(ConfigurationError) -> Registration {
        guard let first = registrations else { throw ConfigurationError("this module registers no plugin") }
        if rootID.isEmpty, first.next == nil { return first }
        var known: Bytes = ""
        var candidate: Registration? = first
        while let registration = candidate {
            if registration.rootID == rootID { return registration }
            // The last one registered comes first in the list.
            known = " \"\(registration.rootID)\"\(known)"
            candidate = registration.next
        }
        throw ConfigurationError("unknown root id \"\(rootID)\"; this module has\(known)")
    }

    // MARK: Life of a context

    package func onContextCreate(_ id: UInt32, parent: UInt32) {
        effective = id
        // A root context comes to life when it is configured.
        if let context = context(parent)?.makeStream(id) {
            contexts.insert(context)
        }
    }

    package func onDelete(_ id: UInt32) {
        enter(id)?.onDelete()
        contexts.remove(id)
    }
}

/// A plugin that the module offers, and how to make it.
package final class Registration {
    let rootID: Bytes
    let make: (UInt32, PluginConfiguration) throws(ConfigurationError) -> Context
    /// Leaves a trace of this build in the proxy's statistics.
    let mark: ((Bytes) -> Void)?
    fileprivate(set) var next: Registration?

    init(
        _ rootID: Bytes,
        mark: ((Bytes) -> Void)?,
        make: @escaping (UInt32, PluginConfiguration) throws(ConfigurationError) -> Context
    ) {
        self.rootID = rootID
        self.mark = mark
        self.make = make
    }
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
        package func onDone(_ id: UInt32) -> Bool { enter(id)?.onDone() ?? true }
        package func onLog(_ id: UInt32) { enter(id)?.onLog() }

        package func onRequestHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onRequestHeaders(count, endOfStream: endOfStream) ?? 0
        }
        package func onRequestBody(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onRequestBody(size, endOfStream: endOfStream) ?? 0
        }
        package func onRequestTrailers(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id)?.onRequestTrailers(count) ?? 0
        }
        package func onRequestMetadata(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id)?.onRequestMetadata(count) ?? 0
        }
        package func onResponseHeaders(_ id: UInt32, _ count: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onResponseHeaders(count, endOfStream: endOfStream) ?? 0
        }
        package func onResponseBody(_ id: UInt32, _ size: Int, _ endOfStream: Bool) -> UInt32 {
            enter(id)?.onResponseBody(size, endOfStream: endOfStream) ?? 0
        }
        package func onResponseTrailers(_ id: UInt32, _ count: Int) -> UInt32 {
            enter(id)?.onResponseTrailers(count) ?? 0
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
