// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// What came out for versions of one host that follow each other and agree.
package struct HostCheckRow: Sendable, Hashable, Codable {
    /// The host's plain name.
    package let family: String
    /// The host's name for people.
    package let title: String
    package let from: HostVersion
    package let to: HostVersion
    package let findings: [Finding]

    /// Whether the host takes the module and the image.
    package var isTaken: Bool { !findings.contains { $0.severity == .error } }

    /// The versions for people, as in "1.33 to 1.39".
    package var versions: String { from == to ? "\(from)" : "\(from) to \(to)" }
}

extension HostCatalog {
    /// Checks for every version that a target means; versions with the same findings share a row.
    /// - Returns: the rows, the oldest versions first.
    package func check(
        _ module: WasmModule, for target: HostTarget, image: ImageFacts? = nil
    ) throws -> [HostCheckRow] {
        var rows: [HostCheckRow] = []
        for profile in try profiles(for: target) {
            var findings = ModuleChecker.check(module, against: profile, catalog: self)
            if let image { findings += ImageChecker.check(image, against: profile) }
            let from: HostVersion
            if let last = rows.last, Self.agree(last.findings, findings) {
                from = last.from
                rows.removeLast()
            } else {
                from = profile.version
            }
            rows.append(
                HostCheckRow(
                    family: profile.family, title: profile.title, from: from, to: profile.version,
                    findings: findings))
        }
        return rows
    }

    /// Whether two lists say the same; where the rules are from may differ.
    private static func agree(_ left: [Finding], _ right: [Finding]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.saysTheSame(as: $1) }
    }
}
