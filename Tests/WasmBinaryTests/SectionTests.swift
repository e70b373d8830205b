// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct SectionTests {
    @Test func `every section of the core specification is read`() throws {
        let module = try WasmModule(Corpus.everySection)
        #expect(
            module.sections.map(\.id) == [
                .custom, .type, .import, .function, .table, .memory, .tag, .global, .export, .start, .element,
                .dataCount, .code, .data, .custom,
            ])
        #expect(module.types.count == 2)
        #expect(module.functionCount == 2)
        #expect(module.tables.map(\.type) == [.funcref, .externref])
        #expect(module.tables.map(\.limits.maximum) == [9, nil])
        #expect(module.tables.last?.initial?.value == .null(.abstract(.external)))
        #expect(module.memories.map(\.is64Bit) == [false, true])
        #expect(module.tags == [FunctionType()])
        #expect(module.start == 1)
        #expect(module.signature(ofExport: "f") == FunctionType())
        #expect(module.signature(ofExport: "m") == nil)
        #expect(module.exports.compactMap(module.signature(of:)).count == 1)
        #expect(module.dataCount == 3)
        #expect(module.customSections.map(\.name) == ["first", "name"])
    }

    @Test func `constant expressions are decoded`() throws {
        let module = try WasmModule(Corpus.everySection)
        #expect(
            module.definedGlobals.compactMap(\.initial?.value) == [
                .i32(-1), .i64(128), .f32(bits: 0x0403_0201), .f64(bits: 0x0807_0605_0403_0201), .global(0),
                .function(1), .null(.abstract(.external)),
                .v128(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908), .computed(operators: 3),
            ])
        #expect(module.globals.count == 10)
        #expect(module.globals.first?.initial == nil)
        #expect(module.globals.filter(\.isMutable).count == 1)
        let objects = try WasmModule(Corpus.newTypes)
        #expect(objects.definedGlobals.map(\.type.description) == ["(ref 0)"])
        #expect(objects.definedGlobals.first?.initial?.value == .computed(operators: 1))
    }

    @Test func `segments are read with their modes`() throws {
        let module = try WasmModule(Corpus.everySection)
        let modes = module.elements.map { segment in
            switch segment.mode {
            case .active(let table, _): "active \(table)"
            case .passive: "passive"
            case .declarative: "declarative"
            }
        }
        #expect(
            modes == [
                "active 0", "passive", "active 1", "declarative", "active 0", "passive", "active 1",
                "declarative",
            ])
        #expect(module.elements.map(\.count) == [1, 2, 1, 1, 1, 1, 0, 0])
        #expect(module.elements.map(\.type).filter { $0 == .externref }.count == 2)
        #expect(module.dataSegments.map(\.content.count) == [2, 1, 0])
        let first = try #require(module.dataSegments.first)
        #expect(module.bytes[first.content].elementsEqual("hi".utf8))
        guard case .active(memory: 0, at: let offset) = first.mode else {
            Issue.record("the segment is not active")
            return
        }
        #expect(offset.value == .i32(8))
    }

    @Test(
        arguments: [
            ([0x00, 7], Limits(minimum: 7)), ([0x01, 7, 8], Limits(minimum: 7, maximum: 8)),
            ([0x03, 1, 2], Limits(minimum: 1, maximum: 2, isShared: true)),
            ([0x04, 0x80, 0x80, 0x80, 0x80, 0x10], Limits(minimum: 1 << 32, is64Bit: true)),
            ([0x09, 1, 2, 0], Limits(minimum: 1, maximum: 2, pageSizeLog2: 0)),
            ([0x00, 0x80, 0x80, 0x04], Limits(minimum: 65536)),
        ] as [([UInt8], Limits)])
    func `limits of a memory are read`(entry: [UInt8], limits: Limits) throws {
        var builder = ModuleBuilder()
        builder.section(5, entries: [entry])
        #expect(try WasmModule(builder.bytes).memories == [limits])
    }

    @Test(
        arguments: [
            ([0x63, 0x70], "funcref"), ([0x64, 0x6f], "(ref extern)"), ([0x63, 0x00], "(ref null 0)"),
            ([0x71], "nullref"), ([0x74], "nullexnref"), ([0x69], "exnref"), ([0x6c], "i31ref"),
            ([0x64, 0x80, 0x00], "(ref 0)"),
        ] as [([UInt8], String)])
    func `reference types are read`(bytes: [UInt8], text: String) throws {
        var builder = ModuleBuilder()
        builder.section(1, entries: [[0x60, 1] + bytes + [0]])
        guard case .function(let type)? = try WasmModule(builder.bytes).types.first else {
            Issue.record("the type was not read")
            return
        }
        #expect(type.parameters.map(\.description) == [text])
    }
}
