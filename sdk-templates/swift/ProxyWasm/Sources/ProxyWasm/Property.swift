// SPDX-License-Identifier: Apache-2.0

/// What the proxy knows about itself, the connection and the current exchange.
///
/// Envoy lists its attributes at <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>.
/// Text comes as it is; integers come as 8 bytes in little-endian order.
public enum Property {
    /// The value at a path such as `("request", "path")`, or nil if there is none.
    public static func bytes(_ path: Bytes...) throws(HostError) -> Bytes? {
        try Host.property(path)
    }

    /// The integer at a path such as `("source", "port")`, or nil if there is none.
    public static func integer(_ path: Bytes...) throws(HostError) -> Int64? {
        guard let bytes = try Host.property(path) else { return nil }
        guard bytes.count == 8 else { throw HostError("read property", .parseFailure) }
        return Int64(truncatingIfNeeded: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
