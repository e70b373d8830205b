// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm
internal import Synchronization

/// What all threads of a proxy share: the values of `SharedData` and the queues.
///
/// Each emulator has one of its own. Several emulators with the same one play the VMs of several worker threads; they
/// may run on different threads.
public final class SharedMemory: Sendable {
    /// A queue that a module has registered.
    private struct Queue {
        var messages: [Bytes] = []
        /// Who is told of arrivals: whoever has registered last, as in Envoy.
        var listener: Inbox
        var root: UInt32
    }

    private struct Name: Hashable {
        let vmID: Bytes
        let name: Bytes
    }

    private struct State {
        var values: [Name: (value: Bytes, version: UInt32)] = [:]
        var lastVersion: UInt32 = 0
        var queueIDs: [Name: UInt32] = [:]
        var queues: [UInt32: Queue] = [:]
    }

    private let state = Mutex(State())

    /// Makes a memory that is empty.
    public init() {}

    func value(_ key: Bytes, vmID: Bytes) -> (value: Bytes, version: UInt32)? {
        state.withLock { $0.values[Name(vmID: vmID, name: key)] }
    }

    /// Sets a value unless it has another version than `version`; 0 stands for any, and a new key takes all.
    func set(_ key: Bytes, vmID: Bytes, to value: Bytes, version: UInt32) -> Bool {
        state.withLock { state in
            let name = Name(vmID: vmID, name: key)
            if let current = state.values[name], version != 0, version != current.version { return false }
            state.lastVersion &+= 1
            state.values[name] = (value, state.lastVersion)
            return true
        }
    }

    func register(_ name: Bytes, vmID: Bytes, listener: Inbox, root: UInt32) -> UInt32 {
        state.withLock { state in
            let name = Name(vmID: vmID, name: name)
            let id = state.queueIDs[name] ?? UInt32(state.queueIDs.count + 1)
            state.queueIDs[name] = id
            let messages = state.queues[id]?.messages ?? []
            state.queues[id] = Queue(messages: messages, listener: listener, root: root)
            return id
        }
    }

    func find(_ name: Bytes, vmID: Bytes) -> UInt32? {
        state.withLock { $0.queueIDs[Name(vmID: vmID, name: name)] }
    }

    /// Puts a message into a queue and tells the listener; false if there is no such queue.
    func enqueue(_ message: Bytes, into id: UInt32) -> Bool {
        let told: (Inbox, UInt32)? = state.withLock { state in
            state.queues[id]?.messages.append(message)
            return state.queues[id].map { ($0.listener, $0.root) }
        }
        guard let (listener, root) = told else { return false }
        listener.post(Inbox.Arrival(root: root, queue: id))
        return true
    }

    enum Taken {
        case message(Bytes)
        case empty
        case noQueue
    }

    func dequeue(from id: UInt32) -> Taken {
        state.withLock { state in
            guard let queue = state.queues[id] else { return .noQueue }
            if queue.messages.isEmpty { return .empty }
            return .message(state.queues[id]?.messages.removeFirst() ?? "")
        }
    }
}

/// What other threads have posted to a worker thread; it looks when it is done with what it is doing.
final class Inbox: Sendable {
    struct Arrival: Sendable {
        let root: UInt32
        let queue: UInt32
    }

    private let arrivals = Mutex<[Arrival]>([])

    func post(_ arrival: Arrival) {
        arrivals.withLock { $0.append(arrival) }
    }

    func take() -> Arrival? {
        arrivals.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
