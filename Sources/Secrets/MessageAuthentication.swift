// SPDX-License-Identifier: Apache-2.0

private import COpenSSL

/// Authenticates a message with a key that both sides know, by HMAC with SHA-256 (RFC 2104).
/// - Returns: 32 bytes.
package func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    var length = 0
    let result = EVP_Q_mac(
        nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &code, code.count, &length)
    // Over memory it has no failure mode but a broken or forbidden OpenSSL build; no input can cause it.
    precondition(result != nil && length == code.count, "OpenSSL refuses HMAC with SHA-256")
    return code
}
