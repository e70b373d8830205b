// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct WasmModuleTests {
    @Test func `a filter's parts are read`() throws {
        let bytes = ModuleBuilder.filter()
        let module = try WasmModule(bytes)
        #expect(module.size == bytes.count)
        #expect(
            module.sections.map(\.id) == [
                .type, .import, .function, .memory, .export, .start, .code, .custom, .custom,
            ])
        #expect(module.sections.first?.offset == 8)
        #expect(module.sections.last?.content.upperBound == bytes.count)
        let log = try #require(module.imports.first)
        #expect(module.imports.count == 1)
        #expect(log.module == "env")
        #expect(log.name == "proxy_log")
        #expect(log.kind == .function)
        #expect(module.signature(of: log)?.description == "i32 i32 i32 -> i32")
        #expect(module.memories == [Limits(minimum: 2, maximum: 4)])
        #expect(module.start == 1)
        #expect(module.export("memory", kind: .memory) != nil)
        let callback = try #require(module.export("proxy_on_request_headers"))
        #expect(module.functionType(at: callback.index)?.parameters == [.i32, .i32, .i32])
        #expect(module.customSections.map(\.name) == ["name", "producers"])
        #expect(module.moduleName == "filter")
        #expect(module.customSection("producers") == [0])
        #expect(module.proxyABIVersion == .v0_2_1)
        #expect(module.proxyAllocator?.name == "malloc")
        #expect(!module.isObjectFile)
    }

    @Test(arguments: [
        ("proxy_abi_version_0_1_0", "0.1.0"), ("proxy_abi_version_0_2_0", "0.2.0"),
        ("proxy_abi_version_0_3_0", "0.3.0"), ("proxy_abi_version_vNEXT", "vNEXT"),
    ])
    func `the ABI version is read from the export's name`(export: String, version: String) throws {
        let module = try WasmModule(ModuleBuilder.filter(abi: export))
        #expect(module.proxyABIVersion?.description == version)
        #expect(module.proxyABIVersions.count == 1)
        #expect(module.proxyABIVersion?.exportName == export)
    }

    @Test func `a module without the marker has no ABI version`() throws {
        #expect(try WasmModule(ModuleBuilder.filter(abi: "main")).proxyABIVersion == nil)
    }

    @Test func `the smallest module is its header`() throws {
        let module = try WasmModule(ModuleBuilder().bytes)
        #expect(module.sections.isEmpty)
        #expect(module.functionType(at: 0) == nil)
    }

    @Test func `every kind of import is read`() throws {
        var builder = ModuleBuilder()
        builder.section(1, entries: [[0x60, 0, 0]])
        builder.section(
            2,
            entries: [
                name("a") + name("f") + [0, 0],
                name("a") + name("t") + [1, 0x70, 0, 1],
                name("a") + name("m") + [2, 3, 1, 2],
                name("a") + name("m64") + [2, 4] + [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
                name("a") + name("g") + [3, 0x64, 0x6e, 1],
                name("a") + name("e") + [4, 0, 0],
            ])
        let module = try WasmModule(builder.bytes)
        #expect(module.imports.map(\.kind) == [.function, .table, .memory, .memory, .global, .tag])
        #expect(module.memories.first?.isShared == true)
        #expect(module.memories.last?.minimum == 1 << 35)
        let global = try #require(module.globals.first)
        #expect(global.type.description == "(ref any)")
        #expect(global.isMutable)
    }

    @Test func `types of the garbage-collection proposal take their places in the index space`() throws {
        var builder = ModuleBuilder()
        builder.section(
            1,
            entries: [
                [0x4e, 2, 0x50, 0, 0x5f, 2, 0x78, 1, 0x63, 0, 0, 0x4f, 1, 0, 0x5e, 0x77, 1],
                [0x60, 1, 0x63, 0x6f, 1, 0x6f],
            ])
        let module = try WasmModule(builder.bytes)
        #expect(module.types.count == 3)
        #expect(module.types.first == .structure(fields: 2))
        #expect(module.types.dropFirst().first == .array)
        guard case .function(let type)? = module.types.last else {
            Issue.record("the function type was not read")
            return
        }
        #expect(type.description == "externref -> externref")
    }
}
