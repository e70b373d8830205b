// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

/// A small generator with a seed, so that a failing round can be run again.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

@Suite struct MutationTests {
    private static func mutated(_ base: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = base
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard !bytes.isEmpty else { return bytes }
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 2: bytes.removeSubrange(place...)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            case 4: bytes[place] = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
            default:
                let end = Int.random(in: place..<bytes.count, using: &generator)
                bytes.append(contentsOf: bytes[place...end])
            }
        }
        return bytes
    }

    @Test(arguments: 0..<8)
    func `a damaged module is read or refused and never traps`(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let base = ModuleBuilder.filter()
        var read = 0
        for _ in 0..<5000 {
            let bytes = Self.mutated(base, using: &generator)
            do throws(WasmBinaryError) {
                let module = try WasmModule(bytes)
                read += 1
                _ = module.moduleName
                _ = module.memories
                for export in module.exports { _ = module.functionType(at: export.index)?.description }
                for item in module.imports { _ = module.signature(of: item)?.description }
                // What is kept lies inside the file.
                #expect(module.sections.allSatisfy { $0.content.upperBound <= bytes.count })
            } catch {
                #expect(error.offset <= bytes.count)
                #expect(!error.description.isEmpty)
            }
        }
        // Some damage is harmless, as in a function's body: both ways have been taken.
        #expect(read > 0)
        #expect(read < 5000)
    }

    @Test func `every module cut short is refused`() {
        let base = ModuleBuilder.filter()
        // A cut between two sections leaves a module that lacks the later ones; it may be read.
        let whole = (try? WasmModule(base).sections.map(\.content.upperBound)) ?? []
        for length in 0..<base.count where !whole.contains(length) && length != 8 {
            #expect(throws: WasmBinaryError.self) { try WasmModule(Array(base[..<length])) }
        }
    }
}
