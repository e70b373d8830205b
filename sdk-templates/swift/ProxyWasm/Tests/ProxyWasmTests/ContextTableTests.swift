// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProxyWasm

@Suite struct ContextTableTests {
    @Test func `behaves like a dictionary`() {
        let table = ContextTable()
        var dictionary: [UInt32: Context] = [:]
        for _ in 0..<200_000 {
            // Ids that collide: multiples of large powers of two, and the ends of the range.
            let low = UInt32.random(in: 0..<64)
            let ids: [UInt32] = [low, low << 12, UInt32.max - low]
            let id = ids[Int.random(in: 0..<3)]
            if Bool.random() {
                let context = Context(id: id)
                table.insert(context)
                dictionary[id] = context
            } else {
                table.remove(id)
                dictionary[id] = nil
            }
            #expect(table.count == dictionary.count)
        }
        for (id, context) in dictionary {
            #expect(table[id] === context)
        }
    }

    @Test func `releases what it is no longer asked to keep`() {
        weak var replaced: Context?
        weak var removed: Context?
        weak var left: Context?
        do {
            let table = ContextTable()
            func insert(_ id: UInt32) -> Context {
                let context = Context(id: id)
                table.insert(context)
                return context
            }
            replaced = insert(1)
            removed = insert(2)
            left = insert(3)
            _ = insert(1)
            table.remove(2)
            #expect(replaced == nil)
            #expect(removed == nil)
            #expect(left != nil)
        }
        #expect(left == nil)
    }
}
