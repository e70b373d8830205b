// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import OCI
import OCIRegistry
import SystemPackage

/// `wasme login`.
struct Login: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in to a registry, and keep the credentials for the next commands.",
        discussion: """
            The credentials are shown to the registry first, and kept only if it accepts them: \
            as docker does, by the helper that its config.json names, else in that file.

            Examples:
              wasme login ghcr.io -u octocat
              echo "$TOKEN" | wasme login ghcr.io -u octocat --password-stdin
              wasme login hub.example:5000 --ca company-ca.pem
            """)

    @Argument(help: ArgumentHelp("The registry (default: WASM_IMAGE_REGISTRY).", valueName: "host"))
    var host: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The password, which other users of this machine can see: rather use --password-stdin.",
            valueName: "secret"))
    var password: String?

    @Flag(help: "What is read in place of a password is an identity token (a refresh token).")
    var identityToken = false

    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if password != nil, access.passwordStdin {
            throw ValidationError("--password and --password-stdin exclude each other")
        }
    }

    func run(in context: CommandContext) async throws {
        let host = try context.registryHost(host)
        let (username, credential) = try credential(for: host, in: context)
        let check = try await RegistryClient.checkLogin(
            to: host, with: credential, transport: context.makeTransport(),
            options: try access.options(for: host, in: context))
        var kept = credential
        if case .accepted(let token?) = check { kept = .identityToken(token) }
        let place = try await StoredCredentials(environment: context.environment)
            .store(kept, username: username, for: host)
        if check == .notAsked {
            output.note(
                "note: \"\(host)\" lets in everybody, so the credentials could not be checked", in: context)
        }
        if case .file(let path) = place {
            output.note(
                "note: kept unencrypted in \"\(path)\"; a credential helper, named there as \"credsStore\", keeps secrets "
                    + "safe", in: context)
        }
        try output.print(LoginResult(registry: host, username: username, place: place), in: context)
    }

    private func credential(
        for host: RegistryHost, in context: CommandContext
    ) throws -> (username: String, credential: Credential) {
        if password != nil {
            context.terminal.note(
                "warning: a password on the command line can be seen by other users of this machine; "
                    + "rather use --password-stdin")
        }
        if identityToken {
            let token = try password ?? access.secret("Identity token", in: context)
            return (access.username ?? "", .identityToken(token))
        }
        let username = try access.username ?? askUsername(host, context)
        let secret = try password ?? access.secret("Password", in: context)
        return (username, try access.credential(username, secret))
    }

    private func askUsername(_ host: RegistryHost, _ context: CommandContext) throws -> String {
        guard context.terminal.isInteractive, !access.passwordStdin else {
            throw CommandError(
                .usage, "there is no user name for \"\(host)\"",
                hint: "add --username, and give the password with --password-stdin")
        }
        context.terminal.writeError("Username: ")
        guard let answer = try context.terminal.readAnswer() else { throw CancellationError() }
        let username = answer.trimmingPrefix { $0 == " " }
        guard !username.isEmpty else {
            throw CommandError(.usage, "the user name is empty", hint: "log in again with a name")
        }
        return String(username)
    }
}

private struct LoginResult: CommandResult {
    let registry: RegistryHost
    let username: String
    let place: StoredCredentials.Place

    enum CodingKeys: CodingKey { case registry, username, helper, file }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(registry.description, forKey: .registry)
        try container.encode(username, forKey: .username)
        switch place {
        case .file(let path): try container.encode(path.string, forKey: .file)
        case .helper(let name): try container.encode(name, forKey: .helper)
        }
    }

    var text: String { "logged in to \(registry)\(username.isEmpty ? "" : " as \(username)")" }
    var brief: String { registry.description }
}
