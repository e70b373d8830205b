// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import JSON
import OCI

private import Foundation

/// What a `config.json` of docker, or a file of its shape, says of credentials; all else that it says stays.
///
/// Keys are `auths` (secrets by registry), `credHelpers` (helpers by registry) and `credsStore` (the helper for all
/// others).
struct CredentialFile {
    /// Why a file cannot be used; holds nothing of its secrets.
    struct Damage: Error, CustomStringConvertible { let description: String }

    private var document: JSONObject

    /// A file that is not there yet.
    init() { document = JSONObject() }

    /// Reads a file's text; an empty one is as good as none, as docker sees it.
    init(parsing bytes: [UInt8]) throws {
        guard !bytes.allSatisfy({ $0 <= 0x20 }) else {
            document = JSONObject()
            return
        }
        guard let document = try JSONValue(parsing: bytes).object else {
            throw Damage(description: "it is not a JSON object")
        }
        self.document = document
        _ = try (auths, helpers, store)
    }

    /// The file's text.
    var text: String { JSONValue.object(document).prettyPrinted + "\n" }

    /// The helper for all registries that have none of their own.
    var store: String? {
        get throws { try string(document["credsStore"], "\"credsStore\"") }
    }

    /// The helper that keeps a registry's credentials, if the file names one: the registry's own, or that for all.
    func helper(for names: RegistryNames) throws -> String? { try ownHelper(for: names) ?? store }

    /// The helper that a registry has to itself.
    func ownHelper(for names: RegistryNames) throws -> String? {
        let helpers = try helpers
        return try names.all.lazy.compactMap { try string(helpers[$0], "the helper of \"\($0)\"") }.first
    }

    /// The helpers that the file names, each once.
    var helperNames: [String] {
        get throws {
            let own = try helpers.members.compactMap { try string($0.value, "the helper of \"\($0.name)\"") }
            return try Set(own + [store].compactMap(\.self)).sorted()
        }
    }

    /// Registries that the file names.
    var registries: [String] {
        get throws { try Array(Set(auths.names + helpers.names)).sorted() }
    }

    /// The secret that the file itself holds for a registry.
    /// - Parameters:
    ///   - names: the registry.
    ///   - repository: what is asked for; the key that fits it most closely counts.
    /// - Returns: the credential and how closely its key fits.
    /// - Throws: `Damage`.
    func entry(
        for names: RegistryNames, _ repository: Repository?
    ) throws -> (credential: Credential, fit: Int)? {
        // Sorted by name, so that equal files give equal answers; the proper names go before all others.
        let auths = try auths
        let known = names.all.filter { auths[$0] != nil }
        let keys = (known + auths.names.filter { !known.contains($0) }.sorted())
            .enumerated().compactMap { place, key in
                names.fit(key, repository).map { (key: key, fit: $0, place: place) }
            }
            .sorted { ($1.fit, $0.place) < ($0.fit, $1.place) }
        for (key, fit, _) in keys {
            if let credential = try credential(auths[key], key) { return (credential, fit) }
        }
        return nil
    }

    private var auths: JSONObject { get throws { try object(document["auths"], "\"auths\"") } }
    private var helpers: JSONObject { get throws { try object(document["credHelpers"], "\"credHelpers\"") } }

    private func object(_ value: JSONValue?, _ name: String) throws -> JSONObject {
        guard let value, value != .null else { return JSONObject() }
        guard let object = value.object else { throw Damage(description: "\(name) is not an object") }
        return object
    }

    private func string(_ value: JSONValue?, _ name: String) throws -> String? {
        guard let value, value != .null else { return nil }
        guard let text = value.string else { throw Damage(description: "\(name) is not a string") }
        return text.isEmpty ? nil : text
    }

    private func credential(_ value: JSONValue?, _ key: String) throws -> Credential? {
        let entry = try object(value, "the entry of \"\(key)\"")
        func text(_ name: String) throws -> String? { try string(entry[name], "\"\(name)\" of \"\(key)\"") }
        if let token = try text("identitytoken") { return .identityToken(token) }
        if let token = try text("registrytoken") { return .accessToken(token) }
        if let auth = try text("auth") {
            guard let data = Data(base64Encoded: auth.filter { !$0.isWhitespace }),
                let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":")
            else { throw Damage(description: "\"auth\" of \"\(key)\" is not base64 of user:password") }
            let password = text[text.index(after: colon)...].prefix { $0 != "\0" }
            return Credential(username: String(text[..<colon]), secret: String(password))
        }
        guard let username = try text("username"), let password = try text("password") else { return nil }
        return Credential(username: username, secret: password)
    }
}

// MARK: - Changes

extension CredentialFile {
    /// The members of an entry that are secrets or go with one.
    private static let secrets = ["auth", "identitytoken", "registrytoken", "username", "password"]

    /// Puts a secret down for a registry.
    mutating func set(_ credential: Credential, username: String, for names: RegistryNames) throws {
        try change(names) { entry in
            switch credential {
            case .password(let username, let password):
                entry["auth"] = .string(Self.encoded(username, password))
            case .identityToken(let token):
                // As docker does it: the name stays readable, without a password.
                entry["auth"] = .string(Self.encoded(username, ""))
                entry["identitytoken"] = .string(token)
            case .accessToken(let token): entry["registrytoken"] = .string(token)
            }
        }
    }

    /// Notes that a helper has the registry's secret, which the file itself no longer holds.
    mutating func setKeptByHelper(for names: RegistryNames) throws { try change(names) { _ in } }

    private mutating func change(_ names: RegistryNames, _ change: (inout JSONObject) -> Void) throws {
        var auths = try auths
        var entry = try object(auths[names.proper], "the entry of \"\(names.proper)\"")
        for name in Self.secrets { entry[name] = nil }
        change(&entry)
        // Another spelling of the registry's name must not keep an old secret.
        for key in try Self.spellings(of: names, in: auths) where key != names.proper { auths[key] = nil }
        auths[names.proper] = .object(entry)
        document["auths"] = .object(auths)
    }

    /// Removes what the file holds for a registry.
    /// - Returns: whether there was anything.
    mutating func remove(_ names: RegistryNames) throws -> Bool {
        var auths = try auths
        let keys = try Self.spellings(of: names, in: auths)
        for key in keys { auths[key] = nil }
        if !keys.isEmpty { document["auths"] = .object(auths) }
        return !keys.isEmpty
    }

    private static func spellings(of names: RegistryNames, in auths: JSONObject) throws -> [String] {
        auths.names.filter { names.fit($0, nil) != nil }
    }

    private static func encoded(_ username: String, _ password: String) -> String {
        Data("\(username):\(password)".utf8).base64EncodedString()
    }
}
