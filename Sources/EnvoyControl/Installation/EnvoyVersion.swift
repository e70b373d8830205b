// SPDX-License-Identifier: Apache-2.0

/// A release of Envoy, as in `1.40.0`; `1.36.2.post1` is a package of 1.36.2 that was made again.
package struct EnvoyVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String
    private let numbers: [Int]

    /// Reads a version of two to four parts; nil for any other text.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...4).contains(parts.count) else { return nil }
        var numbers: [Int] = []
        for (index, part) in parts.enumerated() {
            let isAgain = index == 3 && part.hasPrefix("post")
            let digits = isAgain ? part.dropFirst(4) : part[...]
            guard !digits.isEmpty, digits.count <= 6, digits.allSatisfy({ ("0"..."9").contains($0) }),
                let number = Int(digits)
            else { return nil }
            numbers.append(number)
        }
        description = String(text)
        self.numbers = numbers
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.numbers.lexicographicallyPrecedes(right.numbers)
    }

    /// Whether this is the version that is meant, or one of those: `1.38.3` is a `1.38`.
    package func belongs(to wanted: EnvoyVersion) -> Bool { numbers.starts(with: wanted.numbers) }

    /// What such an Envoy says of itself.
    var release: EnvoyVersion {
        EnvoyVersion(numbers.prefix(3).map(String.init).joined(separator: ".")) ?? self
    }
}

/// A kind of machine that Envoy is published for.
package struct EnvoyPlatform: Hashable, Sendable, CustomStringConvertible {
    /// As wheels name it, but without the version of the system: `manylinux` and `x86_64`.
    let system: String
    let machine: String

    package var description: String { "\(system == "manylinux" ? "Linux" : "macOS") on \(machine)" }

    /// This machine; nil if nobody publishes an Envoy for it.
    package static let current: EnvoyPlatform? = {
        #if os(Linux)
            let system = "manylinux"
        #elseif os(macOS)
            let system = "macosx"
        #else
            return nil
        #endif
        #if arch(x86_64)
            return EnvoyPlatform(system: system, machine: "x86_64")
        #elseif arch(arm64)
            return EnvoyPlatform(system: system, machine: system == "macosx" ? "arm64" : "aarch64")
        #else
            return nil
        #endif
    }()

    package init(system: String, machine: String) {
        self.system = system
        self.machine = machine
    }

    /// Whether a wheel is for such a machine, by the last part of its name (PEP 427, "File name convention").
    func takes(_ tags: some StringProtocol) -> Bool {
        // One wheel may be for several: "manylinux_2_31_x86_64.manylinux2014_x86_64".
        tags.split(separator: ".").contains { $0.hasPrefix(system) && $0.hasSuffix("_\(machine)") }
    }
}
