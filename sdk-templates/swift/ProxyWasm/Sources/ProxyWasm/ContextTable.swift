// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// What can be found by a number: a context, or a call that waits for its answer.
package class TableEntry {
    package let id: UInt32

    init(id: UInt32) {
        self.id = id
    }
}

/// Entries by their ids: open addressing with linear probing, at most half full.
///
/// A `Dictionary` would do, but brings its hasher and a source of randomness into every module.
final class ContextTable {
    private typealias Slots = UnsafeMutablePointer<Unmanaged<TableEntry>?>

    /// None until an entry is put in, so that a table is a constant to begin with.
    private var slots: Slots?
    /// How far a hash of 32 bits is shifted to be an index.
    private var shift: UInt32 = 32
    private(set) var count = 0

    init() {}

    #if !arch(wasm32)
        // In a module the table lives as long as the module.
        deinit {
            guard let slots else { return }
            var index = lastIndex
            while index >= 0 {
                slots[index]?.release()
                index &-= 1
            }
            ContextTable.free(slots)
        }
    #endif

    subscript(id: UInt32) -> TableEntry? {
        guard let slots else { return nil }
        return slots[index(of: id, in: slots)]?.takeUnretainedValue()
    }

    func insert(_ entry: TableEntry) {
        if slots == nil || count &* 2 > lastIndex { grow() }
        guard let slots else { return }
        let index = index(of: entry.id, in: slots)
        let previous = slots[index]
        slots[index] = .passRetained(entry)
        if let previous {
            // Last, because it may run code of the filter, which may come back here.
            previous.release()
        } else {
            count &+= 1
        }
    }

    func remove(_ id: UInt32) {
        guard let slots else { return }
        var index = index(of: id, in: slots)
        guard let removed = slots[index] else { return }
        slots[index] = nil
        count &-= 1
        // What follows may stand where it does because this slot was taken.
        while true {
            index = (index &+ 1) & lastIndex
            guard let entry = slots[index] else { break }
            slots[index] = nil
            put(entry, in: slots)
        }
        removed.release()
    }

    private func grow() {
        let old = slots
        var index = lastIndex
        shift = old == nil ? 28 : shift &- 1
        let new = ContextTable.allocate(lastIndex &+ 1)
        slots = new
        guard let old else { return }
        while index >= 0 {
            if let entry = old[index] { put(entry, in: new) }
            index &-= 1
        }
        ContextTable.free(old)
    }

    /// So many empty slots.
    private static func allocate(_ count: Int) -> Slots {
        #if arch(wasm32)
            // Less code than what the standard library does.
            let size = count &* MemoryLayout<Unmanaged<TableEntry>?>.stride
            // As with every allocation in Swift: there is no way on when memory is exhausted.
            guard let memory = proxy_wasm_allocate(size) else { fatalError() }
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            return memory.assumingMemoryBound(to: Unmanaged<TableEntry>?.self)
        #else
            // Not counted among the buffers, which a test holds against what was there before.
            let slots = Slots.allocate(capacity: count)
            slots.initialize(repeating: nil, count: count)
            return slots
        #endif
    }

    private static func free(_ slots: Slots) {
        #if arch(wasm32)
            proxy_wasm_free(slots)
        #else
            slots.deallocate()
        #endif
    }

    private func put(_ entry: Unmanaged<TableEntry>, in slots: Slots) {
        slots[index(of: entry._withUnsafeGuaranteedRef { $0.id }, in: slots)] = entry
    }

    private var lastIndex: Int { Int(truncatingIfNeeded: UInt32.max &>> shift) }

    /// Where the entry is, or where it belongs.
    ///
    /// Ids follow one another; the golden ratio scatters them.
    @inline(never)
    private func index(of id: UInt32, in slots: Slots) -> Int {
        var index = Int(truncatingIfNeeded: (id &* 0x9E37_79B1) &>> shift)
        while let entry = slots[index], entry._withUnsafeGuaranteedRef({ $0.id }) != id {
            index = (index &+ 1) & lastIndex
        }
        return index
    }
}
