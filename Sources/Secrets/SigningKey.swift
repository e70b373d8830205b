// SPDX-License-Identifier: Apache-2.0

private import COpenSSL

/// A key pair of Ed25519 (RFC 8032).
package final class SigningKey: @unchecked Sendable {
    // Made once and only read afterwards, which OpenSSL allows from several threads.
    private let key: OpaquePointer

    /// Draws a new key.
    package convenience init() {
        var generator = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard let key = Self.load(seed) else { preconditionFailure("OpenSSL refuses Ed25519") }
        self.init(key)
    }

    /// Reads the 32 bytes that `privateBytes` gave; nil for anything else.
    package convenience init?(privateBytes: [UInt8]) {
        guard privateBytes.count == 32, let key = Self.load(privateBytes) else { return nil }
        self.init(key)
    }

    private init(_ key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    private static func load(_ seed: [UInt8]) -> OpaquePointer? {
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count)
    }

    /// What must be kept secret.
    package var privateBytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        precondition(EVP_PKEY_get_raw_private_key(key, &bytes, &count) == 1, "OpenSSL lost a key")
        return bytes
    }

    package var publicBytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        precondition(EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, "OpenSSL lost a key")
        return bytes
    }

    /// The 64 bytes of a signature.
    package func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        precondition(
            EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                && EVP_DigestSign(context, &signature, &count, message, message.count) == 1,
            "OpenSSL refuses to sign")
        return signature
    }

    /// Whether a signature is of this key.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        let context = EVP_MD_CTX_new()
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
