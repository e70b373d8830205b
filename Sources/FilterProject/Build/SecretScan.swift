// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Looks for the caller's secrets in a module: an image is made to be given away.
enum SecretScan {
    /// A shorter value is found everywhere by chance.
    private static let minimumLength = 8
    private static let words: Set<Substring> = [
        "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "KEY", "APIKEY", "CREDENTIAL",
        "CREDENTIALS",
    ]
    /// What a variable says that names a place and not the secret itself.
    private static let places: Set<Substring> = ["FILE", "PATH", "DIR", "URL", "SOCK", "ID", "NAME"]

    /// The variables whose names say that they are secret and whose values are in the module.
    static func leaks(_ environment: [String: String], in module: [UInt8]) -> [String] {
        environment.filter { name, value in
            value.utf8.count >= minimumLength && isSecret(name) && contains(module, Array(value.utf8))
        }
        .keys.sorted()
    }

    /// Whether a variable's name says that its value is secret, as `NPM_TOKEN` does.
    static func isSecret(_ name: String) -> Bool {
        let parts = name.uppercased().split(separator: "_")
        guard let last = parts.last, !places.contains(last) else { return false }
        return parts.contains { part in words.contains(part) || words.contains { part.hasSuffix($0) } }
    }

    private static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            pattern.withUnsafeBytes { pattern in
                guard let first = pattern.first, let wanted = pattern.baseAddress else { return false }
                var rest = bytes[...]
                while rest.count >= pattern.count {
                    let part = UnsafeRawBufferPointer(rebasing: rest)
                    guard let start = part.baseAddress,
                        let found = memchr(start, Int32(first), part.count - pattern.count + 1)
                    else { return false }
                    if memcmp(found, wanted, pattern.count) == 0 { return true }
                    rest = rest.dropFirst(start.distance(to: UnsafeRawPointer(found)) + 1)
                }
                return false
            }
        }
    }
}
