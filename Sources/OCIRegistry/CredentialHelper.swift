// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import JSON

/// A program `docker-credential-<name>` that keeps credentials, as in a desktop's key ring.
///
/// The verb is its only argument; the server's name and secrets go to its input, and its answer comes from its output
/// (docker/docker-credential-helpers, "Development").
struct CredentialHelper {
    let name: String
    let environment: [String: String]
    /// How long it may take: it may have to ask its user for a password.
    let limit: Duration

    /// What a helper prints, on its output, for a server it does not know.
    private static let unknown = "credentials not found"

    func credential(for server: String) async throws -> Credential? {
        let output = try await run("get", input: server)
        if output.status != 0 {
            let said = output.text.lowercased()
            if said.contains(Self.unknown) { return nil }
            throw failure("get", output)
        }
        // The parser's own words could repeat the secret.
        guard let reply = try? JSONValue(parsing: output.text).object,
            let username = reply["Username"]?.string,
            let secret = reply["Secret"]?.string
        else { throw failure("its answer to \"get\" is not the JSON that was expected") }
        return secret.isEmpty ? nil : Credential(username: username, secret: secret)
    }

    func store(_ credential: Credential, for server: String) async throws {
        let (username, secret) =
            switch credential {
            case .password(let username, let password): (username, password)
            case .identityToken(let token), .accessToken(let token): (Credential.tokenUser, token)
            }
        let input = JSONValue.object([
            "ServerURL": .string(server), "Username": .string(username), "Secret": .string(secret),
        ])
        let output = try await run("store", input: input.description)
        // Whatever it says then may repeat what it was given.
        guard output.status == 0 else {
            throw failure("store", output.text.contains(secret) ? Output(status: output.status) : output)
        }
    }

    /// Removes what it has for a server; nothing is fine.
    func erase(_ server: String) async throws {
        let output = try await run("erase", input: server)
        guard output.status == 0 || output.text.lowercased().contains(Self.unknown) else {
            throw failure("erase", output)
        }
    }

    private struct Output {
        let status: Int32
        var text = ""
    }

    private func run(_ verb: String, input: String) async throws -> Output {
        let process = try HelperProcess(executable(), verb, environment: environment, input: input + "\n")
        guard let (status, bytes) = try await process.run(limit: limit) else {
            throw failure(
                "it did not answer \"\(verb)\" within \(limit.components.seconds) seconds",
                hint:
                    "run 'docker-credential-\(name) \(verb)' yourself: it may wait for a password or a key ring"
            )
        }
        return Output(status: status, text: String(decoding: bytes, as: UTF8.self))
    }

    private func executable() throws -> String {
        let file = "docker-credential-\(name)"
        guard !name.isEmpty, !name.contains("/") else { throw failure("that is no helper's name") }
        guard let path = HelperProcess.find(file, in: environment["PATH"] ?? "") else {
            throw failure("\"\(file)\" is not in PATH")
        }
        return path
    }

    private func failure(_ verb: String, _ output: Output) -> RegistryError {
        // An answer in JSON is one with a secret in it.
        let said = output.text.contains("{") ? "" : shownText(output.text, limit: 200)
        return failure(said.isEmpty ? "\"\(verb)\" ended with status \(output.status)" : said)
    }

    private func failure(_ why: String, hint: String? = nil) -> RegistryError {
        RegistryError(
            .credentials, "cannot use the credential helper \"\(shownText(name, limit: 60))\": \(why)",
            hint: hint ?? "check \"credsStore\" and \"credHelpers\" in docker's config.json", category: .usage
        )
    }
}
