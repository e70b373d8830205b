// SPDX-License-Identifier: Apache-2.0

/// The version of a program: numbers that are compared, and the text that people know.
package struct ToolVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    private let numbers: [Int]
    package let description: String

    /// Reads the first run of numbers with dots between them, as in "6.3.1" out of "Swift version 6.3.1 (RELEASE)".
    /// - Parameters:
    ///   - text: what a program printed.
    ///   - word: what stands before the version; nil if nothing has to.
    package init?(in text: String, after word: String? = nil) {
        var rest = text[...]
        if let word {
            guard let range = text.firstRange(of: word) else { return nil }
            rest = text[range.upperBound...]
        }
        while let start = rest.firstIndex(where: { $0.isASCII && $0.isNumber }) {
            let found = rest[start...].prefix { $0.isASCII && $0.isNumber || $0 == "." }
            let parts = found.split(separator: ".")
            let numbers = parts.compactMap { Int($0) }
            // A lone number may be anything, unless it is where the version has to be.
            if numbers.count >= (word == nil ? 2 : 1), numbers.count == parts.count {
                self.numbers = numbers
                description = parts.joined(separator: ".")
                return
            }
            rest = rest[found.endIndex...]
        }
        return nil
    }

    /// A version that is written down here.
    package init(_ numbers: Int...) {
        self.numbers = numbers
        description = numbers.map(String.init).joined(separator: ".")
    }

    package static func < (left: ToolVersion, right: ToolVersion) -> Bool {
        let count = max(left.numbers.count, right.numbers.count)
        return left.padded(count).lexicographicallyPrecedes(right.padded(count))
    }

    package static func == (left: ToolVersion, right: ToolVersion) -> Bool {
        let count = max(left.numbers.count, right.numbers.count)
        return left.padded(count) == right.padded(count)
    }

    package func hash(into hasher: inout Hasher) {
        // 6.2 and 6.2.0 are one version.
        hasher.combine(Array(numbers.reversed().drop { $0 == 0 }))
    }

    private func padded(_ count: Int) -> [Int] {
        numbers + Array(repeating: 0, count: count - numbers.count)
    }
}
