// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct PartialReadingTests {
    /// A module whose code, data and unknown custom section are larger than what is asked for at once.
    private static let large: [UInt8] = {
        let size = 300_000
        var module = ModuleBuilder()
        module.section(1, entries: [[0x60, 0, 0]])
        module.section(3, entries: [[0], [0]])
        module.section(5, entries: [[0, 8]])
        module.section(7, entries: [name("run") + [0, 1]])
        let body = [0x00] + [UInt8](repeating: 0x01, count: size) + [0x0b]
        module.section(10, entries: [leb(body.count) + body, [2, 0, 0x0b]])
        module.section(
            11, entries: [[0, 0x41, 0, 0x0b] + leb(size) + [UInt8](repeating: 0x61, count: size)])
        module.custom(".debug_info", [UInt8](repeating: 0, count: size))
        module.custom("name", [0, 2, 1, 0x6d, 1, 6, 1, 1, 3] + Array("run".utf8))
        return module.bytes
    }()

    @Test func `a remote module is read without its code and data`() async throws {
        let bytes = Self.large
        var asked: [Range<Int>] = []
        let module = try await WasmModule.reading(size: bytes.count) { range in
            asked.append(range)
            return Array(bytes[range])
        }
        let whole = try WasmModule(bytes)
        #expect(module.sections == whole.sections)
        #expect(module.exports == whole.exports)
        #expect(module.types == whole.types)
        #expect(module.memories == whole.memories)
        #expect(module.size == bytes.count)
        #expect(module.moduleName == "m")
        #expect(module.names.functions[1] == "run")
        #expect(module.signature(ofExport: "run") == FunctionType())
        #expect(module.dataSegmentCount == 1)
        #expect(module.bytes.isEmpty)
        #expect(module.dataSegments.isEmpty)
        // Named, not read.
        #expect(module.customSections.map(\.name) == [".debug_info", "name"])
        #expect(module.customSections.map { $0.bytes == nil } == [true, false])
        // Ranges in order, far fewer bytes than there are, and a handful of requests.
        #expect(
            zip(asked, asked.dropFirst()).allSatisfy {
                $0.upperBound <= $1.lowerBound || $0.lowerBound < $1.lowerBound
            })
        #expect(asked.reduce(0) { $0 + $1.count } < bytes.count * 2 / 3)
        #expect(asked.count <= 5)
        let error = #expect(throws: WasmBinaryError.self) { try module.features() }
        #expect(error?.reason == .notRead(.code))
    }

    @Test func `a small module takes one read`() throws {
        var walk = try SectionWalk(size: Corpus.everySection.count)
        #expect(walk.needed == 0..<Corpus.everySection.count)
        try walk.take(Corpus.everySection)
        #expect(walk.needed == nil)
        let module = try walk.finish()
        #expect(module.sections.count == 15)
        #expect(module.dataSegmentCount == 3)
    }

    @Test func `a section larger than what is asked for at once is read whole`() throws {
        var builder = ModuleBuilder()
        builder.section(1, entries: [[0x60, 0, 0]])
        builder.section(2, entries: (0..<20_000).map { name("env") + name("function_\($0)") + [0, 0] })
        var walk = try SectionWalk(size: builder.bytes.count)
        var reads = 0
        while let range = walk.needed {
            reads += 1
            try walk.take(Array(builder.bytes[range]))
        }
        #expect(try walk.finish().imports.count == 20_000)
        #expect(reads <= 3)
    }

    @Test func `errors have the offsets of the whole file`() throws {
        let bytes = Self.large
        let export = try #require(try WasmModule(bytes).sections.first { $0.id == .export })
        var broken = bytes
        // The export's index.
        broken[export.content.upperBound - 1] = 9
        let whole = #expect(throws: WasmBinaryError.self) { try WasmModule(broken) }
        var walk = try SectionWalk(size: broken.count)
        let parts = #expect(throws: WasmBinaryError.self) {
            while let range = walk.needed { try walk.take(Array(broken[range])) }
        }
        #expect(whole == parts)
        #expect(whole?.reason == .indexOutOfRange(.functionIndex, index: 9, count: 2))
        #expect(whole?.offset == export.content.upperBound - 1)
    }

    @Test func `a section beyond the file is refused before it is asked for`() throws {
        let bytes = ModuleBuilder().bytes + [10, 0xff, 0xff, 0xff, 0xff, 0x0f]
        var walk = try SectionWalk(size: bytes.count)
        let error = #expect(throws: WasmBinaryError.self) { try walk.take(bytes) }
        #expect(error?.reason == .overrun(.section, size: 0xffff_ffff, available: 0))
        #expect(error?.offset == 14)
    }

    @Test func `a source that gives fewer bytes, or ends early, is an error`() throws {
        var walk = try SectionWalk(size: 100)
        let short = #expect(throws: WasmBinaryError.self) { try walk.take([0]) }
        #expect(short?.reason == .overrun(.module, size: 100, available: 1))
        let unfinished = #expect(throws: WasmBinaryError.self) { try walk.finish() }
        #expect(unfinished?.reason == .truncated(.module))
    }

    @Test func `a file that claims more than engines load is refused at once`() {
        let error = #expect(throws: WasmBinaryError.self) { try SectionWalk(size: 4 << 30) }
        #expect(error?.reason == .tooLong(.module, size: 4 << 30, limit: 1 << 30))
    }

    @Test func `what is not a module is named after the first read`() throws {
        let page = Array("<!doctype html>".utf8)
        var walk = try SectionWalk(size: page.count)
        let error = #expect(throws: WasmBinaryError.self) { try walk.take(page) }
        #expect(error?.reason == .notACoreModule(.html))
    }
}
