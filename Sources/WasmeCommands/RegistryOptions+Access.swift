// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import OCI
import OCIRegistry

extension RegistryAccessOptions {
    /// How to speak to a registry: what the command line says, and then the surroundings.
    func options(for host: RegistryHost, in context: CommandContext) throws -> RegistryOptions {
        var options = RegistryOptions(plainHTTP: plainHttp ? true : nil, insecure: insecure)
        options.trust = try TrustSettings(
            for: host, environment: context.environment, authority: ca.map { context.path($0) },
            certificate: cert.map { context.path($0) }, key: key.map { context.path($0) })
        options.proxies = ProxySettings(environment: context.environment)
        return options
    }

    /// Whom to be at a registry: the command line's user, else whom the machine's files know.
    func credentials(for host: RegistryHost, in context: CommandContext) throws -> any CredentialProvider {
        guard let username else {
            guard !passwordStdin else {
                throw CommandError(
                    .usage, "--password-stdin gives a password, but nobody's",
                    hint: "add --username")
            }
            return StoredCredentials(environment: context.environment)
        }
        // A command that speaks to two registries must not show one's password to the other.
        let owner = context.secrets.owner(or: host)
        guard owner == host else {
            throw CommandError(
                .usage, "--username is for one registry, and this is about \"\(owner)\" and \"\(host)\"",
                hint: "log in to them with 'wasme login', and leave out --username")
        }
        let password = try secret("Password", in: context)
        return FixedCredentials(try credential(username, password), for: host)
    }

    /// A user name and a password that Basic can carry (RFC 7617 §2).
    func credential(_ username: String, _ password: String) throws -> Credential {
        guard !username.isEmpty, !username.contains(":"), !hasControls(username), !hasControls(password)
        else {
            throw CommandError(
                .usage,
                "the user name is empty or has a colon in it, or a control character is in it or the password",
                hint: "check what was typed or read")
        }
        return .password(username: username, password: password)
    }

    private func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
    }

    /// A secret that is typed without being shown, or read from a pipe.
    func secret(_ name: String, in context: CommandContext) throws -> String {
        let terminal = context.terminal
        let secret = try context.secrets.once(name) {
            if terminal.isInteractive {
                terminal.writeError("\(name): ")
                defer { terminal.writeError("\n") }
                return try terminal.readSecret()
            }
            guard passwordStdin else {
                throw CommandError(
                    .usage, "there is no terminal to ask for the \(name.lowercased())",
                    hint:
                        "add --password-stdin, as in 'echo \"$TOKEN\" | wasme login ghcr.io -u me --password-stdin'"
                )
            }
            guard let text = String(validating: try terminal.readInput(), as: UTF8.self) else {
                throw CommandError(
                    .usage, "the \(name.lowercased()) is not UTF-8 text", hint: "check the pipe")
            }
            // One line end is the pipe's, not the password's.
            return String(text.hasSuffix("\n") || text.hasSuffix("\r\n") ? text.dropLast() : text[...])
        }
        guard let secret else { throw CancellationError() }
        guard !secret.isEmpty else {
            throw CommandError(
                .usage, "the \(name.lowercased()) is empty",
                hint: "check what was typed, or what is in the pipe")
        }
        return secret
    }
}

extension CommandContext {
    /// A registry as the user wrote it, or the one that `WASM_IMAGE_REGISTRY` names.
    func registryHost(_ text: String?) throws -> RegistryHost {
        guard let text = text ?? environment["WASM_IMAGE_REGISTRY"], !text.isEmpty else {
            throw CommandError(
                .usage, "there is no registry to log in to or out of",
                hint: "name one, as in ghcr.io or localhost:5000, or set WASM_IMAGE_REGISTRY")
        }
        // People copy it from a browser.
        var name = text[...]
        for scheme in ["https://", "http://"] where name.hasPrefix(scheme) { name.removeFirst(scheme.count) }
        for rest in ["/", "/v1", "/v2"] where name.hasSuffix(rest) { name.removeLast(rest.count) }
        do {
            return try RegistryHost(name)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is not a registry: \(error)",
                hint: "write host or host:port, without a repository")
        }
    }
}
