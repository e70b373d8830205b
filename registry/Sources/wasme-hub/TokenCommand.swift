// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub

/// `wasme-hub token`: secrets for tools and machines.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Create, list and revoke tokens.",
        discussion: """
            A token stands for a user or a robot, within its scopes: use it as the password, with the account's name. \
            It is shown once.

            EXAMPLES
              wasme-hub token create acme+builder --name pipeline --scope 'acme/*:pull,push' --days 90
              wasme-hub token list acme+builder
              wasme-hub token revoke acme+builder 4f1d2a6b8c3e5f70
            """, subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Create a token and show its secret.")
        @OptionGroup var data: DataOption
        @Argument(help: "The user or robot that it is for.")
        var account: String
        @Option(help: "What to call it.")
        var name: String
        @Option(
            help:
                "All that it is good for, as in acme/proxy:pull,push; may be repeated. (default: all that the account may do)"
        )
        var scope: [String] = []
        @Option(help: "Days after which it expires; 0 for never.")
        var days = 365
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let account = try AccountName(account)
                let scopes = try scope.map { try Scope(parsing: $0) }
                guard (0...36500).contains(days) else {
                    throw HubError(.tokenInvalid, "--days is from 0 to 36500", category: .usage)
                }
                let made = try await HubFolder.manage(try data.folder()) { directory in
                    try await directory.createToken(
                        for: account, label: name, scopes: scopes.isEmpty ? nil : scopes,
                        lifetime: days == 0 ? nil : Int64(days) * 86400)
                }
                Output.note("note: token \(made.token.id) of \(account); it is not shown again")
                try Output.result(
                    ["id": made.token.id.description, "secret": made.secret], output.format, text: made.secret
                )
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List an account's tokens.")
        @OptionGroup var data: DataOption
        @OptionGroup var account: AccountArgument
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let account = try account.name()
                let tokens = try await HubFolder.manage(try data.folder()) { directory in
                    guard try await directory.store.account(account) != nil else {
                        throw HubError.unknown(account)
                    }
                    return try await directory.store.tokens(of: account)
                }.map { TokenDescription($0, now: HubFolder.now()) }
                if tokens.isEmpty, output.format == .text { return Output.note("note: no tokens") }
                try Output.result(
                    tokens, output.format,
                    text: tokens.map { token in
                        [
                            token.id, token.name, token.state,
                            token.scopes?.joined(separator: " ") ?? "everything",
                            token.lastUsedAt.map { "last used \($0)" } ?? "never used",
                        ].joined(separator: "\t")
                    }.joined(separator: "\n"))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token worthless, at once.")
        @OptionGroup var data: DataOption
        @OptionGroup var account: AccountArgument
        @Argument(help: "The token's id, as 'wasme-hub token list' shows it.")
        var id: String

        func run() async throws {
            try await Output.reporting {
                let account = try account.name()
                guard let id = TokenID(id) else {
                    throw HubError(
                        .tokenUnknown, "\"\(id.prefix(80))\" is not the id of a token",
                        hint: "see 'wasme-hub token list \(account)'", category: .usage)
                }
                try await HubFolder.manage(try data.folder()) {
                    try await $0.store.revokeToken(id, of: account)
                }
            }
        }
    }
}

/// A token as commands write it.
private struct TokenDescription: Encodable {
    let id: String
    let name: String
    let state: String
    let scopes: [String]?
    let createdAt: String
    let expiresAt: String?
    let lastUsedAt: String?

    init(_ token: AccessToken, now: Int64) {
        func text(_ time: Int64) -> String {
            Date(timeIntervalSince1970: TimeInterval(time)).formatted(.iso8601)
        }
        id = token.id.description
        name = token.name
        state = token.revokedAt != nil ? "revoked" : token.isValid(at: now) ? "valid" : "expired"
        scopes = token.scopes.map { $0.map(\.text) }
        createdAt = text(token.createdAt)
        expiresAt = token.expiresAt.map(text)
        lastUsedAt = token.lastUsedAt.map(text)
    }
}

/// `wasme-hub audit`: who changed what.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who changed what, newest first.",
        discussion: "EXAMPLES\n  wasme-hub audit\n  wasme-hub audit --last 1000 --format json")
    @OptionGroup var data: DataOption
    @Option(help: "How many entries to show.")
    var last = 50
    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            let entries = try await HubFolder.manage(try data.folder()) { directory in
                try await directory.store.auditEntries(before: nil, limit: max(0, last))
            }
            try Output.result(
                entries, output.format,
                text: entries.map { entry in
                    let time = Date(timeIntervalSince1970: TimeInterval(entry.time)).formatted(.iso8601)
                    return [
                        time, entry.actor, entry.address ?? "-", entry.action, entry.subject,
                        entry.detail ?? "",
                    ]
                    .joined(separator: "\t")
                }.joined(separator: "\n"))
        }
    }
}

/// `wasme-hub key`: what session tokens are signed with.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Change the key that signs session tokens.", subcommands: [Rotate.self])

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign with a new key from now on; what older ones signed stays valid until it expires.")
        @OptionGroup var data: DataOption

        func run() async throws {
            try await Output.reporting {
                try await HubFolder.gatekeeper(try data.folder()) { try await $0.rotateKey() }
            }
        }
    }
}
