// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The headers of a request or a response, as they are in the proxy: each call reads or changes them there.
///
/// Names are compared without regard to case. Pseudo-headers such as ":path" and ":status" are among the headers.
public struct HeaderMap: Sendable {
    /// Which headers (Proxy-Wasm 0.2.1, "Header map types").
    package enum Kind: UInt32, Sendable {
        case requestHeaders = 0
        case requestTrailers = 1
        case responseHeaders = 2
        case responseTrailers = 3
        case grpcInitialMetadata = 4
        case grpcTrailingMetadata = 5
        case callResponseHeaders = 6
        case callResponseTrailers = 7
    }

    private let kind: Kind
    private let context: UInt32

    init(_ kind: Kind, of context: UInt32) {
        self.kind = kind
        self.context = context
    }

    /// How many bytes the names and values have.
    public var byteCount: Int {
        get throws(HostError) {
            try activate(context)
            var size = 0
            try Host.check(proxy_get_header_map_size(kind.rawValue, &size), "read size of headers")
            return size
        }
    }

    /// The value of a header, or nil if there is none; of several, Envoy gives the first.
    ///
    /// Where a second one could deceive, use ``values(of:)``.
    public func get(_ name: Bytes) throws(HostError) -> Bytes? {
        try activate(context)
        return try Host.optionalBytes("read header") { pointer, size in
            name.withUnsafeBytes {
                proxy_get_header_map_value(kind.rawValue, $0.baseAddress, $0.count, pointer, size)
            }
        }
    }

    /// The values of all headers of a name, in order.
    public func values(of name: Bytes) throws(HostError) -> [Bytes] {
        var values: [Bytes] = []
        try forEach { candidate, value in
            if candidate.equalsIgnoringCase(name) { values.append(value) }
        }
        return values
    }

    /// All headers in order; names and values share one buffer.
    public func all() throws(HostError) -> [HeaderField] {
        var fields: [HeaderField] = []
        try forEach { name, value in fields.append(HeaderField(name, value)) }
        return fields
    }

    /// Calls `body` with each header in order.
    public func forEach(_ body: (Bytes, Bytes) -> Void) throws(HostError) {
        try activate(context)
        let list = try Host.bytes("read headers") { pointer, size in
            proxy_get_header_map_pairs(kind.rawValue, pointer, size)
        }
        guard HeaderList.decode(list, body) else { throw HostError("read headers", .parseFailure) }
    }

    /// Sets a header, in place of any that has this name.
    public func set(_ name: Bytes, to value: Bytes) throws(HostError) {
        try HeaderList.validate(name, value, "set header")
        try activate(context)
        let status = name.withUnsafeBytes { name in
            value.withUnsafeBytes { value in
                proxy_replace_header_map_value(
                    kind.rawValue,
                    name.baseAddress,
                    name.count,
                    value.baseAddress,
                    value.count
                )
            }
        }
        try Host.check(status, "set header")
    }

    /// Adds a header, beside any that has this name.
    public func add(_ name: Bytes, _ value: Bytes) throws(HostError) {
        try HeaderList.validate(name, value, "add header")
        try activate(context)
        let status = name.withUnsafeBytes { name in
            value.withUnsafeBytes { value in
                proxy_add_header_map_value(
                    kind.rawValue,
                    name.baseAddress,
                    name.count,
                    value.baseAddress,
                    value.count
                )
            }
        }
        try Host.check(status, "add header")
    }

    /// Removes every header that has this name; there may be none.
    public func remove(_ name: Bytes) throws(HostError) {
        try activate(context)
        let status = name.withUnsafeBytes {
            proxy_remove_header_map_value(kind.rawValue, $0.baseAddress, $0.count)
        }
        guard status != HostError.Status.notFound.rawValue else { return }
        try Host.check(status, "remove header")
    }

    /// Sets all headers, in place of those there are.
    public func replaceAll(with fields: [HeaderField]) throws(HostError) {
        let list = try HeaderList.validated(fields, "set headers")
        try activate(context)
        let status = list.withUnsafeBytes {
            proxy_set_header_map_pairs(kind.rawValue, $0.baseAddress, $0.count)
        }
        try Host.check(status, "set headers")
    }
}
