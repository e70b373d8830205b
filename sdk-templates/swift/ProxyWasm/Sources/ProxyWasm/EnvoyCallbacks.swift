// SPDX-License-Identifier: Apache-2.0

// What Envoy 1.40 offers beside the ABI: source/extensions/common/wasm/{wasm,context}.cc.

#if arch(wasm32)
    public import CProxyWasmABI
#else
    internal import CProxyWasmABI
#endif

/// An address that a host name stands for.
public struct DNSAddress: Sendable {
    /// The address, such as "127.0.0.1:0"; Envoy adds the port 0.
    public let address: Bytes
    /// For how many seconds it may be kept.
    public let timeToLive: UInt32
}

extension ProxyContext {
    /// Asks Envoy for the addresses of a host name, and calls `completion` with them; with none, if there are none.
    ///
    /// If the stream ends first, the closure is released and never called. What it throws goes to `onError`.
    @_alwaysEmitIntoClient
    public func resolveDNS(
        _ name: Bytes,
        completion: @escaping ([DNSAddress]) throws(HostError) -> Void
    ) throws(HostError) {
        #if arch(wasm32)
            proxy_wasm_export_on_resolve_dns()
        #endif
        try startResolvingDNS(id, name, completion)
    }
}

@usableFromInline
func startResolvingDNS(
    _ id: UInt32,
    _ name: Bytes,
    _ completion: @escaping ([DNSAddress]) throws(HostError) -> Void
) throws(HostError) {
    try activateForCall(id)
    var token: UInt32 = 0
    let status = name.withUnsafeBytes { envoy_resolve_dns($0.baseAddress, $0.count, &token) }
    try Host.check(status, "resolve host name")
    module.addCall(.dns, token, of: id) { (event) throws(HostError) in
        guard case .addresses(let size) = event else { return }
        let answer = try BufferKind.foreignFunctionArguments.bytes(from: 0, count: size)
        try completion(addresses(in: answer))
    }
}

/// A count, a time to live for each address, then the addresses, each ended by a NUL byte.
private func addresses(in answer: Bytes) throws(HostError) -> [DNSAddress] {
    if answer.isEmpty { return [] }
    var reader = NativeReader(answer)
    guard let count = reader.uint32(), count <= answer.count / 4 else {
        throw HostError("read addresses", .parseFailure)
    }
    var times: [UInt32] = []
    for _ in 0..<count {
        guard let time = reader.uint32() else { throw HostError("read addresses", .parseFailure) }
        times.append(time)
    }
    var addresses: [DNSAddress] = []
    for time in times {
        guard let (address, rest) = reader.rest.split(at: 0) else {
            throw HostError("read addresses", .parseFailure)
        }
        addresses.append(DNSAddress(address: address, timeToLive: time))
        reader = NativeReader(rest)
    }
    return addresses
}

/// The statistics that Envoy has flushed, to be read in the callback.
public struct StatsUpdate: Sendable {
    /// One of Envoy's statistics.
    public struct Statistic: Sendable {
        /// The name.
        public let name: Bytes
        /// The value now.
        public let value: UInt64
        /// For a counter, what was added since the last update; nil for a gauge.
        public let delta: UInt64?
    }

    let size: Int

    /// Calls `body` with each counter and each gauge that is in use.
    public func forEach(_ body: (Statistic) -> Void) throws(HostError) {
        let bytes = try BufferKind.foreignFunctionArguments.bytes(from: 0, count: size)
        guard StatsUpdate.read(bytes, body) else { throw HostError("read statistics", .parseFailure) }
    }

    /// Blocks of a size, a type and a count; each statistic has its name, padding up to a multiple of 8, and its values.
    static func read(_ bytes: Bytes, _ body: (Statistic) -> Void) -> Bool {
        var reader = NativeReader(bytes)
        while !reader.rest.isEmpty {
            guard reader.uint32() != nil, let type = reader.uint32(), let count = reader.uint32() else {
                return false
            }
            for _ in 0..<count {
                guard let size = reader.uint32(), let name = reader.take(Int(clamping: size)) else {
                    return false
                }
                reader.align(to: 8)
                guard let value = reader.uint64() else { return false }
                var delta: UInt64?
                if type == 1 {
                    guard let added = reader.uint64() else { return false }
                    delta = added
                }
                body(Statistic(name: name, value: value, delta: delta))
            }
        }
        return true
    }
}

/// Reads integers as they lie in the host's memory, little-endian.
struct NativeReader {
    private let start: Int
    private(set) var rest: Bytes

    init(_ bytes: Bytes) {
        start = bytes.startIndex
        rest = bytes
    }

    mutating func take(_ count: Int) -> Bytes? {
        guard count >= 0, count <= rest.count else { return nil }
        let end = rest.startIndex + count
        let taken = rest[rest.startIndex..<end]
        rest = rest[end..<rest.endIndex]
        return taken
    }

    mutating func uint32() -> UInt32? {
        take(4)?.withUnsafeBytes {
            UInt32(littleEndian: UnsafeRawBufferPointer($0).loadUnaligned(as: UInt32.self))
        }
    }

    mutating func uint64() -> UInt64? {
        take(8).flatMap { UInt64(attribute: $0) }
    }

    mutating func align(to alignment: Int) {
        let excess = (rest.startIndex - start) % alignment
        if excess != 0 { _ = take(min(alignment - excess, rest.count)) }
    }
}
