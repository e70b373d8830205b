// SPDX-License-Identifier: Apache-2.0

/// A host to check for, as people write it: `envoy`, `envoy:1.33`, `envoy>=1.33` or `istio>=1.22,<1.28`.
package struct HostTarget: Hashable, Sendable, CustomStringConvertible {
    /// Which versions are meant.
    package enum Versions: Hashable, Sendable {
        /// The newest that is known.
        case newest
        /// One version, known or not.
        case one(HostVersion)
        /// Every known version within all bounds.
        case within([Bound])
    }

    /// How a version must compare.
    package enum Comparison: String, Hashable, Sendable, CaseIterable {
        // Longer ones first: ">=" begins with ">".
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
    }

    /// One comparison.
    package struct Bound: Hashable, Sendable {
        package let comparison: Comparison
        package let version: HostVersion

        /// Whether a version without patch is within.
        func holds(_ candidate: HostVersion) -> Bool {
            switch comparison {
            case .atLeast: candidate >= version.line
            case .atMost: candidate <= version.line
            // A patch splits a line of releases, all of which share one profile: the line stays within.
            case .above: version.patch == nil ? candidate > version.line : candidate >= version.line
            case .below: version.patch == nil ? candidate < version.line : candidate <= version.line
            }
        }
    }

    /// The host's name in its plain form, as in "envoy".
    package let host: String
    package let versions: Versions

    package init(host: String, versions: Versions = .newest) {
        self.host = host
        self.versions = versions
    }

    /// Reads a target.
    ///
    /// Whether the host is known is the catalog's to say.
    package init(_ text: String) throws {
        let plain = text.filter { !$0.isWhitespace }
        let name = plain.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        guard let first = name.first, first.isLetter else { throw Self.malformed(text) }
        let rest = plain.dropFirst(name.count)
        host = name.lowercased()
        if rest.isEmpty {
            versions = .newest
        } else if let separator = rest.first, ":@=".contains(separator) {
            guard let version = HostVersion(rest.dropFirst()) else { throw Self.malformed(text) }
            versions = .one(version)
        } else {
            versions = .within(
                try rest.split(separator: ",", omittingEmptySubsequences: false).map { part in
                    guard let comparison = Comparison.allCases.first(where: { part.hasPrefix($0.rawValue) }),
                        let version = HostVersion(part.dropFirst(comparison.rawValue.count))
                    else { throw Self.malformed(text) }
                    return Bound(comparison: comparison, version: version)
                })
        }
    }

    package var description: String {
        switch versions {
        case .newest: host
        case .one(let version): "\(host):\(version)"
        case .within(let bounds):
            host + bounds.map { "\($0.comparison.rawValue)\($0.version)" }.joined(separator: ",")
        }
    }

    private static func malformed(_ text: String) -> HostProfilesError {
        HostProfilesError(
            .notATarget, "\"\(text)\" is not a target",
            hint: "name a host and a version, as in \"envoy:1.33\", \"envoy>=1.33\" or \"istio>=1.22,<1.28\"")
    }
}
