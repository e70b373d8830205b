// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The host's functions in terms of Swift, as far as several types need them.
enum Host {
    /// A call by which the host hands over a buffer: it sets the pointer and the size.
    typealias Handover = (
        UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>
    ) -> proxy_wasm_status

    /// Turns a status other than "ok" into an error.
    static func check(_ status: proxy_wasm_status, _ operation: Bytes) throws(HostError) {
        guard status == PROXY_WASM_STATUS_OK else {
            throw HostError(operation, HostError.Status(rawValue: status))
        }
    }

    /// What `call` hands over, or nil if it answers "not found".
    static func optionalBytes(
        _ operation: Bytes,
        _ call: Handover
    ) throws(HostError) -> Bytes? {
        var pointer: UnsafeMutablePointer<UInt8>?
        var size = 0
        let status = call(&pointer, &size)
        // The host obtained the buffer from this module's `malloc` and leaves it to the module.
        defer { proxy_wasm_free(pointer) }
        if status == HostError.Status.notFound.rawValue { return nil }
        try check(status, operation)
        guard let pointer, size > 0 else { return "" }
        return Bytes(Array(UnsafeBufferPointer(start: pointer, count: size)))
    }

    /// What `call` hands over; "not found" is an error.
    static func bytes(
        _ operation: Bytes,
        _ call: Handover
    ) throws(HostError) -> Bytes {
        guard let bytes = try optionalBytes(operation, call) else { throw HostError(operation, .notFound) }
        return bytes
    }

    /// Which configuration, body or message a buffer is (Proxy-Wasm 0.2.1, "Buffer types").
    enum Buffer: UInt32 {
        case vmConfiguration = 6
        case pluginConfiguration = 7
    }

    static func buffer(_ buffer: Buffer, size: Int) throws(HostError) -> Bytes {
        guard size > 0 else { return "" }
        return try bytes("read configuration") { pointer, count in
            proxy_get_buffer_bytes(buffer.rawValue, 0, size, pointer, count)
        }
    }

    /// A property of the proxy by its path; the parts are joined by NUL bytes, as the ABI demands.
    static func property(_ path: [Bytes]) throws(HostError) -> Bytes? {
        var joined: [UInt8] = []
        for (index, part) in path.enumerated() {
            if index > 0 { joined.append(0) }
            part.withUnsafeBytes { joined.append(contentsOf: $0) }
        }
        return try optionalBytes("read property") { pointer, size in
            joined.withUnsafeBufferPointer {
                proxy_get_property($0.baseAddress, $0.count, pointer, size)
            }
        }
    }

    static func log(_ level: LogLevel, _ message: Bytes) {
        _ = message.withUnsafeBytes { proxy_log(level.rawValue, $0.baseAddress, $0.count) }
    }
}
