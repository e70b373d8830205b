// SPDX-License-Identifier: Apache-2.0

package import FilterImage

/// What a project's `wasme.yaml` says.
package struct ProjectManifest: Sendable {
    /// The default name of the image.
    package let name: FilterName
    /// The language of the sources; chooses the build driver.
    package let language: String
    package let version: String?
    package let description: String?
    /// An SPDX licence expression.
    package let licence: String?
    package let module: Module
    package let build: Build
    package let config: Config
    /// The hosts that build and check hold the module against.
    package let targets: [HostRequirement]

    /// What the module offers; its ABI is read from the module itself.
    package struct Module: Sendable, Hashable {
        /// The names by which a host asks for the module's plugins, the usual one first.
        package let rootIDs: [String]
        package let type: FilterType
    }

    /// What part of a proxy the filter works in.
    package enum FilterType: String, Sendable, Hashable, CaseIterable {
        case http
        case network
    }

    /// How the module is built, where the driver's own way does not do.
    package struct Build: Sendable, Hashable {
        /// A command and its arguments, run in the project's folder instead of a driver.
        package var command: [String] = []
        /// Where the command leaves the module, relative to the project.
        package var output: String?
        /// The `swift` to build with: a name that is looked for in PATH, or a path.
        package var swift: String?
        /// The product of the Swift package that is the module.
        package var product: String?
    }

    /// What the filter's configuration looks like.
    package struct Config: Sendable, Hashable {
        /// The file with the JSON schema, relative to the project.
        package var schema: String?
        /// A configuration that shows the filter at work.
        package var example: JSONValue?
    }
}

/// A host and which versions of it, as in `envoy>=1.33` or `istio>=1.22,<1.28`.
package struct HostRequirement: Hashable, Sendable, CustomStringConvertible {
    /// How a version must compare.
    package enum Comparison: String, Sendable, Hashable, CaseIterable {
        // Longer ones first: ">=" begins with ">".
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
        case exactly = "="
    }

    /// One comparison of a requirement.
    package struct Bound: Hashable, Sendable {
        package let comparison: Comparison
        /// Digits and dots, as in "1.33".
        package let version: String
    }

    /// The host, as in "envoy".
    package let host: String
    /// All must hold; none means any version.
    package let bounds: [Bound]

    package init?(_ text: String) {
        let plain = String(text.filter { $0 != " " })
        let host = plain.prefix { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
        guard let first = host.first, ("a"..."z").contains(first) else { return nil }
        let rest = plain.dropFirst(host.count)
        var bounds: [Bound] = []
        for part in rest.isEmpty ? [] : rest.split(separator: ",", omittingEmptySubsequences: false) {
            guard let comparison = Comparison.allCases.first(where: { part.hasPrefix($0.rawValue) }) else {
                return nil
            }
            let version = part.dropFirst(comparison.rawValue.count)
            let numbers = version.split(separator: ".", omittingEmptySubsequences: false)
            guard (1...3).contains(numbers.count),
                numbers.allSatisfy({
                    (1...6).contains($0.count) && $0.allSatisfy { ("0"..."9").contains($0) }
                })
            else { return nil }
            bounds.append(Bound(comparison: comparison, version: String(version)))
        }
        self.host = String(host)
        self.bounds = bounds
    }

    package var description: String {
        host + bounds.map { $0.comparison.rawValue + $0.version }.joined(separator: ",")
    }
}
