// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// An address of IPv4 or IPv6; one of IPv4 is the IPv6 address that maps it (RFC 4291 §2.5.5.2).
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    fileprivate let high: UInt64
    fileprivate let low: UInt64

    /// Parses an address without brackets and port; a zone is left out.
    package init?(_ text: some StringProtocol) {
        let text = String(text.prefix { $0 != "%" })
        var bytes = [UInt8](repeating: 0, count: 16)
        if text.contains(":") {
            guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        } else {
            var four: [UInt8] = [0, 0, 0, 0]
            guard inet_pton(AF_INET, text, &four) == 1 else { return nil }
            bytes = Array(repeating: 0, count: 10) + [0xFF, 0xFF] + four
        }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    fileprivate var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether it can be no other machine's (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    var isThisMachine: Bool { isIPv4 ? low & 0xFF00_0000 == 0x7F00_0000 : high == 0 && low == 1 }

    /// As RFC 5952 writes it, and IPv4 with dots.
    package var description: String {
        var bytes: [UInt8] = []
        for word in [high, low] {
            for shift in (0..<8).reversed() { bytes.append(UInt8(word >> (8 * shift) & 0xFF)) }
        }
        if isIPv4 { return bytes[12...].map { "\($0)" }.joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "::" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Addresses with one beginning, as in `10.0.0.0/8` (RFC 4632 §3.1).
package struct AddressRange: Hashable, Sendable {
    private let first: IPAddress
    /// Leading bits that count, of 128.
    private let bits: Int

    /// Parses a range, or one address.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parts[0]), !parts[0].contains("%") else {
            return nil
        }
        let width = parts[0].contains(":") ? 128 : 32
        var length = width
        if parts.count == 2 {
            guard let number = decimal(parts[1]), number <= width else { return nil }
            length = Int(number)
        }
        first = address
        bits = length + 128 - width
    }

    package func contains(_ address: IPAddress) -> Bool {
        func same(_ left: UInt64, _ right: UInt64, _ bits: Int) -> Bool {
            bits <= 0 || (left ^ right) >> UInt64(64 - min(bits, 64)) == 0
        }
        return same(first.high, address.high, bits) && same(first.low, address.low, bits - 64)
    }
}
