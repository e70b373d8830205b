// SPDX-License-Identifier: Apache-2.0

import Foundation
private import SystemPackage
package import Testing

/// A small generator with a seed, so that a failing round can be run again.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Feeds damaged input to a parser for a while, for every parser of foreign bytes.
///
/// It runs for `WASME_FUZZ_SECONDS`, five if that is not set. Each round has a seed of its own, which a failure names;
/// `WASME_FUZZ_SEED` runs that round first. A round that ends the process leaves its seed in a file among the build's.
package struct Fuzzer: Sendable {
    /// Changes bytes in place.
    package typealias Mutation = @Sendable (inout [UInt8], inout SeededGenerator) -> Void

    private let name: String
    private let corpus: [[UInt8]]
    private let mutations: [Mutation]
    /// What one input may take; far above what any needs, so that a busy machine does not matter.
    private let patience: Duration

    /// Prepares a run.
    /// - Parameters:
    ///   - name: tells runs apart, as in "wasm".
    ///   - corpus: inputs that are sound, from which the damaged ones are made.
    ///   - mutations: changes that know the format; those of any bytes are used beside them.
    ///   - patience: what one input may take.
    package init(
        _ name: String, corpus: [[UInt8]], mutations: [Mutation] = [], patience: Duration = .seconds(3)
    ) {
        self.name = name
        self.corpus = corpus
        self.mutations = mutations
        self.patience = patience
    }

    /// What a run did.
    package struct Report: Sendable {
        package var rounds = 0
        package var slowest: Duration = .zero
    }

    /// Hands damaged input to `check`, which says what is wrong with how it was taken; a refusal is nothing wrong.
    @discardableResult
    package func run(
        sourceLocation: SourceLocation = #_sourceLocation, _ check: ([UInt8]) throws -> String?
    ) throws -> Report {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["WASME_FUZZ_SECONDS"].flatMap(Double.init) ?? 5
        let first =
            environment["WASME_FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...(.max >> 1))
        let trace = buildFolder.appending("fuzz-\(name).seed").string
        _ = FileManager.default.createFile(atPath: trace, contents: nil)
        let file = try FileHandle(forUpdating: URL(filePath: trace))
        defer {
            try? file.close()
            try? FileManager.default.removeItem(atPath: trace)
        }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var report = Report()
        while clock.now < end {
            let seed = first &+ UInt64(report.rounds)
            // Padded, so that a shorter number covers a longer one.
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data("\(seed)\(String(repeating: " ", count: 20))\n".utf8))
            let input = input(seed: seed)
            var problem: String?
            let time = try clock.measure { problem = try check(input) }
            report.rounds += 1
            report.slowest = max(report.slowest, time)
            if time > patience { problem = "took \(time) for \(input.count) bytes" }
            if let problem {
                Issue.record(
                    "\(name), WASME_FUZZ_SEED=\(seed): \(problem); input: \(Data(input).base64EncodedString())",
                    sourceLocation: sourceLocation)
                return report
            }
        }
        return report
    }

    /// The input of a round.
    package func input(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = corpus.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            if let mutation = mutations.randomElement(using: &generator), Bool.random(using: &generator) {
                mutation(&bytes, &generator)
            } else {
                damage(&bytes, using: &generator)
            }
        }
        return bytes
    }

    /// Changes that make sense for any format.
    private func damage(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        case 4: bytes[place] = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
        case 5:
            let end = min(bytes.count, place + Int.random(in: 1...16, using: &generator))
            bytes.removeSubrange(place..<end)
        case 6:
            let end = Int.random(in: place..<bytes.count, using: &generator)
            bytes.insert(contentsOf: bytes[place...end].prefix(4096), at: place)
        default:
            // A piece of another input.
            guard let other = corpus.randomElement(using: &generator), !other.isEmpty else { return }
            let start = Int.random(in: 0..<other.count, using: &generator)
            let piece = other[start...].prefix(Int.random(in: 1...256, using: &generator))
            bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
        }
    }
}
