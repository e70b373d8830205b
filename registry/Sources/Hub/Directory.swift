// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI
import Secrets

/// The accounts of a hub, their roles and tokens, as one principal may manage them.
package struct Directory: Sendable {
    package let store: any DirectoryStore
    private let passwords: PasswordChecker
    private let now: @Sendable () -> Int64

    init(
        _ store: any DirectoryStore, _ passwords: PasswordChecker,
        now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.passwords = passwords
        self.now = now
    }

    package static let shortestPassword = 8

    /// Whether the principal runs the hub.
    package var isHubsOwn: Bool {
        get async { (try? await store.authorizeHub()) != nil }
    }

    /// Adds a user.
    @discardableResult
    package func addUser(
        _ name: AccountName, password: String, isAdmin: Bool = false
    ) async throws -> Account {
        try checkKind(of: name, isRobot: false)
        return try await store.addAccount(
            name, .user, password: try await hash(password), isAdmin: isAdmin)
    }

    @discardableResult
    package func addOrganisation(_ name: AccountName) async throws -> Account {
        try checkKind(of: name, isRobot: false)
        return try await store.addAccount(name, .organisation, password: nil, isAdmin: false)
    }

    /// Adds a robot, whose name says whose it is.
    @discardableResult
    package func addRobot(_ name: AccountName) async throws -> Account {
        try checkKind(of: name, isRobot: true)
        return try await store.addAccount(name, .robot, password: nil, isAdmin: false)
    }

    package func setPassword(_ password: String, of name: AccountName) async throws {
        try await store.changeAccount(name, .password(try await hash(password)))
    }

    /// A token that was just made; its secret is not to be had again.
    package struct NewToken: Sendable {
        package let token: AccessToken
        package let secret: String
    }

    /// Makes a token for an account.
    ///
    /// `label` is what its owner calls it, `scopes` all that it is good for (nil for all that the account may do), and
    /// `lifetime` seconds (nil for no end).
    package func createToken(
        for name: AccountName, label: String, scopes: [Scope]?, lifetime: Int64?
    ) async throws -> NewToken {
        guard !label.isEmpty, label.utf8.count <= 80, label.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw HubError(
                .tokenInvalid, "the name of a token has 1 to 80 characters and none that controls a terminal",
                category: .usage)
        }
        guard scopes?.isEmpty != true, (scopes ?? []).count <= 100, lifetime.map({ $0 > 0 }) ?? true else {
            throw HubError(
                .tokenInvalid, "a token has 1 to 100 scopes and a lifetime above zero", category: .usage)
        }
        guard let account = try await store.account(name) else { throw HubError.unknown(name) }
        let secret = TokenSecret(.access)
        let token = AccessToken(
            id: TokenID(), account: account, name: label, kind: .access, scopes: scopes, createdAt: now(),
            expiresAt: lifetime.map { now() + min($0, 100 * 365 * 24 * 3600) })
        try await store.addToken(token, hash: secret.hash)
        return NewToken(token: token, secret: secret.text)
    }

    private func hash(_ password: String) async throws -> String {
        guard password.count >= Self.shortestPassword, password.utf8.count <= PasswordHash.longestPassword,
            PasswordHash.isPossible(password)
        else {
            throw HubError(
                .passwordInvalid,
                "a password has at least \(Self.shortestPassword) characters and at most \(PasswordHash.longestPassword) bytes",
                category: .usage)
        }
        return try await passwords.hash(password)
    }

    private func checkKind(of name: AccountName, isRobot: Bool) throws {
        guard (name.owner != nil) == isRobot else {
            throw HubError(
                .accountInvalid,
                isRobot
                    ? "\"\(name)\" is not the name of a robot" : "\"\(name)\" is the name of a robot",
                hint: "a robot's name is OWNER+NAME, as in acme+builder; no other has a plus",
                category: .usage)
        }
    }
}

// MARK: - htpasswd

extension Directory {
    /// What became of a line of an `htpasswd` file.
    package struct ImportedLine: Hashable, Sendable {
        package let number: Int
        package let name: String
        /// Why it was not taken; nil if it was.
        package let problem: String?
    }

    /// Adds the users of an `htpasswd` file; each is upgraded to a better hash at the first log-in.
    ///
    /// Lines that cannot be taken are left out, each with its reason; nothing is changed of users that are there.
    package func importHtpasswd(_ text: String) async throws -> [ImportedLine] {
        var lines: [ImportedLine] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            guard !line.allSatisfy(\.isWhitespace), !line.hasPrefix("#") else { continue }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0].prefix(80))
            var problem: String?
            do {
                let name = try AccountName(parts[0])
                try checkKind(of: name, isRobot: false)
                guard parts.count == 2 else { throw HubError(.passwordInvalid, "no password") }
                guard PasswordHash(stored: String(parts[1])) != nil else {
                    throw HubError(.passwordInvalid, Self.reason(parts[1]))
                }
                _ = try await store.addAccount(name, .user, password: String(parts[1]), isAdmin: false)
            } catch let error as HubError where error.category != .denied && error.code != .storageFailed {
                problem = error.message
            }
            lines.append(ImportedLine(number: index + 1, name: name, problem: problem))
        }
        return lines
    }

    private static func reason(_ hash: Substring) -> String {
        if hash.hasPrefix("$2") { return "the bcrypt hash is damaged, or its cost is above 14" }
        let kind =
            hash.hasPrefix("$apr1$") ? "MD5" : hash.hasPrefix("{SHA}") ? "SHA-1" : "an unknown kind"
        return
            "the password is hashed by \(kind), and only bcrypt is accepted: write it anew with htpasswd -B"
    }
}
