// SPDX-License-Identifier: Apache-2.0

/// Addresses that mean something on one wire only (RFC 3927, RFC 4291 §2.5.6), where clouds hand out the credentials of a
/// machine to whoever asks from it.
package enum LinkLocalAddress {
    private static let networks = [
        "169.254.0.0/16", "fe80::/10",
        // The same of IPv4 in clothes of IPv6: mapped (RFC 4291 §2.5.5.2) and translated (RFC 6052 §2.1).
        "::ffff:169.254.0.0/112", "64:ff9b::169.254.0.0/112",
        // Where Amazon's machines ask by IPv6.
        "fd00:ec2::254/128",
    ].compactMap { IPNetwork($0) }

    /// Whether an address, as its 4 or 16 bytes in network order, is one.
    package static func contains(_ bytes: [UInt8]) -> Bool {
        let address = IPAddress(bytes: bytes)
        return networks.contains { $0.contains(address) }
    }

    /// Whether a host, with or without a port, is written as such an address.
    package static func isNamed(by authority: String) -> Bool {
        var host = authority[...]
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        if host.hasPrefix("[") {
            host = host.dropFirst().prefix { $0 != "]" && $0 != "%" }
        } else if host.filter({ $0 == ":" }).count == 1 {
            host = host.prefix { $0 != ":" }
        }
        return IPAddress(host).map { contains($0.bytes) } ?? false
    }
}
