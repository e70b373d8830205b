// SPDX-License-Identifier: Apache-2.0

package import JSON
package import OCI

/// A filter on its way into a host: what the snippets of the hub's pages are made of.
///
/// All of it is from strangers but the host and the digests; the snippets quote every value.
package struct Installation: Sendable {
    /// The hub as hosts reach it.
    package let host: RegistryHost
    package let isEncrypted: Bool
    package let repository: Repository
    /// Which image; every snippet is pinned to it.
    package let digest: Digest
    package let module: Digest
    /// Which of the module's roots runs; empty for the only one.
    package let rootID: String
    /// Whether it works on TCP connections instead of HTTP requests.
    package let isNetwork: Bool
    package var configuration: Configuration

    /// What the filter is told.
    package enum Configuration: Hashable, Sendable {
        case none
        case json(JSONValue)
        /// Anything that is no JSON.
        case text(String)

        /// What a proxy hands the filter.
        package var text: String? {
            switch self {
            case .none: nil
            case .json(let value): YAMLText.json(value.description)
            case .text(let text): text
            }
        }

        /// What targets take that know only objects.
        var object: JSONValue? {
            if case .json(let value) = self, value.object != nil { value } else { nil }
        }
    }

    /// Something to copy.
    package struct Snippet: Hashable, Sendable {
        /// Plain name, unique among the snippets of a filter.
        package let id: String
        /// Where it goes.
        package let note: String
        package let text: String
    }

    /// What one target needs.
    package struct Target: Hashable, Sendable {
        package let name: String
        /// What to know before.
        package let note: String
        package let snippets: [Snippet]
    }

    package init(
        host: RegistryHost, isEncrypted: Bool, repository: Repository, digest: Digest, module: Digest,
        rootID: String, isNetwork: Bool = false, configuration: Configuration = .none
    ) {
        self.host = host
        self.isEncrypted = isEncrypted
        self.repository = repository
        self.digest = digest
        self.module = module
        self.rootID = rootID
        self.isNetwork = isNetwork
        self.configuration = configuration
    }

    /// The image, pinned.
    package var reference: String { "\(host)/\(repository)@\(digest)" }

    /// Where the module is served.
    package var moduleURL: String {
        "\(isEncrypted ? "https" : "http")://\(host)/modules/\(repository)/\(digest).wasm"
    }

    /// The name of the filter in a host: a label of DNS (RFC 1123 §2.1).
    package var name: String {
        let last = repository.path.split(separator: "/").last ?? "filter"
        let label = String(last.map { $0.isLetter || $0.isNumber ? $0 : "-" }.prefix(50))
        let trimmed = label.trimmingDashes
        return trimmed.isEmpty ? "filter" : trimmed
    }

    /// Every target that takes this kind of filter.
    package var targets: [Target] {
        isNetwork
            ? [envoyBootstrap, envoyDiscovery, istio]
            : [
                command, envoyBootstrap, envoyDiscovery, istio, envoyGateway, higress, kuma, consul,
            ]
    }

    /// `wasme deploy`, which does the rest itself.
    private var command: Target {
        Target(
            name: "wasme",
            note: "Pulls the image, checks the configuration, and runs an Envoy with the filter.",
            snippets: [
                Snippet(
                    id: "wasme", note: "In a terminal", text: deploy("envoy", "--run", telling: configuration)
                )
            ])
    }

    /// `wasme deploy` to a target on Kubernetes, for who does not want to write the object.
    /// - Parameters:
    ///   - target: its word on the command line.
    ///   - options: where the filter runs there.
    ///   - told: what the filter is told, if not all of it can be said there.
    /// - Returns: what to copy.
    func command(_ target: String, _ options: String, telling told: Configuration? = nil) -> Snippet {
        Snippet(
            id: "\(target)-command",
            note: "In a terminal: checks image and configuration, writes the object and keeps its history",
            text: deploy(target, options, telling: told ?? configuration))
    }

    private func deploy(_ target: String, _ options: String, telling told: Configuration) -> String {
        var lines = ["wasme deploy \(target) \(reference)"]
        if let text = told.text { lines.append("--config \(Self.shellQuoted(text))") }
        // Only hosts of the same machine are asked without encryption by themselves.
        if !isEncrypted, !host.isLoopback { lines.append("--plain-http") }
        if !options.isEmpty { lines.append(options) }
        return lines.joined(separator: " \\\n  ") + "\n"
    }

    /// A word for a shell, whatever is in it (POSIX.1-2017, Shell Command Language, 2.2.2).
    static func shellQuoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "'\\''") + "'"
    }
}

extension String {
    fileprivate var trimmingDashes: String {
        var rest = self[...]
        while rest.first == "-" { rest = rest.dropFirst() }
        while rest.last == "-" { rest = rest.dropLast() }
        return String(rest)
    }
}
