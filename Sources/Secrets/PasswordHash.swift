// SPDX-License-Identifier: Apache-2.0

private import CCrypt
private import COpenSSL
private import Foundation

/// What is kept of a password: enough to recognise it, and dear to guess from.
///
/// New ones are made by scrypt (RFC 7914) with its parameters in front, so that they can be raised later. Hashes of
/// bcrypt, as `htpasswd -B` writes them, are recognised too.
package struct PasswordHash: Hashable, Sendable, CustomStringConvertible {
    /// The cost of scrypt: `128 * 2^logN * r` bytes of memory, `p` times.
    package struct Cost: Hashable, Sendable {
        package let logN: Int
        package let r: Int
        package let p: Int

        package init(logN: Int, r: Int, p: Int) {
            self.logN = logN
            self.r = r
            self.p = p
        }

        /// 16 MiB five times over: a fifth of a second of one core.
        package static let standard = Self(logN: 14, r: 8, p: 5)
    }

    private enum Form: Hashable {
        case scrypt(Cost, salt: [UInt8], key: [UInt8])
        case bcrypt(String)
    }

    private let form: Form

    /// The form in which it is stored, as in `$scrypt$ln=14,r=8,p=5$<salt>$<key>`.
    package let description: String

    /// More than this is refused before it is hashed.
    package static let longestPassword = 1024

    /// Hashes a new password; it takes the time that `cost` says.
    package init(of password: String, cost: Cost = .standard) {
        let salt = Self.random(16)
        self.init(cost, salt: salt, key: Self.scrypt(password, cost, salt))
    }

    /// A hash of what nobody knows, made in no time: to refuse a password by it takes as long as by any other.
    package init(decoy cost: Cost) { self.init(cost, salt: Self.random(16), key: Self.random(32)) }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private init(_ cost: Cost, salt: [UInt8], key: [UInt8]) {
        form = .scrypt(cost, salt: salt, key: key)
        description = "$scrypt$ln=\(cost.logN),r=\(cost.r),p=\(cost.p)$\(Self.text(salt))$\(Self.text(key))"
    }

    /// Reads the stored form; nil for one that is not known, or that would take too long.
    package init?(stored text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        if parts.count == 4, parts[0].isEmpty, ["2a", "2b", "2y"].contains(parts[1]),
            parts[3].utf8.count == 53,
            let rounds = Int(parts[2]), parts[2].utf8.count == 2, (4...14).contains(rounds)
        {
            form = .bcrypt(text)
        } else if parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt", let cost = Cost(parts[2]),
            let salt = Self.bytes(parts[3]), salt.count >= 16, let key = Self.bytes(parts[4]), key.count == 32
        {
            form = .scrypt(cost, salt: salt, key: key)
        } else {
            return nil
        }
        description = text
    }

    /// Whether this is the password; it takes the same time whichever byte is wrong.
    package func matches(_ password: String) -> Bool {
        guard password.utf8.count <= Self.longestPassword, Self.isPossible(password) else { return false }
        switch form {
        case .scrypt(let cost, let salt, let key):
            return isEqualInConstantTime(Self.scrypt(password, cost, salt), key)
        case .bcrypt(let setting):
            let result = withUnsafeTemporaryAllocation(of: crypt_data.self, capacity: 1) { data -> String? in
                guard let state = data.baseAddress else { return nil }
                memset(state, 0, MemoryLayout<crypt_data>.size)
                return crypt_r(password, setting, state).map { String(cString: $0) }
            }
            return isEqualInConstantTime(Array((result ?? "*").utf8), Array(setting.utf8))
        }
    }

    /// Whether a new hash of the same password would be better.
    package func isOutdated(for cost: Cost = .standard) -> Bool {
        guard case .scrypt(let own, _, _) = form else { return true }
        return own != cost
    }

    /// Whether a text can be a password: bcrypt ends at a NUL, and scrypt does not tell one at the end from none.
    package static func isPossible(_ password: String) -> Bool { !password.utf8.contains(0) }

    private static func scrypt(_ password: String, _ cost: Cost, _ salt: [UInt8]) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: 32)
        let memory = UInt64(128 * cost.r) << UInt64(cost.logN) + 4 << 20
        let result = EVP_PBE_scrypt(
            password, password.utf8.count, salt, salt.count, 1 << UInt64(cost.logN), UInt64(cost.r),
            UInt64(cost.p), memory, &key, key.count)
        precondition(result == 1, "OpenSSL refuses scrypt")
        return key
    }

    private static func text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        Data(base64Encoded: String(text)).map { Array($0) }
    }
}

extension PasswordHash.Cost {
    /// Reads `ln=14,r=8,p=5`; nil for anything that would take too much time or memory.
    fileprivate init?(_ text: Substring) {
        let values = text.split(separator: ",").map { $0.split(separator: "=") }
        guard values.count == 3, values.allSatisfy({ $0.count == 2 }),
            values.map({ String($0[0]) }) == ["ln", "r", "p"],
            let logN = Int(values[0][1]), let r = Int(values[1][1]), let p = Int(values[2][1]),
            (1...17).contains(logN), (1...16).contains(r), (1...16).contains(p)
        else { return nil }
        self.init(logN: logN, r: r, p: p)
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
package func isEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
