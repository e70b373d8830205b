// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Scenarios
import TestSupport
import Testing

/// Damaged files are refused with a place, whatever the damage is.
@Suite struct ReaderMutationTests {
    /// Puts pieces of the format where they do not belong.
    private static let mutations: [Fuzzer.Mutation] = [
        { bytes, random in
            let pieces = [
                "${user}", "${", "$${", "{matches: \"(a\"}", "null", "[]", "{}", "- ", ": ",
                "cases: [{a: 1}]",
                "infs", "1e999s", "99999999999999999999", "&a [*a]", "\"\\u0000\"", "repeat: 10001",
                "${env.TOKEN}",
                "{hex: f}", "{base64: \"=\"}", "$['", "request: {}",
            ]
            guard let piece = pieces.randomElement(using: &random) else { return }
            let place = Int.random(in: 0...bytes.count, using: &random)
            bytes.insert(contentsOf: piece.utf8, at: place)
        },
        { bytes, random in
            var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            guard lines.count > 2 else { return }
            lines.swapAt(
                Int.random(in: lines.indices, using: &random), Int.random(in: lines.indices, using: &random))
            bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        },
    ]

    @Test func `damaged files are told with their place, and end nothing`() throws {
        let fuzzer = Fuzzer("scenarios", corpus: [Array(completeFile.utf8)], mutations: Self.mutations)
        try fuzzer.run { bytes in
            do {
                let file = try ScenarioFile(
                    parsing: String(decoding: bytes, as: UTF8.self), file: "t.yaml",
                    environment: completeEnvironment)
                return file.scenarios.isEmpty ? "a file without tests is taken" : nil
            } catch let error as ScenarioError {
                return error.all.allSatisfy { $0.line > 0 && $0.message.hasPrefix("t.yaml:") }
                    ? nil : "no place: \(error)"
            } catch is ProjectError {
                return nil
            }
        }
    }
}
