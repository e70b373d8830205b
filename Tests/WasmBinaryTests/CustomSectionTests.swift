// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct CustomSectionTests {
    private func module(_ title: String, _ content: [UInt8]) throws -> WasmModule {
        var builder = ModuleBuilder()
        builder.custom(title, content)
        return try WasmModule(builder.bytes)
    }

    @Test func `any custom section is there with its name, place and bytes`() throws {
        let module = try module("x", [7, 8, 9])
        let section = try #require(module.customSections.first)
        #expect(section.name == "x")
        #expect(section.offset == 8)
        #expect(section.content == 12..<15)
        #expect(section.bytes == [7, 8, 9])
        #expect(module.customSection("x") == [7, 8, 9])
        #expect(module.customSection("y") == nil)
        #expect(module.notes.isEmpty)
    }

    @Test func `the name section gives the module, its functions and the rest`() throws {
        func map(_ id: UInt8, _ entries: [[UInt8]]) -> [UInt8] {
            let content = leb(entries.count) + entries.flatMap { $0 }
            return [id] + leb(content.count) + content
        }
        let locals: [UInt8] = [2, 4, 1, 0, 1, 0]
        let module = try module(
            "name",
            [0, 2, 1, 0x6d] + map(1, [[0] + name("log"), [1] + name("main")]) + locals
                + map(7, [[3] + name("stack")]) + [12, 1, 0xff])
        #expect(module.moduleName == "m")
        #expect(module.names.functions.count == 2)
        #expect(module.names.functions.map(\.name) == ["log", "main"])
        #expect(module.names.functions[1] == "main")
        #expect(module.names.functions[2] == nil)
        #expect(module.names.names(of: .global)[3] == "stack")
        #expect(module.names.names(of: .data).count == 0)
        #expect(module.names.problem == nil)
    }

    @Test(arguments: [
        ([0, 0x7f], WasmBinaryError.Reason.overrun(.subsection, size: 127, available: 0), 17),
        ([0, 2, 1], .overrun(.subsection, size: 2, available: 1), 17),
        ([0, 3, 1, 0x6d, 0], .bytesBehind(.subsection, 1), 19),
        ([0, 3, 2, 0xc3, 0x28], .nameNotUTF8(.moduleName), 18),
        ([1, 2, 9, 0], .overrun(.name, size: 9, available: 1), 17),
        ([1, 4, 1, 0, 9, 0x61], .overrun(.name, size: 9, available: 1), 20),
    ])
    func `a malformed name section is a note and no error`(
        content: [UInt8], reason: WasmBinaryError.Reason, offset: Int
    ) throws {
        let module = try module("name", content)
        #expect(module.notes.map(\.reason) == [reason])
        #expect(module.notes.map(\.offset) == [offset])
        #expect(module.names.functions.count == 0)
    }

    @Test func `what stands before the damage is kept`() throws {
        let module = try module("name", [0, 2, 1, 0x6d, 1, 9])
        #expect(module.moduleName == "m")
        #expect(module.notes.count == 1)
    }

    @Test func `producers and target features are read`() throws {
        let producers =
            [2] + name("language") + [1] + name("Swift") + name("6.3") + name("processed-by") + [1]
            + name("clang") + name("")
        var builder = ModuleBuilder()
        builder.custom("producers", producers)
        builder.custom("target_features", [2, 0x2b] + name("simd128") + [0x2d] + name("atomics"))
        let module = try WasmModule(builder.bytes)
        #expect(module.producers.map(\.field) == ["language", "processed-by"])
        #expect(module.producers.map(\.name) == ["Swift", "clang"])
        #expect(module.producers.map(\.version) == ["6.3", ""])
        #expect(module.targetFeatures.map(\.name) == ["simd128", "atomics"])
        #expect(module.targetFeatures.map(\.policy) == [.used, .disallowed])
        #expect(module.notes.isEmpty)
    }

    @Test(
        arguments: [
            ("producers", [1, 0xff], WasmBinaryError.Reason.overrun(.producer, size: 1, available: 1)),
            ("producers", [0, 0], .trailingBytes(.custom, 1)),
            (
                "producers", [0xff, 0xff, 0xff, 0xff, 0x0f],
                .tooMany(.producer, count: 0xffff_ffff, limit: 1_000_000)
            ),
            ("target_features", [1, 0x2a, 0], .unknownCode(.targetFeature, 0x2a)),
            ("target_features", [], .truncated(.count)),
        ] as [(String, [UInt8], WasmBinaryError.Reason)])
    func `malformed conventions are notes`(
        title: String, content: [UInt8], reason: WasmBinaryError.Reason
    ) throws {
        #expect(try module(title, content).notes.map(\.reason) == [reason])
    }

    @Test func `what is not a finished module is told by its custom sections`() throws {
        #expect(try module("linking", [2]).isObjectFile)
        #expect(try module("reloc.CODE", []).isObjectFile)
        #expect(try module("dylink.0", []).isDynamicLibrary)
        #expect(try !module("name", []).isObjectFile)
        #expect(try !module("name", []).isDynamicLibrary)
    }
}
