// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProxyWasm

@Suite struct ContextTableTests {
    @Test func `behaves like a dictionary`() {
        var table = ContextTable<Int>()
        var dictionary: [UInt32: Int] = [:]
        for step in 0..<200_000 {
            // Ids that collide: multiples of large powers of two, and the ends of the range.
            let low = UInt32.random(in: 0..<64)
            let ids: [UInt32] = [low, low << 12, UInt32.max - low]
            let id = ids[Int.random(in: 0..<3)]
            if Bool.random() {
                table[id] = step
                dictionary[id] = step
            } else {
                table[id] = nil
                dictionary[id] = nil
            }
            #expect(table.count == dictionary.count)
        }
        for id in dictionary.keys {
            #expect(table[id] == dictionary[id])
        }
    }
}
