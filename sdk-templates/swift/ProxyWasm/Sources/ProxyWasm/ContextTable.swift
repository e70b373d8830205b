// SPDX-License-Identifier: Apache-2.0

/// What can be found by a number: a context, or a call that waits for its answer.
package class TableEntry {
    package let id: UInt32

    init(id: UInt32) {
        self.id = id
    }
}

/// Entries by their ids: open addressing with linear probing, over the ids that hosts number upwards.
///
/// A `Dictionary` would do, but brings its hasher and a source of randomness into every module.
final class ContextTable {
    private struct Slot {
        var id: UInt32 = 0
        var context: Unmanaged<TableEntry>?
    }

    private var slots: UnsafeMutablePointer<Slot>
    /// One less than the number of slots, which is a power of two.
    private var mask = 15
    private(set) var count = 0

    init() {
        slots = ContextTable.allocate(16)
    }

    deinit {
        for index in 0...mask {
            slots[index].context?.release()
        }
        slots.deallocate()
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        slots.initialize(repeating: Slot(), count: count)
        return slots
    }

    subscript(id: UInt32) -> TableEntry? {
        slots[slot(of: id)].context?.takeUnretainedValue()
    }

    func insert(_ context: TableEntry) {
        let index = slot(of: context.id)
        let previous = slots[index].context
        slots[index] = Slot(id: context.id, context: .passRetained(context))
        if let previous {
            previous.release()
            return
        }
        count += 1
        // At most half full, so that a probe always ends.
        if count * 2 > mask + 1 {
            grow()
        }
    }

    private func grow() {
        let (old, oldMask) = (slots, mask)
        mask = mask * 2 + 1
        slots = ContextTable.allocate(mask + 1)
        for index in 0...oldMask where old[index].context != nil {
            slots[slot(of: old[index].id)] = old[index]
        }
        old.deallocate()
    }

    func remove(_ id: UInt32) {
        var hole = slot(of: id)
        guard let context = slots[hole].context else { return }
        slots[hole].context = nil
        count -= 1
        // Moves later entries of the same run forward, so that no probe stops short of them.
        var index = (hole + 1) & mask
        while slots[index].context != nil {
            let home = Int(truncatingIfNeeded: slots[index].id) & mask
            if (index - home) & mask >= (index - hole) & mask {
                slots[hole] = slots[index]
                slots[index].context = nil
                hole = index
            }
            index = (index + 1) & mask
        }
        // Last, because it may run code of the filter, which may come back here.
        context.release()
    }

    private func slot(of id: UInt32) -> Int {
        var index = Int(truncatingIfNeeded: id) & mask
        while slots[index].context != nil, slots[index].id != id {
            index = (index + 1) & mask
        }
        return index
    }
}
