// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI
package import SystemPackage

private import Foundation

/// The credentials that are kept on this machine: docker's, then podman's, then those of the original wasme.
///
/// Read when a registry asks for them, not before; a missing file means that nothing is known. New ones are kept as
/// `docker login` keeps them: by the credential helper that `config.json` names, else in the file itself.
package struct StoredCredentials: CredentialProvider {
    /// Docker's `config.json`: below `DOCKER_CONFIG`, else below `~/.docker`.
    package let path: FilePath
    /// Files of the same shape that are only read, in their order.
    private let others: [FilePath]
    private let environment: [String: String]
    private let helperLimit: Duration

    /// - Parameters:
    ///   - environment: the process's, or what stands for it.
    ///   - helperLimit: how long a credential helper may take.
    package init(environment: [String: String], helperLimit: Duration = .seconds(60)) {
        func folder(_ name: String) -> FilePath? {
            environment[name].flatMap { $0.isEmpty ? nil : FilePath($0) }
        }
        let home = folder("HOME") ?? FilePath(NSHomeDirectory())
        path = (folder("DOCKER_CONFIG") ?? home.appending(".docker")).appending("config.json")
        // containers-auth.json(5); the last is where the original wasme kept them.
        others = [
            folder("REGISTRY_AUTH_FILE"), folder("XDG_RUNTIME_DIR")?.pushing("containers/auth.json"),
            (folder("XDG_CONFIG_HOME") ?? home.appending(".config")).pushing("containers/auth.json"),
            home.pushing(".wasme/credentials.json"),
        ].compactMap(\.self)
        self.environment = environment
        self.helperLimit = helperLimit
    }

    package func credential(for host: RegistryHost, _ repository: Repository?) async throws -> Credential? {
        for path in [path] + others {
            let file = ConfigFile(path)
            guard let content = try file.read() else { continue }
            if let found = try await credential(in: content, file, RegistryNames(host), repository) {
                return found
            }
        }
        return nil
    }

    private func credential(
        in content: CredentialFile, _ file: ConfigFile, _ names: RegistryNames, _ repository: Repository?
    ) async throws -> Credential? {
        let (entry, own, store) = try file.reading {
            (
                try content.entry(for: names, repository), try content.ownHelper(for: names),
                try content.store
            )
        }
        // A part of the registry counts more than the registry, and what is the registry's own more than what is for all.
        if let entry, entry.fit > 0 { return entry.credential }
        if let own { return try await helper(own).credential(for: names.proper) }
        if let entry { return entry.credential }
        if let store { return try await helper(store).credential(for: names.proper) }
        return nil
    }

    private func helper(_ name: String) -> CredentialHelper {
        CredentialHelper(name: name, environment: environment, limit: helperLimit)
    }
}

// MARK: - Keeping and forgetting

extension StoredCredentials {
    /// Where a secret is kept.
    package enum Place: Hashable, Sendable {
        /// In docker's file, where who can read the file can read the secret.
        case file(FilePath)
        /// By a credential helper.
        case helper(String)
    }

    /// Keeps a credential in place of the one that was kept for the registry.
    /// - Parameters:
    ///   - credential: what to keep.
    ///   - username: whose it is.
    ///   - host: the registry.
    /// - Returns: where it is now.
    /// - Throws: `RegistryError`; a file that cannot be read is left alone.
    package func store(
        _ credential: Credential, username: String, for host: RegistryHost
    ) async throws -> Place {
        let names = RegistryNames(host)
        let file = ConfigFile(path)
        let content = try file.read() ?? CredentialFile()
        if let name = try file.reading({ try content.helper(for: names) }) {
            try await helper(name).store(credential, for: names.proper)
            try await file.change { try $0.setKeptByHelper(for: names) }
            return .helper(name)
        }
        try await file.change { try $0.set(credential, username: username, for: names) }
        return .file(path)
    }

    /// Forgets what docker's file and its helpers hold for a registry.
    /// - Returns: whether there was anything.
    package func erase(_ host: RegistryHost) async throws -> Bool {
        let names = RegistryNames(host)
        let file = ConfigFile(path)
        guard let content = try file.read() else { return false }
        var found = false
        if let name = try file.reading({ try content.helper(for: names) }),
            try await helper(name).credential(for: names.proper) != nil
        {
            try await helper(name).erase(names.proper)
            found = true
        }
        var probe = content
        guard try file.reading({ try probe.remove(names) }) else { return found }
        try await file.change { _ = try $0.remove(names) }
        return true
    }

    /// The registries that docker's file names.
    package func registries() throws -> [RegistryHost] {
        let file = ConfigFile(path)
        guard let content = try file.read() else { return [] }
        let keys = try file.reading { try content.registries }
        var hosts: [RegistryHost] = []
        for key in keys {
            let host = key.split(separator: "/").first { !$0.hasSuffix(":") } ?? ""
            // What is no host's name was not put there by anybody who can log out again.
            guard let host = try? RegistryHost(host == "index.docker.io" ? "docker.io" : host),
                !hosts.contains(host)
            else { continue }
            hosts.append(host)
        }
        return hosts
    }

    /// The credential helpers that docker's file names: programs that have to be in PATH.
    package func helpers() throws -> [String] {
        let file = ConfigFile(path)
        guard let content = try file.read() else { return [] }
        return try file.reading { try content.helperNames }.map { "docker-credential-\($0)" }
    }

    /// Files that are only read and that have credentials for a registry.
    package func otherPlaces(of host: RegistryHost) throws -> [FilePath] {
        try others.filter { path in
            let file = ConfigFile(path)
            guard let content = try file.read() else { return false }
            return try file.reading { try content.entry(for: RegistryNames(host), nil) } != nil
        }
    }
}
