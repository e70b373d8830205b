// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Foundation
import HostProfiles
import OCI
import OCIRegistry

/// Holds a registry, and where it sends for tokens, against what a mesh's fetcher is known not to ask.
struct RegistryAddressCheck {
    let host: RegistryHost
    let title: String
    /// The host's plain name, as in "istio".
    let family: String
    /// The versions of the control planes; none if they are not known.
    let versions: [HostVersion]

    /// An address that is refused, by which rule.
    struct Refusal {
        /// As in `the realm "http://127.0.0.1/token" of the registry "r.example.org"`.
        let subject: String
        let rule: AddressRefusal
    }

    /// What is refused in some version, by the registry's address and by its `WWW-Authenticate`s.
    func refusals(_ challenges: [String]) throws -> [Refusal] {
        try HostCatalog.bundled().refusals(of: family).flatMap { rule -> [Refusal] in
            switch rule.of {
            case .realm:
                // As the fetcher finds them: in challenges of every scheme (istio, pkg/wasm/imagefetcher.go).
                return challenges.flatMap { $0.matches(of: /realm="([^"]*)"/) }.map { String($0.1) }
                    .filter { !Self.isTaken($0, by: rule) }.map { realm in
                        Refusal(subject: "the realm \"\(realm)\" of the registry \"\(host)\"", rule: rule)
                    }
            case .registry:
                return Self.isTaken("https://\(host)", by: rule)
                    ? [] : [Refusal(subject: "the registry \"\(host)\"", rule: rule)]
            }
        }
    }

    private static func isTaken(_ address: String, by rule: AddressRefusal) -> Bool {
        let parts = URLComponents(string: address)
        if let schemes = rule.schemes, !schemes.contains(parts?.scheme?.lowercased() ?? "") { return false }
        guard var host = parts?.host, !host.isEmpty else { return rule.schemes == nil }
        if host.hasPrefix("[") { host = String(host.dropFirst().prefix { $0 != "]" && $0 != "%" }) }
        if rule.names.contains(host) { return false }
        guard let address = IPAddress(host) else { return true }
        return !rule.networks.contains { IPNetwork($0)?.contains(address) == true }
    }

    /// Judges what is refused: an error if no control plane takes it, else a line for people.
    /// - Throws: `CommandError`.
    func judge(_ refusals: [Refusal]) throws -> [String] {
        try refusals.compactMap { refusal in
            let rule = refusal.rule
            let answers = versions.map { rule.isIn($0) }
            guard answers.isEmpty || answers.contains(where: { $0 != false }) else { return nil }
            let advice =
                switch rule.of {
                case .realm:
                    "let the registry name a token service by a host name that the pods reach, or let everybody pull the image"
                case .registry: "keep the image in a registry at another address"
                }
            if !answers.isEmpty, answers.allSatisfy({ $0 == true }) {
                let running = Set(versions).sorted().map { "\($0)" }.joined(separator: ", ")
                throw CommandError(
                    .failed, "\(title) \(running) does not ask \(refusal.subject): \(rule.text)",
                    hint: "\(advice); --no-check deploys it all the same")
            }
            let known = versions.isEmpty ? "which version runs is not known" : "not all that run are so new"
            return
                "\(title) \(rule.versions) do not ask \(refusal.subject): \(rule.text); \(known); \(advice)"
        }
    }
}

extension KubernetesDeploy {
    /// Asks the image's registry once how it wants to be asked, and refuses what the proxies' fetcher would not.
    ///
    /// A registry that cannot be reached from here may well be reachable from the cluster: that is a note.
    func checkRegistry(
        _ image: Reference?, for target: Target, _ versions: [HostVersion]
    ) async throws -> [String] {
        guard !options.noCheck, let host = image?.registry,
            let catalog = try? HostCatalog.bundled(), !catalog.refusals(of: target.word).isEmpty
        else { return [] }
        let check = RegistryAddressCheck(
            host: host, title: try catalog.family(target.word).title, family: target.word, versions: versions)
        let client = try stranger(to: host)
        var challenges: [String] = []
        do { challenges = try await client.challenges() } catch let error as RegistryError {
            output.note(
                "note: the registry \"\(host)\" does not answer here, so whether \(check.title) takes its realm is not checked: \(error.message)",
                in: context)
        }
        return try check.judge(check.refusals(challenges))
    }

    /// Who asks a registry one small question without credentials: who does not answer soon is not waited for.
    func stranger(to host: RegistryHost) throws -> RegistryClient {
        var registry = try options.access.options(for: host, in: context)
        registry.connectTimeout = 5
        registry.stallTimeout = 10
        registry.retry.attempts = 1
        return RegistryClient(host: host, transport: context.makeTransport(), options: registry)
    }
}
