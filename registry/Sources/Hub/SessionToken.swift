// SPDX-License-Identifier: Apache-2.0

private import Foundation
import OCI
import Secrets
private import Synchronization

/// What a session token says (distribution's token specification, "Claim Set").
struct SessionClaims: Hashable, Sendable, Codable {
    struct Access: Hashable, Sendable, Codable {
        let type: String
        let name: String
        let actions: [String]
    }

    let iss: String
    let aud: String
    /// The account's name; empty for nobody in particular.
    let sub: String
    let iat: Int64
    let nbf: Int64
    let exp: Int64
    let jti: String
    let access: [Access]
    /// The account's key: a name may be given again to somebody else.
    let uid: Int64?
    /// The token that it was made from.
    let tid: String?
    /// The repositories whose names may be told, as patterns: those that the token beneath it is for; nil for no such limit.
    var names: [String]?
}

/// Makes session tokens and recognises them: JWTs (RFC 7519) signed with Ed25519 (RFC 8037) by keys of the data folder.
///
/// The algorithm is fixed, and a key is only ever looked up by its name among our own: whatever else a header says
/// (`jwk`, `jku`, `x5c`) is not read. Old keys verify until what they signed has expired.
actor SessionTokens {
    private struct Key {
        let stored: StoredSigningKey
        let key: SigningKey
    }

    private let store: any SigningKeyStore
    private let now: @Sendable () -> Int64
    private var keys: [Key] = []
    private var loadedAt: Int64 = 0
    private let recognised = Mutex<[String: SessionClaims]>([:])

    static let issuer = "wasme-hub"
    /// Seconds that a token is good for.
    static let lifetime: Int64 = 300
    /// Seconds after which another key signs.
    static let keyLifetime: Int64 = 30 * 24 * 3600
    /// Clocks of several machines do not agree to the second.
    private static let leeway: Int64 = 30
    private static let capacity = 2000

    init(_ store: any SigningKeyStore, now: @escaping @Sendable () -> Int64) {
        self.store = store
        self.now = now
    }

    /// Signs claims.
    func sign(_ claims: SessionClaims) async throws -> String {
        let key = try await signingKey()
        let header = ["alg": "EdDSA", "typ": "JWT", "kid": key.stored.id]
        let text = "\(base64URL(try canonicalJSON(header))).\(base64URL(try canonicalJSON(claims)))"
        return "\(text).\(base64URL(key.key.sign(Array(text.utf8))))"
    }

    /// The claims of a token; nil for one that is not ours, or not of now, or for somebody else.
    func verify(_ token: String, audience: String) async throws -> SessionClaims? {
        let time = now()
        if let claims = recognised.withLock({ $0[token] }) { return claims.isValid(at: time) ? claims : nil }
        guard token.utf8.count < 16 << 10 else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = base64URLDecoded(parts[0]),
            let payload = base64URLDecoded(parts[1]), let signature = base64URLDecoded(parts[2]),
            let head = try? JSONDecoder().decode(Header.self, from: Data(header)), head.alg == "EdDSA",
            head.crit == nil, let key = try await key(named: head.kid),
            key.verifies(signature, of: Array("\(parts[0]).\(parts[1])".utf8)),
            let claims = try? JSONDecoder().decode(SessionClaims.self, from: Data(payload)),
            claims.iss == Self.issuer, claims.aud == audience, claims.nbf <= time + Self.leeway,
            claims.isValid(at: time)
        else { return nil }
        recognised.withLock { recognised in
            if recognised.count >= Self.capacity { recognised = [:] }
            recognised[token] = claims
        }
        return claims
    }

    /// The claims of a token that was verified before and is still valid.
    nonisolated func recall(_ token: String) -> SessionClaims? {
        recognised.withLock { $0[token] }.flatMap { $0.isValid(at: now()) ? $0 : nil }
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String
        /// Extensions that whoever reads the token must know (RFC 7515 §4.1.11); we know none.
        let crit: [String]?
    }

    private func key(named name: String) async throws -> SigningKey? {
        if let key = keys.first(where: { $0.stored.id == name }) { return key.key }
        // A command may have added one; a client that makes names up does not make us look each time.
        guard now() - loadedAt > 5 else { return nil }
        try await load()
        return keys.first { $0.stored.id == name }?.key
    }

    private func signingKey() async throws -> Key {
        if now() - loadedAt > 60 || keys.isEmpty { try await load() }
        if let key = keys.last, now() - key.stored.createdAt < Self.keyLifetime { return key }
        try await addKey()
        guard let key = keys.last else { throw HubError(.storageFailed, "a signing key is not there") }
        return key
    }

    /// Makes a key that signs from now on.
    func addKey() async throws {
        let key = SigningKey()
        let id = String(Digest(of: key.publicBytes).hex.prefix(16))
        try await store.addSigningKey(
            StoredSigningKey(id: id, privateBytes: key.privateBytes, createdAt: now()),
            forgettingBefore: now() - 2 * Self.keyLifetime)
        try await load()
    }

    private func load() async throws {
        loadedAt = now()
        keys = try await store.signingKeys().compactMap { stored in
            SigningKey(privateBytes: stored.privateBytes).map { Key(stored: stored, key: $0) }
        }
    }
}

extension SessionClaims {
    fileprivate func isValid(at time: Int64) -> Bool { time < exp && exp - nbf <= 24 * 3600 }
}

/// Bytes in the alphabet that fits URLs, without padding (RFC 7515 §2).
func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
        .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
}

/// The bytes that a text stands for; nil for anything but the one text that `base64URL` gives.
func base64URLDecoded(_ text: some StringProtocol) -> [UInt8]? {
    let standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: standard + padding), base64URL(Array(data)) == String(text) else {
        return nil
    }
    return Array(data)
}
