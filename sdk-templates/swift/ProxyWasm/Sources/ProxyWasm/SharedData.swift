// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// Values that all threads of the proxy share, by key, among the VMs of one VM id; they outlive configurations.
public enum SharedData {
    /// A value, and the version by which a change of it is noticed.
    public struct Entry: Sendable {
        /// The value.
        public let value: Bytes
        /// Grows with every change; 0 stands for no version.
        public let version: UInt32
    }

    /// The value of a key, or nil if it was never set.
    public static func get(_ key: Bytes) throws(HostError) -> Entry? {
        var version: UInt32 = 0
        let value = try Host.optionalBytes("read shared data") { pointer, size in
            key.withUnsafeBytes { proxy_get_shared_data($0.baseAddress, $0.count, pointer, size, &version) }
        }
        return value.map { Entry(value: $0, version: version) }
    }

    /// Sets the value of a key, whatever it is now.
    public static func set(_ key: Bytes, to value: Bytes) throws(HostError) {
        try Host.check(write(key, value, 0), "write shared data")
    }

    /// Sets the value of a key if it has not changed since `entry` was read, and says whether it has done so.
    ///
    /// With nil for a key that had no value: a host sets it then even if another thread was faster.
    public static func set(
        _ key: Bytes, to value: Bytes, ifUnchangedSince entry: Entry?
    ) throws(HostError) -> Bool {
        let status = write(key, value, entry?.version ?? 0)
        if status == HostError.Status.compareAndSwapMismatch.rawValue { return false }
        try Host.check(status, "write shared data")
        return true
    }

    /// Computes a new value from the one there is, again if another thread was faster, and returns it.
    ///
    /// If `change` returns nil, the value stays. When all attempts meet somebody faster, this throws
    /// ``HostError/Status/compareAndSwapMismatch``.
    @discardableResult
    public static func update(
        _ key: Bytes,
        attempts: Int = 16,
        _ change: (Bytes?) throws(HostError) -> Bytes?
    ) throws(HostError) -> Bytes? {
        var left = attempts
        while left > 0 {
            let entry = try get(key)
            guard let value = try change(entry?.value) else { return entry?.value }
            if try set(key, to: value, ifUnchangedSince: entry) { return value }
            left -= 1
        }
        throw HostError("update shared data", .compareAndSwapMismatch)
    }

    private static func write(_ key: Bytes, _ value: Bytes, _ version: UInt32) -> proxy_wasm_status {
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                proxy_set_shared_data(key.baseAddress, key.count, value.baseAddress, value.count, version)
            }
        }
    }
}

/// A queue that all threads of the proxy share.
///
/// Whoever registers it is told of arrivals by ``Plugin/onQueueReady(_:_:)``, in one thread for each arrival.
public struct SharedQueue: Hashable, Sendable {
    /// The number under which the proxy knows the queue.
    public let id: UInt32

    init(id: UInt32) {
        self.id = id
    }

    /// Makes the queue of a name in this VM id if there is none, and has this plugin told of arrivals.
    public static func register(_ name: Bytes) throws(HostError) -> SharedQueue {
        var id: UInt32 = 0
        let status = name.withUnsafeBytes { proxy_register_shared_queue($0.baseAddress, $0.count, &id) }
        try Host.check(status, "register queue")
        return SharedQueue(id: id)
    }

    /// The queue that a plugin has registered in a VM id, or nil if none has yet.
    public static func find(_ name: Bytes, vmID: Bytes) throws(HostError) -> SharedQueue? {
        var id: UInt32 = 0
        let status = vmID.withUnsafeBytes { vmID in
            name.withUnsafeBytes { name in
                proxy_resolve_shared_queue(vmID.baseAddress, vmID.count, name.baseAddress, name.count, &id)
            }
        }
        if status == HostError.Status.notFound.rawValue { return nil }
        try Host.check(status, "find queue")
        return SharedQueue(id: id)
    }

    /// Puts a message behind the others.
    public func enqueue(_ message: Bytes) throws(HostError) {
        let status = message.withUnsafeBytes { proxy_enqueue_shared_queue(id, $0.baseAddress, $0.count) }
        try Host.check(status, "put message into queue")
    }

    /// Takes the first message, or nil if there is none.
    public func dequeue() throws(HostError) -> Bytes? {
        var isEmpty = false
        let message = try Host.optionalBytes("take message from queue") { pointer, size in
            let status = proxy_dequeue_shared_queue(id, pointer, size)
            isEmpty = status == HostError.Status.empty.rawValue
            return isEmpty ? HostError.Status.notFound.rawValue : status
        }
        if message == nil, !isEmpty { throw HostError("take message from queue", .notFound) }
        return message
    }
}
