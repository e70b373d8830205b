// SPDX-License-Identifier: Apache-2.0

import Diagnostics
private import Foundation
package import OCI

/// The credentials that `docker login` and its kin keep: `config.json` and the helpers it names.
///
/// Read when a registry asks for them, not before; a missing file means that nothing is known.
package struct DockerCredentials: CredentialProvider {
    /// The path of `config.json`.
    package let path: String
    private let environment: [String: String]

    /// Takes the file from `DOCKER_CONFIG`, which names a folder, else from `~/.docker`.
    /// - Parameter environment: the process's, or what stands for it.
    package init(environment: [String: String]) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        let folder = environment["DOCKER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.docker"
        path = "\(folder)/config.json"
        self.environment = environment
    }

    package func credential(for host: RegistryHost) async throws -> Credential? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file: ConfigFile
        do {
            file = try JSONDecoder().decode(ConfigFile.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw unreadable(decodingFailure(error))
        }
        let keys = Self.keys(for: host)
        if let helper = keys.compactMap({ file.credHelpers?[$0] }).first {
            return try await CredentialHelper(name: helper, environment: environment).credential(for: keys[0])
        }
        if let entry = try entry(in: file, keys) { return entry }
        guard let store = file.credsStore, !store.isEmpty else { return nil }
        return try await CredentialHelper(name: store, environment: environment).credential(for: keys[0])
    }

    /// The names that a registry may be kept under, the proper one first.
    private static func keys(for host: RegistryHost) -> [String] {
        guard ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(host.description) else {
            return [host.description]
        }
        return ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
    }

    private func entry(in file: ConfigFile, _ keys: [String]) throws -> Credential? {
        let entries = file.auths ?? [:]
        for key in keys {
            if let entry = entries[key], let credential = try credential(entry, key) { return credential }
        }
        // Old files keep registries as URLs, with or without a path; sorted, so that equal files give equal answers.
        for (key, entry) in entries.sorted(by: { $0.key < $1.key })
        where keys.contains(Self.host(of: key)) {
            if let credential = try credential(entry, key) { return credential }
        }
        return nil
    }

    private static func host(of key: String) -> String {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        return rest.prefix { $0 != "/" }.lowercased()
    }

    private func credential(_ entry: ConfigFile.Entry, _ key: String) throws -> Credential? {
        if let token = entry.identitytoken, !token.isEmpty { return .identityToken(token) }
        if let token = entry.registrytoken, !token.isEmpty { return .accessToken(token) }
        if let auth = entry.auth, !auth.isEmpty {
            guard let data = Data(base64Encoded: auth.filter { !$0.isWhitespace }),
                let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":")
            else { throw unreadable("\"auth\" of \"\(key)\" is not base64 of user:password") }
            let password = text[text.index(after: colon)...].prefix { $0 != "\0" }
            return .password(username: String(text[..<colon]), password: String(password))
        }
        guard let username = entry.username, let password = entry.password, !username.isEmpty else {
            return nil
        }
        return .password(username: username, password: password)
    }

    private func unreadable(_ why: String) -> RegistryError {
        RegistryError(
            .credentials, "cannot read the credentials in \"\(path)\": \(why)",
            hint: "mend the file, or log in anew", category: .usage)
    }
}

private struct ConfigFile: Decodable {
    struct Entry: Decodable {
        let auth: String?
        let username: String?
        let password: String?
        let identitytoken: String?
        let registrytoken: String?
    }

    let auths: [String: Entry]?
    let credHelpers: [String: String]?
    let credsStore: String?
}
