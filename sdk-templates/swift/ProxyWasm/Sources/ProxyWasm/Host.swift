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
    static func optionalBytes(_ operation: Bytes, _ call: Handover) throws(HostError) -> Bytes? {
        var pointer: UnsafeMutablePointer<UInt8>?
        var size = 0
        let status = call(&pointer, &size)
        // The host obtained the buffer from this module's `malloc` and leaves it to the module; with an error too.
        let buffer = pointer.map { Buffer(adopting: $0, count: max(size, 0)) }
        if status == HostError.Status.notFound.rawValue { return nil }
        try check(status, operation)
        return buffer.map { Bytes($0) } ?? ""
    }

    /// What `call` hands over; "not found" is an error.
    static func bytes(_ operation: Bytes, _ call: Handover) throws(HostError) -> Bytes {
        guard let bytes = try optionalBytes(operation, call) else { throw HostError(operation, .notFound) }
        return bytes
    }

    static func log(_ level: LogLevel, _ message: Bytes) {
        _ = message.withUnsafeBytes { proxy_log(level.rawValue, $0.baseAddress, $0.count) }
    }
}

/// Which configuration, body or message a buffer is (Proxy-Wasm 0.2.1, "Buffer types").
package enum BufferKind: UInt32, Sendable {
    case requestBody = 0
    case responseBody = 1
    case downstreamData = 2
    case upstreamData = 3
    case callResponseBody = 4
    case grpcMessage = 5
    case vmConfiguration = 6
    case pluginConfiguration = 7
    case foreignFunctionArguments = 8

    /// A part of the buffer, or none of it if there is less.
    func bytes(from start: Int, count: Int) throws(HostError) -> Bytes {
        guard count > 0 else { return "" }
        // A host that has no such buffer any more says "not found".
        return try Host.bytes("read buffer") { pointer, size in
            proxy_get_buffer_bytes(rawValue, start, count, pointer, size)
        }
    }

    /// Puts bytes in place of a part of the buffer.
    func set(from start: Int, count: Int, to bytes: Bytes) throws(HostError) {
        let status = bytes.withUnsafeBytes {
            proxy_set_buffer_bytes(rawValue, start, count, $0.baseAddress, $0.count)
        }
        try Host.check(status, "change buffer")
    }
}
