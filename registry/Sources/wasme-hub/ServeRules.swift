// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hub
import HubHTTP
import OCI

/// Whom a hub lets in, which depends on who can reach it.
///
/// On an address of this machine it is open until it has users, so that it needs no configuration; anywhere else it
/// starts only with users, or when told in so many words that everybody may push.
struct ServeRules: Hashable {
    /// What was asked for.
    var requiresLogIn = false
    var allowsAnonymousPush = false
    var allowsAnonymousPull = true

    /// The policy for an address, and what to say about it at the start.
    func policy(on address: HubServer.Address, hasUsers: Bool) throws -> (AccessPolicy, note: String) {
        if allowsAnonymousPush {
            guard !requiresLogIn else {
                throw HubError(
                    .listen, "--require-login and --allow-anonymous-push contradict each other",
                    category: .usage)
            }
            return (.open, "everybody who reaches the hub may read, push and delete (--allow-anonymous-push)")
        }
        if requiresLogIn || hasUsers {
            let readers =
                allowsAnonymousPull ? "public repositories can be read without one" : "for reading too"
            return (
                AccessPolicy(isOpen: false, allowsAnonymousPull: allowsAnonymousPull),
                "a log-in is needed; \(readers)"
            )
        }
        guard address.isThisMachine else {
            throw HubError(
                .listen,
                "\"\(address)\" can be reached from other machines, and this hub has no users yet",
                hint: """
                    add one with 'wasme-hub user add NAME --admin', or start with --require-login for a link that adds \
                    one, or with --allow-anonymous-push if everybody may do everything
                    """,
                category: .usage)
        }
        return (.open, "open to this machine only, without authentication")
    }
}

extension ServeRules {
    /// Parses the address that clients know, to one without a slash at its end.
    static func publicURL(_ text: String) throws -> String {
        let rest =
            text.hasPrefix("https://")
            ? text.dropFirst(8) : text.hasPrefix("http://") ? text.dropFirst(7) : ""
        let isPlain = rest.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"\"\\<>?#@".utf8.contains(byte)
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard isPlain, let host = parts.first, (try? RegistryHost(host)) != nil,
            parts.dropFirst().allSatisfy(\.isEmpty)
        else {
            throw HubError(
                .listen, "\"\(text)\" is not an address that clients can be sent to",
                hint: "write a scheme and a host, as in --public-url https://hub.example.com",
                category: .usage)
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}

extension HubServer.Address {
    /// Parses `host:port`.
    init(_ text: String) throws {
        let form = "write ADDRESS:PORT, as in --listen 127.0.0.1:5000"
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            colon != text.startIndex
        else {
            throw HubError(
                .listen, "\"\(text)\" is not an address to listen on", hint: form, category: .usage)
        }
        let host: RegistryHost
        do {
            host = try RegistryHost(text[..<colon])
        } catch {
            throw HubError(
                .listen, "\"\(text)\" is not an address to listen on", cause: error, hint: form,
                category: .usage)
        }
        let name = host.name.hasPrefix("[") ? String(host.name.dropFirst().dropLast()) : host.name
        self.init(host: name, port: Int(port))
    }

    /// Whether it can mean no other machine, whatever a name server says: `127.example.org` is one of those.
    var isThisMachine: Bool {
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }
}
