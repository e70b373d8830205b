// SPDX-License-Identifier: Apache-2.0

/// Durations as people write them: `300ms`, `1.5s`, `2m`, `1h`.
package enum DurationText {
    private static let units: [(suffix: String, unit: Duration)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
    ]

    /// Reads a duration.
    /// - Returns: nil if it is none.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        for (suffix, unit) in units where text.hasSuffix(suffix) {
            let parts = text.dropLast(suffix.count).split(separator: ".", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count),
                parts.allSatisfy({ (1...6).contains($0.count) && $0.allSatisfy { ("0"..."9").contains($0) } }
                ),
                let whole = Int(parts[0])
            else { continue }
            guard parts.count == 2, let fraction = Int(parts[1]) else { return unit * whole }
            return unit * whole + unit * fraction / parts[1].reduce(1) { scale, _ in scale * 10 }
        }
        return nil
    }

    /// Writes a duration that `parse` reads, to the millisecond.
    package static func text(_ duration: Duration) -> String {
        let parts = duration.components
        let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
