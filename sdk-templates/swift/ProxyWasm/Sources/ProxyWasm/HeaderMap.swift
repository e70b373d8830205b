// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The headers of a request or a response, as they are in the proxy: each call reads or changes them there.
///
/// Names are compared without regard to case. Pseudo-headers such as ":path" and ":status" are among the headers.
public struct HeaderMap: Sendable {
    /// Which headers (Proxy-Wasm 0.2.1, "Header map types").
    package enum Kind: UInt32, Sendable {
        case requestHeaders = 0
        case responseHeaders = 2
    }

    private let kind: Kind

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// The value of a header, or nil if there is none; Envoy joins several by commas.
    public func get(_ name: Bytes) throws(HostError) -> Bytes? {
        try Host.optionalBytes("read header") { pointer, size in
            name.withUnsafeBytes {
                proxy_get_header_map_value(kind.rawValue, $0.baseAddress, $0.count, pointer, size)
            }
        }
    }

    /// All headers in order.
    public func all() throws(HostError) -> [HeaderField] {
        let list = try Host.bytes("read headers") { pointer, size in
            proxy_get_header_map_pairs(kind.rawValue, pointer, size)
        }
        guard let fields = HeaderList.decode(list) else { throw HostError("read headers", .parseFailure) }
        return fields
    }

    /// Sets a header, in place of any that has this name.
    public func set(_ name: Bytes, to value: Bytes) throws(HostError) {
        try validate(HeaderField(name, value), "set header")
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
        try validate(HeaderField(name, value), "add header")
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
        let status = name.withUnsafeBytes {
            proxy_remove_header_map_value(kind.rawValue, $0.baseAddress, $0.count)
        }
        guard status != HostError.Status.notFound.rawValue else { return }
        try Host.check(status, "remove header")
    }

    /// Sets all headers, in place of those there are.
    public func replaceAll(with fields: [HeaderField]) throws(HostError) {
        for field in fields {
            try validate(field, "set headers")
        }
        let status = HeaderList.encode(fields).withUnsafeBufferPointer {
            proxy_set_header_map_pairs(kind.rawValue, $0.baseAddress, $0.count)
        }
        try Host.check(status, "set headers")
    }
}

/// Throws unless a field can be written on the wire.
func validate(_ field: HeaderField, _ operation: Bytes) throws(HostError) {
    guard HeaderField.isValidName(field.name), HeaderField.isValidValue(field.value) else {
        throw HostError("\(operation) \"\(field.name)\"", .badArgument)
    }
}
