// SPDX-License-Identifier: Apache-2.0

/// A host's version, as in "1.33" or "1.33.2".
///
/// What a host takes changes with its minor versions, so a patch is kept for people and left out of comparisons with
/// the profiles' ranges.
package struct HostVersion: Hashable, Sendable {
    package let major: Int
    package let minor: Int
    package let patch: Int?

    package init(_ major: Int, _ minor: Int, _ patch: Int? = nil) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads "1.33", "v1.33", "1.33.2" or "2" for "2.0"; what follows a `-` or a `+` is left out.
    package init?(_ text: some StringProtocol) {
        let plain = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let numbers = plain.prefix { $0 != "-" && $0 != "+" }
            .split(separator: ".", omittingEmptySubsequences: false)
        guard (1...3).contains(numbers.count) else { return nil }
        var values: [Int] = []
        for number in numbers {
            guard (1...6).contains(number.count), number.allSatisfy({ ("0"..."9").contains($0) }),
                let value = Int(number)
            else { return nil }
            values.append(value)
        }
        self.init(values[0], values.count > 1 ? values[1] : 0, values.count > 2 ? values[2] : nil)
    }

    /// The version without its patch.
    package var line: HostVersion { HostVersion(major, minor) }
}

extension HostVersion: Comparable {
    package static func < (left: HostVersion, right: HostVersion) -> Bool {
        (left.major, left.minor, left.patch ?? 0) < (right.major, right.minor, right.patch ?? 0)
    }
}

extension HostVersion: CustomStringConvertible {
    package var description: String { "\(major).\(minor)" + (patch.map { ".\($0)" } ?? "") }
}

extension HostVersion: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let version = HostVersion(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a version")
        }
        self = version
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
