// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
package import Hub
private import OCIRegistry

/// Where the hub sends events that somebody asked for by its API.
///
/// Never to link-local addresses, as for all that it sends. Whoever runs the hub may name any other; administrators of
/// organisations only hosts that were allowed to them, as they could make the hub knock on doors of its own network.
package struct AllowedReceivers: WebhookRules, Hashable {
    /// A host, with or without a port, or all below a domain, as in `*.example.com`; `*` is any.
    private let hosts: [String]
    private static let longestURL = 2000

    package init(hosts: [String] = []) { self.hosts = hosts.map { $0.lowercased() } }

    package func origin(of url: String, for owner: AccountName?) throws -> String {
        guard url.utf8.count <= Self.longestURL, let location = WebLocation(url) else {
            throw HubError(.webhookInvalid, "the url is not an http or https URL", category: .usage)
        }
        guard !LinkLocalAddress.isNamed(by: location.authority) else {
            throw HubError(
                .webhookInvalid,
                "\"\(location.authority)\" is a link-local address, where clouds keep credentials: the hub sends nothing there",
                category: .usage)
        }
        guard owner == nil || allows(location.authority) else {
            throw HubError(
                .denied, "webhooks of organisations may not go to \"\(location.authority)\"",
                hint: "whoever runs the hub allows hosts by the setting 'access.webhook-hosts'",
                category: .denied)
        }
        return "\(location.scheme.rawValue)://\(location.authority)"
    }

    private func allows(_ authority: String) -> Bool {
        let host = authority.hasSuffix("]") ? authority[...] : authority.prefix(upTo: port(authority))
        return hosts.contains { pattern in
            pattern == "*" || pattern == authority || pattern == host
                || (pattern.hasPrefix("*.") && host.hasSuffix(pattern.dropFirst()))
        }
    }

    /// Where the port begins, or the end.
    private func port(_ authority: String) -> String.Index {
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
            return authority.endIndex
        }
        return colon
    }

    package func check(secret: String) throws {
        do {
            _ = try SigningSecret(secret)
        } catch let error as HubError {
            throw HubError(.webhookInvalid, error.message, hint: error.hint, category: .usage)
        }
    }

    package func newSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        return "whsec_\(bytes.base64EncodedString())"
    }
}
