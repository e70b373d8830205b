// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WasmBinary

@Suite struct FeatureTests {
    @Test func `every instruction is read to its end and tells its feature`() throws {
        for row in InstructionTable.rows {
            let bytes = InstructionTable.module([row.bytes])
            let module = try WasmModule(bytes)
            let uses = try module.features()
            #expect(Set(uses.features) == row.features, "\(row.bytes)")
            // The instruction stands behind the count, the body's size and the number of locals.
            let code = try #require(module.sections.last { $0.id == .code }?.content)
            for feature in row.features {
                let offset = try #require(uses[feature])
                #expect(code.contains(offset), "\(row.bytes)")
            }
        }
    }

    @Test(arguments: InstructionTable.unknown)
    func `an unknown instruction is refused at its byte`(instruction: [UInt8]) throws {
        let module = try WasmModule(InstructionTable.module([[0x01], instruction]))
        let error = #expect(throws: WasmBinaryError.self) { try module.features() }
        guard case .unknownOpcode? = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.offset == module.size - instruction.count - 1)
    }

    @Test(arguments: [
        // Cut short, too long, nested without an end, and immediates that lie.
        ([0x41], WasmBinaryError.Reason.integerTooLarge(.instruction, bits: 32)),
        ([0x0b, 0x01], .bytesBehind(.functionBody, 2)),
        ([0x02, 0x40], .truncated(.instruction)),
        ([0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f], .overrun(.label, size: 0xffff_ffff, available: 1)),
        ([0x28, 0x80, 0x01, 0], .unknownCode(.memoryArgument, 0x80)),
        ([0x02, 0x05], .indexOutOfRange(.typeIndex, index: 5, count: 1)),
        ([0x1f, 0x40, 1, 9, 0], .unknownCode(.handler, 9)),
        ([0xfb, 24, 4, 0, 0x6e, 0x6e], .unknownCode(.cast, 4)),
        ([0xfe, 3, 1], .unknownCode(.instruction, 1)),
        ([0xfd, 12, 1, 2], .overrun(.instruction, size: 16, available: 3)),
    ])
    func `a body that cannot be decoded is refused`(body: [UInt8], reason: WasmBinaryError.Reason) throws {
        let bytes =
            body == [0x41]
            ? InstructionTable.module([[0x41, 0xff, 0xff, 0xff, 0xff, 0x4f]])
            : InstructionTable.module([body])
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(bytes).features() }
        #expect(error?.reason == reason)
    }

    @Test func `offsets into a memory of 64-bit addresses may be as wide`() throws {
        // i32.load of memory 1, then of memory 0, both with an offset of 2³².
        func module(_ load: [UInt8]) throws -> WasmModule {
            let offset: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x10]
            var module = ModuleBuilder()
            module.section(1, entries: [[0x60, 0, 0]])
            module.section(3, entries: [[0]])
            module.section(5, entries: [[0, 1], [4, 1]])
            module.section(10, entries: [leb(load.count + 7) + [0] + load + offset + [0x0b]])
            return try WasmModule(module.bytes)
        }
        #expect(try module([0x28, 0x42, 1]).features().features == [.multiMemory, .memory64])
        let narrow = try module([0x28, 0x02])
        let error = #expect(throws: WasmBinaryError.self) { try narrow.features() }
        #expect(error?.reason == .integerTooLarge(.memoryArgument, bits: 32))
    }

    @Test func `locals are counted and typed`() throws {
        var module = ModuleBuilder()
        module.section(1, entries: [[0x60, 0, 0]])
        module.section(3, entries: [[0], [0]])
        let many = leb(50_001)
        module.section(
            10, entries: [[4, 1, 1, 0x7b, 0x0b], leb(many.count + 3) + [1] + many + [0x7f, 0x0b]])
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(module.bytes).features() }
        #expect(error?.reason == .tooMany(.local, count: 50_001, limit: 50_000))
    }

    @Test func `declarations tell features at their bytes`() throws {
        let uses = try WasmModule(Corpus.everySection).features()
        #expect(
            uses.features == [
                .bulkMemory, .referenceTypes, .simd, .exceptions, .extendedConstants, .multiMemory, .memory64,
                .functionReferences,
            ])
        let newTypes = try WasmModule(Corpus.newTypes).features()
        #expect(newTypes.features == [.referenceTypes, .functionReferences, .garbageCollection])
        #expect(newTypes[.garbageCollection] == 11)
        #expect(try WasmModule(ModuleBuilder.filter()).features().features.isEmpty)
    }

    @Test(
        arguments: [
            // Section, entry, feature.
            (5, [0x03, 1, 2], Feature.threads), (5, [0x04, 1], .memory64),
            (5, [0x08, 1, 0], .customPageSizes),
            (1, [0x60, 0, 2, 0x7f, 0x7f], .multiValue), (1, [0x60, 1, 0x7b, 0], .simd),
            (1, [0x5e, 0x7f, 0], .garbageCollection), (4, [0x6f, 0, 1], .referenceTypes),
            (13, [0, 0], .exceptions), (6, [0x7f, 0, 0x41, 1, 0x41, 1, 0x6b, 0x0b], .extendedConstants),
            (9, [1, 0, 0], .bulkMemory), (9, [3, 0, 0], .referenceTypes), (11, [1, 0], .bulkMemory),
            (2, [0, 0, 3, 0x7f, 1], .mutableGlobals),
        ] as [(UInt8, [UInt8], Feature)])
    func `one declaration tells one feature`(id: UInt8, entry: [UInt8], feature: Feature) throws {
        var module = ModuleBuilder()
        if id == 13 { module.section(1, entries: [[0x60, 0, 0]]) }
        module.section(id, entries: [entry])
        let uses = try WasmModule(module.bytes).features()
        #expect(uses.features == [feature])
        #expect((uses[feature] ?? 0) >= 8)
    }

    @Test(
        .requires(.wabt),
        arguments: [
            (WATSource.numbers, [Feature.signExtension, .saturatingConversion]),
            (WATSource.control, [.multiValue, .simd]),
            (WATSource.memories, [.bulkMemory, .multiMemory, .memory64]),
            (WATSource.references, [.bulkMemory, .referenceTypes]),
            (WATSource.vectors, [.simd]), (WATSource.relaxedVectors, [.simd, .relaxedSIMD]),
            (WATSource.atomics, [.threads]), (WATSource.tailCalls, [.tailCall]),
            (WATSource.exceptions, [.exceptions, .legacyExceptions]), (WATSource.empty, []),
        ])
    func `modules that wabt wrote use what their text uses`(source: String, features: [Feature]) async throws
    {
        let module = try WasmModule(try await Corpus.translate(source))
        #expect(try module.features().features == features)
    }
}
