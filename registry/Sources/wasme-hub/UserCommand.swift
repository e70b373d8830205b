// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub

/// `wasme-hub user`: who may log in.
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add, change and remove users.",
        discussion: """
            Works on the data folder, whether or not a hub serves it; a hub that was open when it started asks for a \
            log-in after its next start. A user owns the repositories below its name.

            EXAMPLES
              wasme-hub user add ada --admin
              wasme-hub user add ci --password-stdin < password.txt
              wasme-hub user import .htpasswd
              wasme-hub user disable eve
            """,
        subcommands: [
            Add.self, Passwd.self, List.self, Remove.self, Disable.self, Enable.self, Promote.self,
            Import.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a user.")
        @OptionGroup var data: DataOption
        @Argument(help: "The name: lower-case letters and digits, separated by . _ or -.")
        var name: String
        @Flag(help: "Let it do everything in this hub.")
        var admin = false
        @OptionGroup var password: PasswordOption

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { directory in
                    _ = try await directory.addUser(name, password: try password.password(), isAdmin: admin)
                }
            }
        }
    }

    struct Passwd: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a user's password.")
        @OptionGroup var data: DataOption
        @Argument var name: String
        @OptionGroup var password: PasswordOption

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { directory in
                    guard try await directory.store.account(name) != nil else { throw HubError.unknown(name) }
                    try await directory.setPassword(try password.password(), of: name)
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List users, robots and organisations.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let accounts = try await HubFolder.manage(try data.folder()) { directory in
                    try await directory.store.accounts(nil)
                }
                let lines = accounts.map { account in
                    let marks = [account.isAdmin ? "admin" : nil, account.isDisabled ? "disabled" : nil]
                    return ([account.name.description, account.kind.rawValue] + marks.compactMap(\.self))
                        .joined(separator: "\t")
                }
                if lines.isEmpty, output.format == .text { return Output.note("note: nobody yet") }
                try Output.result(
                    accounts.map(AccountDescription.init), output.format, text: lines.joined(separator: "\n"))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a user or a robot; its repositories stay.")
        @OptionGroup var data: DataOption
        @Argument var name: String

        func run() async throws {
            try await Output.reporting {
                let name = try AccountName(name)
                try await HubFolder.manage(try data.folder()) { try await $0.store.removeAccount(name) }
            }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a user or a robot do nothing until it is enabled again.")
        @OptionGroup var data: DataOption
        @Argument var name: String

        func run() async throws { try await change(data, name, .isDisabled(true)) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled user or robot in again.")
        @OptionGroup var data: DataOption
        @Argument var name: String

        func run() async throws { try await change(data, name, .isDisabled(false)) }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a user an administrator of the hub, or no longer.")
        @OptionGroup var data: DataOption
        @Argument var name: String
        @Flag(help: "Take the right instead.")
        var undo = false

        func run() async throws { try await change(data, name, .isAdmin(!undo)) }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add the users of an htpasswd file.",
            discussion: """
                Only passwords that are hashed by bcrypt are taken (htpasswd -B); each gets a better hash when its user \
                logs in. Lines that cannot be taken are named with the reason, and the exit status is 1.
                """)
        @OptionGroup var data: DataOption
        @Argument(help: "The file.")
        var file: String

        func run() async throws {
            try await Output.reporting {
                guard let bytes = try? Data(contentsOf: URL(filePath: file)),
                    let text = String(validating: bytes, as: UTF8.self)
                else {
                    throw HubError(.accountInvalid, "\"\(file)\" cannot be read as text", category: .usage)
                }
                let lines = try await HubFolder.manage(try data.folder()) {
                    try await $0.importHtpasswd(text)
                }
                let problems = lines.filter { $0.problem != nil }
                for line in problems { Output.note("error: line \(line.number): \(line.problem ?? "")") }
                Output.result("added \(lines.count - problems.count) of \(lines.count) users")
                if !problems.isEmpty { throw ExitCode.failure }
            }
        }
    }
}

private func change(_ data: DataOption, _ name: String, _ change: AccountChange) async throws {
    try await Output.reporting {
        let name = try AccountName(name)
        try await HubFolder.manage(try data.folder()) { try await $0.store.changeAccount(name, change) }
    }
}

/// An account as commands write it.
struct AccountDescription: Encodable {
    let name: String
    let kind: String
    let isAdmin: Bool
    let isDisabled: Bool

    init(_ account: Account) {
        name = account.name.description
        kind = account.kind.rawValue
        isAdmin = account.isAdmin
        isDisabled = account.isDisabled
    }
}
