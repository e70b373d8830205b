// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WasmBinary

@Suite struct MutationTests {
    /// Calls everything that reads a part of the module later.
    private static func use(_ module: WasmModule) {
        _ = module.moduleName
        for kind in NameSection.Kind.allCases { for _ in module.names.names(of: kind) {} }
        _ = (module.tables, module.memories, module.globals, module.tags, module.producers)
        _ = (module.targetFeatures, module.notes.map(\.description), module.proxyABIVersion)
        for export in module.exports { _ = module.signature(of: export)?.description }
        for item in module.imports { _ = module.signature(of: item)?.description }
    }

    /// What is kept beside the file's bytes, about.
    private static func kept(_ module: WasmModule) -> Int {
        func size<Element>(_ list: [Element]) -> Int { list.count * MemoryLayout<Element>.stride }
        let parameters = module.types.reduce(0) { sum, type in
            guard case .function(let function) = type else { return sum }
            return sum + size(function.parameters) + size(function.results)
        }
        let declarations =
            size(module.types) + parameters + size(module.imports) + size(module.functions)
            + size(module.exports)
        let definitions =
            size(module.definedTables) + size(module.definedGlobals) + size(module.definedTags)
        return declarations + definitions + size(module.elements) + size(module.dataSegments)
            + size(module.sections) + size(module.customSections)
    }

    /// What is wrong with how these bytes are taken.
    private static func problem(_ bytes: [UInt8]) -> String? {
        var whole: WasmModule?
        do throws(WasmBinaryError) {
            let module = try WasmModule(bytes)
            whole = module
            use(module)
            guard module.sections.allSatisfy({ $0.content.upperBound <= bytes.count }) else {
                return "a section lies beyond the file"
            }
            guard module.notes.allSatisfy({ (0...bytes.count).contains($0.offset) }) else {
                return "a note lies beyond the file"
            }
            guard kept(module) <= 64 * bytes.count + 4096 else {
                return "\(kept(module)) bytes are kept of \(bytes.count)"
            }
            do throws(WasmBinaryError) {
                let uses = try module.features()
                guard uses.firstOffsets.values.allSatisfy({ $0 < bytes.count }) else {
                    return "a feature lies beyond the file"
                }
            } catch {
                guard (0...bytes.count).contains(error.offset) else { return "\(error)" }
            }
        } catch {
            guard (0...bytes.count).contains(error.offset), !error.description.isEmpty else {
                return "\(error)"
            }
        }
        // Read in parts, code and data are not looked into: what is refused whole may be read, never the reverse.
        do throws(WasmBinaryError) {
            var walk = try SectionWalk(size: bytes.count)
            while let range = walk.needed { try walk.take(Array(bytes[range])) }
            let module = try walk.finish()
            use(module)
            guard whole.map({ $0.sections == module.sections && $0.exports == module.exports }) ?? true else {
                return "read in parts, it is another module"
            }
        } catch {
            if whole != nil { return "read in parts, it is refused: \(error)" }
            guard (0...bytes.count).contains(error.offset) else { return "in parts: \(error)" }
        }
        return nil
    }

    @Test(.timeLimit(.minutes(10)))
    func `a damaged module is read or refused, in bounded time and memory`() async throws {
        let corpus = try await Corpus.all()
        for bytes in corpus { #expect(throws: Never.self) { try WasmModule(bytes).features() } }
        let report = try Fuzzer("wasm", corpus: corpus, mutations: SectionMutation.all).run {
            Self.problem($0)
        }
        #expect(report.rounds > 100)
    }

    @Test func `mutations reach both ways out`() throws {
        let fuzzer = Fuzzer("wasm", corpus: [ModuleBuilder.filter()], mutations: SectionMutation.all)
        let inputs = (0..<2000).map { fuzzer.input(seed: $0) }
        #expect(inputs.prefix(10).elementsEqual((0..<10).map { fuzzer.input(seed: $0) }))
        let read = inputs.count { (try? WasmModule($0)) != nil }
        #expect((100..<1900).contains(read))
    }

    @Test func `every module cut short is refused`() throws {
        for base in [ModuleBuilder.filter(), Corpus.everySection, TinyFilter().bytes] {
            // A cut between two sections leaves a module that lacks the later ones; it may be read.
            let whole = try WasmModule(base).sections.map(\.content.upperBound)
            for length in 0..<base.count where !whole.contains(length) && length != 8 {
                #expect(throws: WasmBinaryError.self) { try WasmModule(Array(base[..<length])) }
            }
        }
    }
}

/// Changes that keep more of a module's form than those of any bytes do, so that they get deeper.
enum SectionMutation {
    static let all: [Fuzzer.Mutation] = [lie, replaceNumber, replaceContent, moveSection]

