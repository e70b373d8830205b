// SPDX-License-Identifier: Apache-2.0

import WasmBinary

/// Every instruction with immediates, and the features that it uses (core spec 3.0, 5.4 "Instructions").
enum InstructionTable {
    struct Row {
        let bytes: [UInt8]
        let features: Set<Feature>
        /// Whether wabt 1.0.32 reads it alone in a function.
        var isKnownToWabt = true
    }

    static let rows: [Row] = {
        var rows: [Row] = []
        func add(
            _ codes: some Sequence<Int>, prefix: UInt8? = nil, _ immediates: [UInt8] = [],
            _ features: Set<Feature> = [], wabt: Bool = true
        ) {
            for code in codes {
                let bytes = prefix.map { [$0] + leb(code) } ?? [UInt8(code)]
                rows.append(Row(bytes: bytes + immediates, features: features, isKnownToWabt: wabt))
            }
        }
        // Control. A function has one level around it.
        add([0x00, 0x01, 0x0f, 0x1a, 0x1b])
        for code in 0x02...0x04 {
            add([code], [0x40, 0x0b])
            add([code], [0x7f, 0x0b])
            add([code], [0x7b, 0x0b], [.simd])
            add([code], [0x6f, 0x0b], [.referenceTypes])
            add([code], [0x00, 0x0b], [.multiValue])
            add([code], [0x80, 0x00, 0x0b], [.multiValue])
            add([code], [0x63, 0x00, 0x0b], [.functionReferences], wabt: false)
        }
        add([0x04], [0x40, 0x05, 0x0b])
        add([0x0c, 0x0d], [0x00])
        add([0x0e], [0x02, 0x00, 0x00, 0x00])
        add([0x0e], [0x00, 0x00])
        add([0x10], [0x00])
        add([0x11], [0x00, 0x00])
        add([0x11], [0x00, 0x80, 0x80, 0x80, 0x80, 0x00], [.referenceTypes])
        add([0x12], [0x00], [.tailCall])
        add([0x13], [0x00, 0x00], [.tailCall])
        add([0x14], [0x00], [.functionReferences], wabt: false)
        add([0x15], [0x00], [.tailCall, .functionReferences], wabt: false)
        add([0x1c], [0x01, 0x7f], [.referenceTypes])
        // Exceptions, in both forms.
        add([0x06], [0x40, 0x07, 0x00, 0x19, 0x09, 0x00, 0x0b], [.legacyExceptions])
        add([0x06], [0x40, 0x18, 0x00], [.legacyExceptions])
        add([0x08], [0x00], [.exceptions])
        add([0x0a], [], [.exceptions], wabt: false)
        add(
            [0x1f], [0x40, 0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x02, 0x00, 0x03, 0x00, 0x0b],
            [.exceptions], wabt: false)
        // Variables, memory, numbers.
        add(0x20...0x24, [0x00])
        add(0x25...0x26, [0x00], [.referenceTypes])
        add(0x28...0x3e, [0x00, 0xff, 0xff, 0xff, 0xff, 0x0f])
        add(0x28...0x3e, [0x40, 0x01, 0x00], [.multiMemory])
        add(0x3f...0x40, [0x00])
        add(0x3f...0x40, [0x01], [.multiMemory])
        add([0x41], [0x80, 0x80, 0x80, 0x80, 0x78])
        add([0x42], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f])
        add([0x43], [1, 2, 3, 4])
        add([0x44], [1, 2, 3, 4, 5, 6, 7, 8])
        add(0x45...0xbf)
        add(0xc0...0xc4, [], [.signExtension])
        // References and objects.
        add([0xd0], [0x70], [.referenceTypes])
        add([0xd0], [0x6e], [.referenceTypes, .garbageCollection], wabt: false)
        add([0xd1], [], [.referenceTypes])
        add([0xd2], [0x00], [.referenceTypes])
        add([0xd3], [], [.garbageCollection], wabt: false)
        add([0xd4], [], [.functionReferences], wabt: false)
        add(0xd5...0xd6, [0x00], [.functionReferences], wabt: false)
        add([0, 1, 6, 7, 11, 12, 13, 14, 16], prefix: 0xfb, [0], [.garbageCollection], wabt: false)
        add(
            [2, 3, 4, 5, 8, 9, 10, 17, 18, 19], prefix: 0xfb, [0, 0], [.garbageCollection], wabt: false)
        add([15] + Array(26...30), prefix: 0xfb, [], [.garbageCollection], wabt: false)
        add(20...23, prefix: 0xfb, [0x6d], [.garbageCollection], wabt: false)
        add(24...25, prefix: 0xfb, [3, 0, 0x6e, 0x6c], [.garbageCollection], wabt: false)
        // Conversions, bulk memory, tables.
        add(0...7, prefix: 0xfc, [], [.saturatingConversion])
        add([8], prefix: 0xfc, [0, 0], [.bulkMemory])
        add([9, 13], prefix: 0xfc, [0], [.bulkMemory])
        add([10], prefix: 0xfc, [0, 0], [.bulkMemory])
        add([10], prefix: 0xfc, [0, 1], [.bulkMemory, .multiMemory])
        add([11], prefix: 0xfc, [0], [.bulkMemory])
        add([12, 14], prefix: 0xfc, [0, 0], [.bulkMemory])
        add([12, 14], prefix: 0xfc, [0, 1], [.bulkMemory, .referenceTypes])
        add(15...17, prefix: 0xfc, [0], [.referenceTypes])
        add(19...22, prefix: 0xfc, [], [.wideArithmetic], wabt: false)
        // Vectors.
        add(0x00...0x0b, prefix: 0xfd, [0, 0], [.simd])
        add(0x0c...0x0d, prefix: 0xfd, [UInt8](0..<16), [.simd])
        add(0x0e...0x14, prefix: 0xfd, [], [.simd])
        add(0x15...0x22, prefix: 0xfd, [1], [.simd])
        add(0x54...0x5b, prefix: 0xfd, [0, 0, 1], [.simd])
        add(0x5c...0x5d, prefix: 0xfd, [0, 0], [.simd])
        let plain = Array(0x23...0x53) + Array(0x5e...0xff).filter { !vectorGaps.contains($0) }
        add(plain, prefix: 0xfd, [], [.simd])
        add(0x100...0x113, prefix: 0xfd, [], [.relaxedSIMD])
        // Atomics.
        add(0x00...0x02, prefix: 0xfe, [2, 0], [.threads])
        add([3], prefix: 0xfe, [0], [.threads])
        add(0x10...0x4e, prefix: 0xfe, [0, 0], [.threads])
        return rows
    }()

    static let vectorGaps: Set<Int> = [
        0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3,
        0xd4, 0xe2, 0xee,
    ]

    /// Numbers that no instruction has.
    static let unknown: [[UInt8]] = {
        var list = [0x16, 0x17, 0x1d, 0x1e, 0x27, 0xc5, 0xcf, 0xd7, 0xfa, 0xff].map { [UInt8($0)] }
        list += [31, 1000].map { [0xfb] + leb($0) }
        list += [18, 23, 255].map { [0xfc] + leb($0) }
        list += (vectorGaps + [0x114, 0xffff_ffff]).map { [0xfd] + leb($0) }
        list += [4, 15, 0x4f].map { [0xfe] + leb($0) }
        return list
    }()

    /// A module with a function for each of these instructions; they need not make sense.
    /// - Parameters:
    ///   - instructions: what stands in each function before its end.
    ///   - hasMemories: whether to add two memories and a data segment, which wabt looks for.
    /// - Returns: the module's bytes.
    static func module(_ instructions: [[UInt8]], hasMemories: Bool = false) -> [UInt8] {
        var module = ModuleBuilder()
        module.section(1, entries: [[0x60, 0, 0]])
        module.section(3, entries: instructions.map { _ in [0] })
        if hasMemories {
            module.section(5, entries: [[0, 1], [0, 1]])
            module.section(12, [1])
        }
        module.section(
            10,
            entries: instructions.map { instruction in
                leb(instruction.count + 2) + [0] + instruction + [0x0b]
            })
        if hasMemories { module.section(11, entries: [[1, 0]]) }
        return module.bytes
    }
}
