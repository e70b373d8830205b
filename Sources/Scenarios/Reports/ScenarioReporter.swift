// SPDX-License-Identifier: Apache-2.0

/// Turns results into text: some while they come, and the rest when all are there.
package protocol ScenarioReporter: Sendable {
    /// An Envoy begins to play scenarios.
    mutating func begin(envoy: String) -> String
    /// A result is there.
    mutating func add(_ result: ScenarioResult, envoy: String) -> String
    /// All results are there.
    mutating func end(_ reports: [ScenarioReport]) -> String
}

/// How many scenarios came to what.
package struct ScenarioCount: Sendable, Hashable {
    package private(set) var passed = 0
    /// Something was not as expected.
    package private(set) var failed = 0
    /// It could not be seen what the filter does.
    package private(set) var broken = 0
    package private(set) var skipped = 0

    package init(_ results: some Sequence<ScenarioResult>) {
        for result in results {
            switch result.verdict {
            case .passed: passed += 1
            case .failed: failed += 1
            case .broken: broken += 1
            case .skipped: skipped += 1
            }
        }
    }

    package var all: Int { passed + failed + broken + skipped }
    /// Whether nothing speaks against the filter.
    package var isGood: Bool { failed == 0 && broken == 0 }
}

extension ScenarioResult {
    /// What went wrong; nil if nothing did.
    var failure: StepFailure? {
        switch verdict {
        case .failed(let failure), .broken(let failure): failure
        case .passed, .skipped: nil
        }
    }

    /// What went wrong, one line for each thing and a place before it.
    var reasons: [String] {
        guard let failure else { return [] }
        let place = "\(file):\(failure.line)"
        return failure.mismatches.map {
            "\(place): \($0.subject): expected \(visible($0.expected)), got \(visible($0.got))"
        } + (failure.problem.map { ["\(place): \(visible($0))"] } ?? [])
    }
}

extension Duration {
    /// As in "0.012".
    var inSeconds: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    /// As in "12 ms" or "1.3 s".
    var inWords: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

/// The longest text that is shown of a message; more of it is in the files of other formats.
let longestText = 1000

/// A text in one line, in which nothing moves the cursor or turns colours on; one that is longer than the limit is cut.
func visible(_ text: String, limit: Int = longestText) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        count += 1
        guard count <= limit else { continue }
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if isPlain(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
    }
    return count > limit ? "\(result)… (\(count) characters)" : result
}

/// Whether a scalar is seen as itself, and leaves all others as they are.
private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // A format character may turn the direction of writing.
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    default: true
    }
}
