// SPDX-License-Identifier: Apache-2.0

// The immediates of every instruction (core spec 3.0, 5.4 "Instructions").
extension FeatureScan {
    /// Reads what follows an instruction's first byte, and notes the feature that it belongs to.
    mutating func instruction(
        _ code: UInt8, at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        switch code {
        // unreachable, nop, else, end, return, drop, select, ref.is_null
        case 0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b: break
        // block, loop, if
        case 0x02, 0x03, 0x04: try blockType(&body)
        case 0x06...0x0a, 0x18, 0x19, 0x1f: try exceptionInstruction(code, at: place, &body)
        // br, br_if, call; local.get, local.set, local.tee, global.get, global.set
        case 0x0c, 0x0d, 0x10, 0x20...0x24: _ = try body.u32(.index)
        // br_table
        case 0x0e:
            for _ in 0...(try body.count(.label, limit: .max)) { _ = try body.u32(.label) }
        case 0x11...0x15: try call(code, at: place, &body)
        // select with types
        case 0x1c:
            uses.note(.referenceTypes, at: place)
            for _ in 0..<(try body.count(.valueType, limit: EngineLimit.results)) {
                try noteValueType(&body)
            }
        // table.get, table.set
        case 0x25, 0x26:
            uses.note(.referenceTypes, at: place)
            _ = try body.u32(.tableIndex)
        // loads and stores
        case 0x28...0x3e: try memoryArgument(at: place, &body)
        // memory.size, memory.grow
        case 0x3f, 0x40: try memoryIndex(at: place, &body)
        // constants
        case 0x41: _ = try body.signed(bits: 32, .instruction)
        case 0x42: _ = try body.signed(bits: 64, .instruction)
        case 0x43: try body.skip(4, of: .instruction)
        case 0x44: try body.skip(8, of: .instruction)
        // numbers
        case 0x45...0xbf: break
        case 0xc0...0xc4: uses.note(.signExtension, at: place)
        case 0xd0...0xd6: try reference(code, at: place, &body)
        case 0xfb: try object(at: place, &body)
        case 0xfc: try miscellaneous(at: place, &body)
        case 0xfd: try vector(at: place, &body)
        case 0xfe: try atomic(at: place, &body)
        default: throw WasmBinaryError(.unknownOpcode(prefix: nil, UInt32(code)), at: place)
        }
    }

    // MARK: - Control

    private mutating func exceptionInstruction(
        _ code: UInt8, at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        switch code {
        // try
        case 0x06:
            uses.note(.legacyExceptions, at: place)
            try blockType(&body)
        // catch, rethrow, delegate
        case 0x07, 0x09, 0x18:
            uses.note(.legacyExceptions, at: place)
            _ = try body.u32(.index)
        // throw, which both forms have
        case 0x08:
            uses.note(.exceptions, at: place)
            _ = try body.u32(.tagIndex)
        // throw_ref
        case 0x0a: uses.note(.exceptions, at: place)
        // catch_all
        case 0x19: uses.note(.legacyExceptions, at: place)
        // try_table
        default:
            uses.note(.exceptions, at: place)
            try blockType(&body)
            for _ in 0..<(try body.count(.handler, limit: .max, minimumEntrySize: 2)) {
                let offset = body.offset
                let kind = try body.byte(of: .handler)
                guard kind <= 3 else { throw WasmBinaryError(.unknownCode(.handler, kind), at: offset) }
                // The first two kinds name a tag.
                if kind <= 1 { _ = try body.u32(.tagIndex) }
                _ = try body.u32(.label)
            }
        }
    }

    private mutating func call(
        _ code: UInt8, at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        // return_call, return_call_indirect, return_call_ref
        if code == 0x12 || code == 0x13 || code == 0x15 { uses.note(.tailCall, at: place) }
        // call_ref, return_call_ref
        if code >= 0x14 { uses.note(.functionReferences, at: place) }
        _ = try body.u32(.index)
        guard code == 0x11 || code == 0x13 else { return }
        let start = body.offset
        let table = try body.u32(.tableIndex)
        // At first the table was a byte that had to be zero: another number, or a zero of several bytes, came later.
        if table != 0 || body.offset - start > 1 { uses.note(.referenceTypes, at: place) }
    }

    /// Nothing, one value type, or the index of a function type (core spec 3.0, 5.4.1 "Control Instructions").
    private mutating func blockType(_ body: inout ByteReader) throws(WasmBinaryError) {
        let start = body.offset
        guard let first = body.next else { throw WasmBinaryError(.truncated(.instruction), at: start) }
        if first == 0x40 {
            try body.skip(1, of: .instruction)
        } else if first & 0xc0 == 0x40 {
            // A negative number of one byte: the code of a value type.
            try noteValueType(&body)
        } else {
            let index = try body.signed(bits: 33, .typeIndex)
            guard index >= 0, Int(index) < module.types.count else {
                throw WasmBinaryError(
                    .indexOutOfRange(
                        .typeIndex, index: UInt32(truncatingIfNeeded: index), count: module.types.count),
                    at: start)
            }
            uses.note(.multiValue, at: start)
        }
    }

    private mutating func noteValueType(_ body: inout ByteReader) throws(WasmBinaryError) {
        let place = body.offset
        note(try body.valueType(.valueType), at: place)
    }

    // MARK: - Memory

    private mutating func memoryIndex(
        at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        if try body.u32(.memoryIndex) != 0 { uses.note(.multiMemory, at: place) }
    }

