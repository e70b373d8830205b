// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

/// Sections that are well formed and do not fit together, and entries that claim what cannot be.
@Suite struct ReferenceErrorTests {
    /// A row: sections by number and entries, and what is wrong at how many bytes before the end.
    struct Row: Sendable {
        let sections: [(UInt8, [[UInt8]])]
        let reason: WasmBinaryError.Reason
        let fromEnd: Int

        init(_ sections: [(UInt8, [[UInt8]])], _ reason: WasmBinaryError.Reason, fromEnd: Int) {
            self.sections = sections
            self.reason = reason
            self.fromEnd = fromEnd
        }
    }

    private static let void: (UInt8, [[UInt8]]) = (1, [[0x60, 0, 0]])
    private static let object: (UInt8, [[UInt8]]) = (1, [[0x5f, 0]])

    static let rows: [Row] = [
        // Types.
        Row([(2, [[0, 0, 0, 1]])], .indexOutOfRange(.typeIndex, index: 1, count: 0), fromEnd: 1),
        Row([(3, [[7]])], .indexOutOfRange(.typeIndex, index: 7, count: 0), fromEnd: 1),
        Row([object, (3, [[0]])], .notAFunctionType(0), fromEnd: 1),
        Row([void, (13, [[0, 3]])], .indexOutOfRange(.typeIndex, index: 3, count: 1), fromEnd: 1),
        Row([void, (13, [[1, 0]])], .unknownCode(.tag, 1), fromEnd: 2),
        Row([(1, [[0x50, 2, 0, 0, 0x5f, 0]])], .tooMany(.supertype, count: 2, limit: 1), fromEnd: 5),
        Row([(1, [[0x5f, 1, 0x7f, 2]])], .unknownCode(.field, 2), fromEnd: 1),
        Row(
            [(1, [[0x60] + leb(1001) + [UInt8](repeating: 0x7f, count: 1001) + [0]])],
            .tooMany(.parameter, count: 1001, limit: 1000), fromEnd: 1004),
        // Tables and memories.
        Row([(4, [[0x7f, 0, 1]])], .unknownCode(.heapType, 0x7f), fromEnd: 3),
        Row([(4, [[0x70, 1, 3, 2]])], .limitsReversed(.table, minimum: 3, maximum: 2), fromEnd: 3),
        Row([(4, [[0x70, 2, 3, 2]])], .unknownCode(.limits, 2), fromEnd: 3),
        Row(
            [(4, [[0x70, 0] + leb(20_000_000)])],
            .limitsTooLarge(.table, 20_000_000, limit: 10_000_000), fromEnd: 5),
        Row([(4, [[0x40, 1, 0x70, 0, 1]])], .unknownCode(.table, 1), fromEnd: 4),
        Row([(5, [[1, 3, 2]])], .limitsReversed(.memory, minimum: 3, maximum: 2), fromEnd: 3),
        Row([(5, [[0] + leb(65_537)])], .limitsTooLarge(.memory, 65_537, limit: 65_536), fromEnd: 4),
        Row(
            [(5, [[0] + leb(0xffff_ffff)])], .limitsTooLarge(.memory, 0xffff_ffff, limit: 65_536), fromEnd: 6),
        Row([(5, [[2, 1]])], .sharedWithoutMaximum, fromEnd: 2),
        Row([(5, [[8, 1, 17]])], .limitsTooLarge(.pageSize, 17, limit: 16), fromEnd: 1),
        Row([(5, [[0] + leb(1 << 32)])], .integerTooLarge(.memory, bits: 32), fromEnd: 5),
        Row(
            [(5, [[UInt8]](repeating: [0, 1], count: 101))],
            .tooMany(.memory, count: 101, limit: 100), fromEnd: 203),
        // Globals and constant expressions.
        Row([(6, [[0x7f, 2, 0x41, 0, 0x0b]])], .unknownCode(.global, 2), fromEnd: 4),
        Row(
            [(6, [[0x7f, 0, 0x23, 0, 0x0b]])], .indexOutOfRange(.globalIndex, index: 0, count: 0), fromEnd: 2),
        Row(
            [(6, [[0x70, 0, 0xd2, 4, 0x0b]])], .indexOutOfRange(.functionIndex, index: 4, count: 0),
            fromEnd: 2),
        Row([(6, [[0x7f, 0, 0x10, 0, 0x0b]])], .unknownOpcode(prefix: nil, 0x10), fromEnd: 3),
        Row([(6, [[0x7f, 0, 0xfd, 0x0d, 0x0b]])], .unknownOpcode(prefix: 0xfd, 13), fromEnd: 3),
        Row([(6, [[0x7f, 0, 0xfb, 2, 0x0b]])], .unknownOpcode(prefix: 0xfb, 2), fromEnd: 3),
        Row(
            [(6, [[0x7f, 0, 0xfb, 1, 0, 0x0b]])], .indexOutOfRange(.typeIndex, index: 0, count: 0), fromEnd: 2
        ),
        Row([(6, [[0x7f, 0, 0x0b, 0x0b]])], .truncated(.constant), fromEnd: 2),
        Row([(6, [[0x7f, 0, 0x41, 0]])], .truncated(.constant), fromEnd: 0),
        Row(
            [(6, [[0x7f, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x40, 0x0b]])],
            .integerTooLarge(.constant, bits: 32), fromEnd: 6),
        Row(
            [(6, [[0x7e, 0, 0x42] + [UInt8](repeating: 0x80, count: 9) + [0x02, 0x0b]])],
            .integerTooLarge(.constant, bits: 64), fromEnd: 11),
        Row([(6, [[0x7d, 0, 0x43, 0, 0]])], .truncated(.constant), fromEnd: 0),
        // Exports and the start function.
        Row([(7, [name("a") + [0, 0]])], .indexOutOfRange(.functionIndex, index: 0, count: 0), fromEnd: 1),
        Row([(7, [name("a") + [1, 0]])], .indexOutOfRange(.tableIndex, index: 0, count: 0), fromEnd: 1),
        Row([(7, [name("a") + [2, 0]])], .indexOutOfRange(.memoryIndex, index: 0, count: 0), fromEnd: 1),
        Row([(7, [name("a") + [3, 0]])], .indexOutOfRange(.globalIndex, index: 0, count: 0), fromEnd: 1),
        Row([(7, [name("a") + [4, 0]])], .indexOutOfRange(.tagIndex, index: 0, count: 0), fromEnd: 1),
        // Segments.
        Row([(9, [[8, 0, 0]])], .unknownCode(.elementSegment, 8), fromEnd: 3),
        Row([(9, [[0, 0x41, 0, 0x0b, 0]])], .indexOutOfRange(.tableIndex, index: 0, count: 0), fromEnd: 4),
        Row([(9, [[1, 1, 0]])], .unknownCode(.element, 1), fromEnd: 2),
        Row([(9, [[1, 0, 1, 0]])], .indexOutOfRange(.functionIndex, index: 0, count: 0), fromEnd: 1),
        Row([(9, [[5, 0x7f, 0]])], .unknownCode(.heapType, 0x7f), fromEnd: 2),
        Row([(9, [[1, 0] + leb(9_000_000)])], .overrun(.element, size: 9_000_000, available: 0), fromEnd: 4),
        Row([(11, [[3, 0]])], .unknownCode(.dataSegment, 3), fromEnd: 2),
        Row([(11, [[0, 0x41, 0, 0x0b, 0]])], .indexOutOfRange(.memoryIndex, index: 0, count: 0), fromEnd: 4),
        Row(
            [(11, [[1] + leb(0xffff_ffff)])],
            .overrun(.dataSegment, size: 0xffff_ffff, available: 0), fromEnd: 0),
        // Bodies.
        Row(
            [void, (3, [[0]]), (10, [[3, 0, 0x0b]])],
            .overrun(.functionBody, size: 3, available: 2), fromEnd: 2),
    ]

