// SPDX-License-Identifier: Apache-2.0

import CProxyWasmABI
import HeapStress
import Testing

/// The heap that runs inside modules, over an arena.
private final class Arena {
    static let size = 64 << 20
    static let page: UInt32 = 65536

    let heap = UnsafeMutablePointer<proxy_wasm_heap>.allocate(capacity: 1)
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: Arena.size, alignment: Int(Arena.page))

    init() {
        proxy_wasm_heap_init(heap, memory.assumingMemoryBound(to: UInt8.self)) { heap, size in
            guard let heap, let size else { return 0 }
            let pages = (UInt64(size.pointee) + 65535) / 65536 * 65536
            let start = max(heap.pointee.limit, Arena.page)
            guard UInt64(start) + pages <= Arena.size else { return 0 }
            size.pointee = UInt32(pages)
            heap.pointee.limit = start + UInt32(pages)
            return start
        }
    }

    deinit {
        heap.deallocate()
        memory.deallocate()
    }

    /// The bytes that were taken from the arena so far.
    var footprint: Int { Int(heap.pointee.limit) }

    /// The free bytes, or nil if the heap is damaged.
    func check() -> Int? {
        var free: UInt32 = 0
        return proxy_wasm_heap_check(heap, Self.page, &free) ? Int(free) : nil
    }
}

@Suite struct HeapTests {
    @Test func `five million mixed operations keep every byte and a flat footprint`() {
        let arena = Arena()
        var allocator = heap_stress_allocator()
        allocator.`self` = UnsafeMutableRawPointer(arena.heap)
        allocator.allocate = { proxy_wasm_heap_allocate(heap($0), $1) }
        allocator.allocate_aligned = { proxy_wasm_heap_allocate_aligned(heap($0), $1, $2) }
        allocator.reallocate = { proxy_wasm_heap_reallocate(heap($0), $1, $2) }
        allocator.release = { proxy_wasm_heap_free(heap($0), $1) }
        allocator.footprint = { Int(heap($0)?.pointee.limit ?? 0) }

        let result = heap_stress(&allocator, 5_000_000, 0x9E37_79B9_7F4A_7C15)
        #expect(result.damaged == 0)
        #expect(result.misaligned == 0)
        #expect(result.refused == 0)
        #expect(Double(result.footprint_late) <= Double(result.footprint_early) * 1.10)
        // All of it is one free block again, but for the marks at its ends.
        #expect(arena.check() == arena.footprint - Int(Arena.page) - 16)
    }

    @Test func `gives null when memory is exhausted, and goes on afterwards`() throws {
        let arena = Arena()
        var blocks: [UnsafeMutableRawPointer] = []
        while let block = proxy_wasm_heap_allocate(arena.heap, 1 << 20) {
            blocks.append(block)
        }
        #expect(blocks.count >= 58)
        let first = try #require(blocks.first)
        #expect(proxy_wasm_heap_reallocate(arena.heap, first, 8 << 20) == nil)
        for block in blocks {
            proxy_wasm_heap_free(arena.heap, block)
        }
        #expect(arena.check() != nil)
        #expect(proxy_wasm_heap_allocate(arena.heap, 32 << 20) != nil)
    }

    @Test(arguments: [Int.max, Int(UInt32.max), 0x7fff_fff0, 0x8000_0000])
    func `refuses impossible sizes`(size: Int) {
        let arena = Arena()
        #expect(proxy_wasm_heap_allocate(arena.heap, size) == nil)
        #expect(proxy_wasm_heap_allocate_aligned(arena.heap, 64, size) == nil)
        #expect(proxy_wasm_heap_allocate(arena.heap, 100) != nil)
    }

    @Test func `gives distinct pointers for size zero`() {
        let arena = Arena()
        let first = proxy_wasm_heap_allocate(arena.heap, 0)
        let second = proxy_wasm_heap_allocate(arena.heap, 0)
        #expect(first != nil)
        #expect(first != second)
    }

    @Test func `ignores null and a second free`() throws {
        let arena = Arena()
        let block = try #require(proxy_wasm_heap_allocate(arena.heap, 100))
        proxy_wasm_heap_free(arena.heap, nil)
        proxy_wasm_heap_free(arena.heap, block)
        proxy_wasm_heap_free(arena.heap, block)
        #expect(arena.check() != nil)
    }

    @Test func `grows in place into a free neighbour`() throws {
        let arena = Arena()
        let block = try #require(proxy_wasm_heap_allocate(arena.heap, 100))
        let neighbour = proxy_wasm_heap_allocate(arena.heap, 1000)
        let fence = proxy_wasm_heap_allocate(arena.heap, 100)
        proxy_wasm_heap_free(arena.heap, neighbour)
        #expect(proxy_wasm_heap_reallocate(arena.heap, block, 900) == block)
        #expect(proxy_wasm_heap_reallocate(arena.heap, block, 50) == block)
        #expect(fence != nil)
        #expect(arena.check() != nil)
    }

    @Test func `uses regions that do not touch`() {
        let arena = Arena()
        let first = proxy_wasm_heap_allocate(arena.heap, 60000)
        arena.heap.pointee.limit += Arena.page
        let second = proxy_wasm_heap_allocate(arena.heap, 60000)
        #expect(first != nil && second != nil)
        proxy_wasm_heap_free(arena.heap, first)
        proxy_wasm_heap_free(arena.heap, second)
        #expect(proxy_wasm_heap_allocate(arena.heap, 60000) != nil)
    }
}

private func heap(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<proxy_wasm_heap>? {
    pointer?.assumingMemoryBound(to: proxy_wasm_heap.self)
}