    /// An alignment and an offset; bit 6 of the alignment says that a memory is named in between.
    private mutating func memoryArgument(
        at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        let start = body.offset
        let alignment = try body.u32(.memoryArgument)
        guard alignment < 128 else {
            throw WasmBinaryError(
                .unknownCode(.memoryArgument, UInt8(truncatingIfNeeded: alignment)), at: start)
        }
        var memory: UInt32 = 0
        if alignment & 64 != 0 {
            uses.note(.multiMemory, at: place)
            memory = try body.u32(.memoryIndex)
        }
        if Int(memory) < memoryIs64Bit.count, memoryIs64Bit[Int(memory)] {
            _ = try body.u64(.memoryArgument)
        } else {
            _ = try body.u32(.memoryArgument)
        }
    }

    // MARK: - References and objects

    private mutating func reference(
        _ code: UInt8, at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        switch code {
        // ref.null
        case 0xd0:
            uses.note(.referenceTypes, at: place)
            note(try body.heapType(), at: place)
        // ref.is_null
        case 0xd1: uses.note(.referenceTypes, at: place)
        // ref.func
        case 0xd2:
            uses.note(.referenceTypes, at: place)
            _ = try body.u32(.functionIndex)
        // ref.eq
        case 0xd3: uses.note(.garbageCollection, at: place)
        // ref.as_non_null
        case 0xd4: uses.note(.functionReferences, at: place)
        // br_on_null, br_on_non_null
        default:
            uses.note(.functionReferences, at: place)
            _ = try body.u32(.label)
        }
    }

    private mutating func object(at place: Int, _ body: inout ByteReader) throws(WasmBinaryError) {
        uses.note(.garbageCollection, at: place)
        let sub = try body.u32(.instruction)
        switch sub {
        // struct.new, struct.new_default; array.new, array.new_default, array.get…, array.set, array.fill
        case 0, 1, 6, 7, 11...14, 16: _ = try body.u32(.typeIndex)
        // struct.get…, struct.set; array.new_fixed, …_data, …_elem; array.copy, array.init_data, array.init_elem
        case 2...5, 8...10, 17...19:
            _ = try body.u32(.typeIndex)
            _ = try body.u32(.index)
        // array.len; conversions with extern; i31
        case 15, 26...30: break
        // ref.test, ref.cast, each with and without null
        case 20...23: note(try body.heapType(), at: place)
        // br_on_cast, br_on_cast_fail
        case 24, 25:
            let offset = body.offset
            let flags = try body.byte(of: .cast)
            guard flags <= 3 else { throw WasmBinaryError(.unknownCode(.cast, flags), at: offset) }
            _ = try body.u32(.label)
            note(try body.heapType(), at: place)
            note(try body.heapType(), at: place)
        default: throw WasmBinaryError(.unknownOpcode(prefix: 0xfb, sub), at: place)
        }
    }

    // MARK: - Prefixes

    private mutating func miscellaneous(
        at place: Int, _ body: inout ByteReader
    ) throws(WasmBinaryError) {
        let sub = try body.u32(.instruction)
        switch sub {
        case 0...7: uses.note(.saturatingConversion, at: place)
        case 8...14: uses.note(.bulkMemory, at: place)
        case 15...17: uses.note(.referenceTypes, at: place)
        // i64.add128, i64.sub128, i64.mul_wide_s, i64.mul_wide_u
        case 19...22: uses.note(.wideArithmetic, at: place)
        default: throw WasmBinaryError(.unknownOpcode(prefix: 0xfc, sub), at: place)
        }
        switch sub {
        // memory.init
        case 8:
            _ = try body.u32(.index)
            try memoryIndex(at: place, &body)
        // memory.copy
        case 10:
            try memoryIndex(at: place, &body)
            try memoryIndex(at: place, &body)
        // memory.fill
        case 11: try memoryIndex(at: place, &body)
        // table.init, table.copy: only a first table was there before reference types
        case 12, 14:
            let first = try body.u32(.index)
            let second = try body.u32(.index)
            if second != 0 || sub == 14 && first != 0 { uses.note(.referenceTypes, at: place) }
        // data.drop, elem.drop, table.grow, table.size, table.fill
        case 9, 13, 15...17: _ = try body.u32(.index)
        default: break
        }
    }

    private mutating func vector(at place: Int, _ body: inout ByteReader) throws(WasmBinaryError) {
        let sub = try body.u32(.instruction)
        uses.note(sub < 0x100 ? .simd : .relaxedSIMD, at: place)
        switch sub {
        // loads and stores
        case 0x00...0x0b, 0x5c, 0x5d: try memoryArgument(at: place, &body)
        // v128.const, i8x16.shuffle
        case 0x0c, 0x0d: try body.skip(16, of: .instruction)
        // extract_lane, replace_lane
        case 0x15...0x22: _ = try body.byte(of: .lane)
        // loads and stores of one lane
        case 0x54...0x5b:
            try memoryArgument(at: place, &body)
            _ = try body.byte(of: .lane)
        default:
            guard sub <= 0x113, !Self.vectorGaps.contains(sub) else {
                throw WasmBinaryError(.unknownOpcode(prefix: 0xfd, sub), at: place)
            }
        }
    }

    /// Numbers between those of vector instructions that none has.
    private static let vectorGaps: Set<UInt32> = [
        0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3,
        0xd4, 0xe2, 0xee,
    ]

    private mutating func atomic(at place: Int, _ body: inout ByteReader) throws(WasmBinaryError) {
        uses.note(.threads, at: place)
        let sub = try body.u32(.instruction)
        switch sub {
        case 0...2, 0x10...0x4e: try memoryArgument(at: place, &body)
        // atomic.fence
        case 3:
            let offset = body.offset
            let order = try body.byte(of: .instruction)
            guard order == 0 else {
                throw WasmBinaryError(.unknownCode(.instruction, order), at: offset)
            }
        default: throw WasmBinaryError(.unknownOpcode(prefix: 0xfe, sub), at: place)
        }
    }
}