    @Test(arguments: rows.indices)
    func `what does not fit together is refused at its byte`(index: Int) throws {
        let row = Self.rows[index]
        var builder = ModuleBuilder()
        for (id, entries) in row.sections { builder.section(id, entries: entries) }
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(builder.bytes) }
        #expect(error?.reason == row.reason)
        #expect(error?.offset == builder.bytes.count - row.fromEnd)
        #expect(error?.hint?.isEmpty == false)
    }

    @Test func `the start function exists and takes and gives nothing`() throws {
        func start(_ index: UInt8) -> WasmBinaryError? {
            var builder = ModuleBuilder()
            builder.section(1, entries: [[0x60, 0, 0], [0x60, 1, 0x7f, 0]])
            builder.section(3, entries: [[0], [1]])
            builder.section(8, [index])
            builder.section(10, entries: [[2, 0, 0x0b], [2, 0, 0x0b]])
            do throws(WasmBinaryError) {
                _ = try WasmModule(builder.bytes)
                return nil
            } catch {
                return error
            }
        }
        #expect(start(0) == nil)
        #expect(start(1)?.reason == .wrongStartType(FunctionType([.i32])))
        #expect(start(1)?.description.contains("expected \"void -> void\"") == true)
        #expect(start(2)?.reason == .indexOutOfRange(.functionIndex, index: 2, count: 2))
        #expect(start(1)?.offset == start(2)?.offset)
    }

    @Test func `the data count holds`() {
        func failure(_ count: UInt8, _ segments: [[UInt8]]?) -> WasmBinaryError.Reason? {
            var builder = ModuleBuilder()
            builder.section(12, [count])
            if let segments { builder.section(11, entries: segments) }
            return #expect(throws: WasmBinaryError.self) { try WasmModule(builder.bytes) }?.reason
        }
        #expect(failure(2, [[1, 0]]) == .dataSegmentsMissing(declared: 2, segments: 1))
        #expect(failure(1, nil) == .dataSegmentsMissing(declared: 1, segments: 0))
    }

    @Test func `a name beyond the limit is refused`() {
        var builder = ModuleBuilder()
        let long = String(repeating: "a", count: 100_001)
        builder.section(2, entries: [name(long) + name("") + [2, 0, 1]])
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(builder.bytes) }
        #expect(error?.reason == .tooLong(.moduleName, size: 100_001, limit: 100_000))
    }

    @Test func `what repeats without end is bounded`() {
        var constant = ModuleBuilder()
        constant.section(
            6, entries: [[0x7f, 0] + (0..<10_001).flatMap { _ in [0x41, 0] as [UInt8] } + [0x0b]])
        let operators = #expect(throws: WasmBinaryError.self) { try WasmModule(constant.bytes) }
        #expect(operators?.reason == .tooMany(.constant, count: 10_001, limit: 10_000))
        let sections = ModuleBuilder().bytes + (0..<100_001).flatMap { _ in [0, 1, 0] as [UInt8] }
        let many = #expect(throws: WasmBinaryError.self) { try WasmModule(sections) }
        #expect(many?.reason == .tooMany(.section, count: 100_001, limit: 100_000))
        // Types that expand: each takes a byte of the file and eight bytes of memory.
        var types = ModuleBuilder()
        let wide = [0x60] + leb(1000) + [UInt8](repeating: 0x7f, count: 1000) + [0]
        types.section(1, entries: [[UInt8]](repeating: wide, count: 2001))
        let parts = #expect(throws: WasmBinaryError.self) { try WasmModule(types.bytes) }
        #expect(parts?.reason == .tooMany(.parameter, count: 2_001_000, limit: 2_000_000))
    }
}
