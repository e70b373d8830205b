// SPDX-License-Identifier: Apache-2.0

/// Addresses that a host's fetcher of images does not go to.
package struct AddressRefusal: Hashable, Sendable, Decodable {
    /// Whose address it is.
    package enum Subject: String, Hashable, Sendable, Decodable {
        /// The realm of a registry's challenge (RFC 9110 §11.5), of whatever scheme the challenge is.
        case realm
        /// The registry itself.
        case registry
    }

    package let of: Subject
    /// The first version that has it of each line; lines behind the last have it too.
    package let since: [HostVersion]
    /// The only schemes that are taken, as in "https"; nil for all.
    package let schemes: [String]?
    /// Names of hosts that are refused.
    package let names: [String]
    /// Networks that are refused, as in "10.0.0.0/8".
    package let networks: [String]
    /// Whom it refuses, for people.
    package let text: String
    /// The setting of the host by which its operator refuses more; nil if there is none.
    package let setting: String?
    package let sources: [String]

    /// Whether a version has it; nil if its patch decides and is not known.
    package func isIn(_ version: HostVersion) -> Bool? {
        if let first = since.first(where: { $0.line == version.line }) {
            guard let patch = version.patch else { return (first.patch ?? 0) == 0 ? true : nil }
            return patch >= first.patch ?? 0
        }
        return since.map(\.line).max().map { version.line > $0 } ?? true
    }

    /// The versions that have it, for people, as in "1.27.8, 1.28.5 and everything newer".
    package var versions: String {
        since.sorted().map { "\($0)" }.joined(separator: ", ") + " and newer ones"
    }
}

extension HostCatalog {
    /// The addresses that a host's fetcher of images does not go to; none for a host that is unknown.
    package func refusals(of name: String) -> [AddressRefusal] {
        (try? family(name)).flatMap { data[$0.name]?.refusals } ?? []
    }
}