    /// The sections of what may be a module: where they begin, where their content lies.
    private static func sections(_ bytes: [UInt8]) -> [(start: Int, content: Range<Int>)] {
        var found: [(Int, Range<Int>)] = []
        var position = 8
        while position < bytes.count {
            let start = position
            position += 1
            var size = 0
            for shift in stride(from: 0, through: 28, by: 7) where position < bytes.count {
                size |= Int(bytes[position] & 0x7f) << shift
                position += 1
                if bytes[position - 1] & 0x80 == 0 { break }
            }
            guard size <= bytes.count - position else { break }
            found.append((start, position..<(position + size)))
            position += size
        }
        return found
    }

    /// Numbers at the edges of what counts and sizes can be.
    private static let numbers = [
        0, 1, 0x7f, 0x80, 0x3fff, 0xffff, 100_000, 1_000_000, 0x7fff_ffff, 0xffff_ffff,
    ]

    /// A section's size says something else.
    @Sendable private static func lie(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard let section = sections(bytes).randomElement(using: &generator) else { return }
        let number = numbers.randomElement(using: &generator) ?? 0
        bytes.replaceSubrange((section.start + 1)..<section.content.lowerBound, with: leb(number))
    }

    /// A byte in a section becomes a number of up to five bytes, perhaps padded; the section's size follows.
    @Sendable private static func replaceNumber(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        change(&bytes, &generator) { content, generator in
            let place = Int.random(in: 0..<content.count, using: &generator)
            var number = leb(numbers.randomElement(using: &generator) ?? 0)
            if Bool.random(using: &generator), number.count < 5 {
                number[number.count - 1] |= 0x80
                number += [UInt8](repeating: 0x80, count: 4 - number.count) + [0]
            }
            content.replaceSubrange(place...place, with: number)
        }
    }

    /// Bytes in a section go, come or change; the section's size follows.
    @Sendable private static func replaceContent(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        change(&bytes, &generator) { content, generator in
            let place = Int.random(in: 0..<content.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: content.remove(at: place)
            case 1: content.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            default: content[place] = UInt8.random(in: 0...255, using: &generator)
            }
        }
    }

    private static func change(
        _ bytes: inout [UInt8], _ generator: inout SeededGenerator,
        _ body: (inout [UInt8], inout SeededGenerator) -> Void
    ) {
        guard let section = sections(bytes).randomElement(using: &generator), !section.content.isEmpty
        else { return }
        var content = Array(bytes[section.content])
        body(&content, &generator)
        bytes.replaceSubrange(
            (section.start + 1)..<section.content.upperBound, with: leb(content.count) + content)
    }

    /// A section goes, is there twice or stands elsewhere.
    @Sendable private static func moveSection(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let all = sections(bytes)
        guard let section = all.randomElement(using: &generator),
            let place = all.randomElement(using: &generator)?.start
        else { return }
        let copy = Array(bytes[section.start..<section.content.upperBound])
        if Bool.random(using: &generator) {
            bytes.removeSubrange(section.start..<section.content.upperBound)
        }
        bytes.insert(contentsOf: copy, at: min(place, bytes.count))
    }
}
