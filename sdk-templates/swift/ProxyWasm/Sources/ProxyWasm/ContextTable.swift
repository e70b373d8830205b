// SPDX-License-Identifier: Apache-2.0

/// What belongs to each context id: open addressing with linear probing, over the ids that hosts number upwards.
///
/// A `Dictionary` would do, but brings its hasher and a source of randomness into every module.
struct ContextTable<Value> {
    private var slots: [(id: UInt32, value: Value)?] = Array(repeating: nil, count: 16)
    private(set) var count = 0

    subscript(id: UInt32) -> Value? {
        get {
            slots[slot(of: id)]?.value
        }
        set {
            if let newValue {
                insert(newValue, for: id)
            } else {
                remove(id)
            }
        }
    }

    private mutating func insert(_ value: Value, for id: UInt32) {
        let index = slot(of: id)
        if slots[index] == nil {
            count += 1
        }
        slots[index] = (id, value)
        // At most half full, so that a probe always ends.
        if count * 2 > slots.count {
            let old = slots
            slots = Array(repeating: nil, count: old.count * 2)
            for case let entry? in old {
                slots[slot(of: entry.id)] = entry
            }
        }
    }

    private mutating func remove(_ id: UInt32) {
        var hole = slot(of: id)
        guard slots[hole] != nil else { return }
        slots[hole] = nil
        count -= 1
        // Moves later entries of the same run forward, so that no probe stops short of them.
        var index = next(hole)
        while let entry = slots[index] {
            let home = self.home(of: entry.id)
            if (index &- home) & (slots.count - 1) >= (index &- hole) & (slots.count - 1) {
                slots[hole] = entry
                slots[index] = nil
                hole = index
            }
            index = next(index)
        }
    }

    private func slot(of id: UInt32) -> Int {
        var index = home(of: id)
        while let entry = slots[index], entry.id != id {
            index = next(index)
        }
        return index
    }

    private func home(of id: UInt32) -> Int {
        Int(truncatingIfNeeded: id) & (slots.count - 1)
    }

    private func next(_ index: Int) -> Int {
        (index + 1) & (slots.count - 1)
    }
}
