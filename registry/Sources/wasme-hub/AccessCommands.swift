// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub
import OCI

extension Role: ExpressibleByArgument {
    /// Reads a role by its name.
    public init?(argument: String) {
        guard let role = Role.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = role
    }

    /// The names, for help texts.
    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

/// Whom a command is about.
struct AccountArgument: ParsableArguments {
    @Argument(help: "The user or robot.")
    var account: String

    func name() throws -> AccountName { try AccountName(account) }
}

/// `wasme-hub org`: organisations and their robots.
struct OrganisationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "org", abstract: "Add and remove organisations and robots.",
        discussion: """
            An organisation owns the repositories below its name; 'wasme-hub grant' gives people and robots roles in \
            it. A robot belongs to an organisation or a user, and logs in with tokens only.

            EXAMPLES
              wasme-hub org add acme
              wasme-hub org robot acme+builder
              wasme-hub grant write acme+builder acme
              wasme-hub token create acme+builder --name pipeline --scope 'acme/*:pull,push'
            """,
        subcommands: [Add.self, Robot.self, Members.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add an organisation.")
        @OptionGroup var data: DataOption
        @Argument var name: String

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { _ = try await $0.addOrganisation(name) }
            }
        }
    }

    struct Robot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a robot.")
        @OptionGroup var data: DataOption
        @Argument(help: "OWNER+NAME, as in acme+builder.")
        var name: String

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { _ = try await $0.addRobot(name) }
            }
        }
    }

    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who has which role in an organisation or a repository.")
        @OptionGroup var data: DataOption
        @Argument(help: "An organisation, or a repository.")
        var target: String
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let target = try RoleTarget(argument: target)
                let roles = try await HubFolder.manage(try data.folder()) {
                    try await $0.store.roles(in: target)
                }
                let sorted = roles.sorted { $0.key < $1.key }
                try Output.result(
                    Dictionary(uniqueKeysWithValues: sorted.map { ($0.key.description, "\($0.value)") }),
                    output.format,
                    text: sorted.map { "\($0.key)\t\($0.value)" }.joined(separator: "\n"))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove an organisation with its robots; its repositories stay.")
        @OptionGroup var data: DataOption
        @Argument var name: String

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { try await $0.store.removeAccount(name) }
            }
        }
    }
}

extension RoleTarget {
    /// A name with a slash is a repository's, any other an organisation's.
    init(argument text: String) throws {
        if text.contains("/") {
            do {
                self = .repository(try Repository(text))
            } catch {
                throw HubError(.nameInvalid, "\(error)", category: .usage)
            }
        } else {
            self = .organisation(try AccountName(text))
        }
    }
}

/// Whose role, and in what.
struct RoleArguments: ParsableArguments {
    @OptionGroup var account: AccountArgument
    @Argument(help: "An organisation, or a repository (with a slash).")
    var target: String

    /// Gives the role, or takes it with nil.
    func set(_ role: Role?, in data: DataOption) async throws {
        try await Output.reporting {
            let (name, target) = (try account.name(), try RoleTarget(argument: target))
            try await HubFolder.manage(try data.folder()) {
                try await $0.store.setRole(role, of: name, in: target)
            }
        }
    }
}

/// `wasme-hub grant`: gives a role.
struct GrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Give a user or a robot a role.",
        discussion: """
            read pulls; write pushes and deletes as well; admin also decides who else may. It takes effect at once.

            EXAMPLES
              wasme-hub grant write ada acme
              wasme-hub grant read acme+builder acme/proxy
            """)
    @OptionGroup var data: DataOption
    @Argument(help: "read, write or admin.")
    var role: Role
    @OptionGroup var place: RoleArguments

    func run() async throws { try await place.set(role, in: data) }
}

/// `wasme-hub revoke`: takes a role.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a user's or a robot's role.",
        discussion: "EXAMPLES\n  wasme-hub revoke ada acme\n  wasme-hub revoke acme+builder acme/proxy")
    @OptionGroup var data: DataOption
    @OptionGroup var place: RoleArguments

    func run() async throws { try await place.set(nil, in: data) }
}

/// `wasme-hub visibility`: who may read a repository without a role.
struct VisibilityCommand: AsyncParsableCommand {
    enum Visibility: String, ExpressibleByArgument, CaseIterable {
        case `public`, `private`
    }

    static let configuration = CommandConfiguration(
        commandName: "visibility", abstract: "Make a repository public or private.",
        discussion: """
            New repositories are private. A public one is read by everybody who may come in: with --no-anonymous-pull, \
            by everybody with an account.

            EXAMPLES
              wasme-hub visibility acme/proxy public
            """)
    @OptionGroup var data: DataOption
    @Argument var repository: String
    @Argument(help: "public or private.")
    var visibility: Visibility

    func run() async throws {
        try await Output.reporting {
            let repository: Repository
            do {
                repository = try Repository(self.repository)
            } catch {
                throw HubError(.nameInvalid, "\(error)", category: .usage)
            }
            try await HubFolder.manage(try data.folder()) {
                try await $0.store.setPublic(visibility == .public, repository)
            }
        }
    }
}
