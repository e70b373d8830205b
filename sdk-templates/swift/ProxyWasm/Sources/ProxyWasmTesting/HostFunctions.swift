// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
internal import ProxyWasm

private let ok: proxy_wasm_status = 0
private let notFound = HostError.Status.notFound.rawValue
private let badArgument = HostError.Status.badArgument.rawValue

extension proxy_wasm_host {
    /// The host functions of an emulator, which must outlive them.
    static func emulated(by emulator: HostEmulator) -> proxy_wasm_host {
        var host = proxy_wasm_host()
        host.`self` = Unmanaged.passUnretained(emulator).toOpaque()
        host.module = Unmanaged.passUnretained(emulator.module).toOpaque()
        host.addGeneralFunctions()
        host.addHeaderFunctions()
        host.addMetricFunctions()
        return host
    }

    private mutating func addGeneralFunctions() {
        log = { host, level, message, size in
            guard let level = LogLevel(rawValue: level) else { return badArgument }
            emulator(host)?.log.append(HostEmulator.LogLine(level: level, message: bytes(message, size)))
            return ok
        }
        get_log_level = { _, level in
            level?.pointee = LogLevel.trace.rawValue
            return ok
        }
        get_current_time_nanoseconds = { host, time in
            time?.pointee = emulator(host)?.time ?? 0
            return ok
        }
        get_property = { host, path, pathSize, value, size in
            let path = bytes(path, pathSize)
            if path == "plugin_root_id" { return give(emulator(host)?.rootID, value, size) }
            let dotted = Bytes(path.map { $0 == 0 ? UInt8(ascii: ".") : $0 })
            let emulator = emulator(host)
            return give(emulator?.properties[dotted] ?? emulator?.current?.property(dotted), value, size)
        }
        get_buffer_bytes = { host, buffer, start, length, value, size in
            let contents: Bytes
            switch buffer {
            case 6: contents = emulator(host)?.vmConfiguration ?? ""
            case 7: contents = emulator(host)?.configuration ?? ""
            default: return notFound
            }
            return give(Bytes(contents.dropFirst(start).prefix(length)), value, size)
        }
        send_local_response = { host, status, details, detailsSize, body, bodySize, headers, headersSize, _ in
            guard let exchange = emulator(host)?.current,
                let fields = HeaderList.decode(bytes(headers, headersSize))
            else { return badArgument }
            exchange.localResponse = EmulatedExchange.LocalResponse(
                status: status,
                headers: Headers([HeaderField(":status", Bytes(status))] + fields),
                body: bytes(body, bodySize),
                details: bytes(details, detailsSize)
            )
            return ok
        }
    }

    private mutating func addHeaderFunctions() {
        get_header_map_value = { host, map, name, nameSize, value, size in
            withHeaders(host, map) { give($0[bytes(name, nameSize)], value, size) }
        }
        get_header_map_pairs = { host, map, pairs, size in
            withHeaders(host, map) { give(HeaderList.encode($0.fields), pairs, size) }
        }
        add_header_map_value = { host, map, name, nameSize, value, valueSize in
            withHeaders(host, map) {
                $0.add(bytes(name, nameSize), bytes(value, valueSize))
                return ok
            }
        }
        replace_header_map_value = { host, map, name, nameSize, value, valueSize in
            withHeaders(host, map) {
                $0.set(bytes(name, nameSize), to: bytes(value, valueSize))
                return ok
            }
        }
        remove_header_map_value = { host, map, name, nameSize in
            withHeaders(host, map) {
                $0.remove(bytes(name, nameSize))
                return ok
            }
        }
        set_header_map_pairs = { host, map, pairs, size in
            guard let fields = HeaderList.decode(bytes(pairs, size)) else { return badArgument }
            return withHeaders(host, map) {
                $0 = Headers(fields)
                return ok
            }
        }
    }

    private mutating func addMetricFunctions() {
        define_metric = { host, kind, name, size, id in
            guard let emulator = emulator(host), kind <= 2 else { return badArgument }
            let name = bytes(name, size)
            if let index = emulator.metrics.firstIndex(where: { $0.name == name && $0.kind == kind }) {
                id?.pointee = UInt32(index)
            } else {
                id?.pointee = UInt32(emulator.metrics.count)
                emulator.metrics.append(HostEmulator.Metric(name: name, kind: kind))
            }
            return ok
        }
        increment_metric = { host, id, offset in
            withMetric(host, id) { $0.value &+= UInt64(bitPattern: offset) }
        }
        record_metric = { host, id, value in
            withMetric(host, id) { $0.value = value }
        }
        get_metric = { host, id, value in
            withMetric(host, id) { value?.pointee = $0.value }
        }
    }
}

private func emulator(_ pointer: UnsafeMutableRawPointer?) -> HostEmulator? {
    pointer.map { Unmanaged<HostEmulator>.fromOpaque($0).takeUnretainedValue() }
}

private func bytes(_ pointer: UnsafePointer<UInt8>?, _ size: Int) -> Bytes {
    Bytes(Array(UnsafeBufferPointer(start: pointer, count: pointer == nil ? 0 : size)))
}

/// Hands a copy of `contents` over to the module.
private func give(
    _ contents: Bytes?,
    _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
    _ size: UnsafeMutablePointer<Int>?
) -> proxy_wasm_status {
    guard let contents else { return notFound }
    guard let pointer, let size, let buffer = proxy_wasm_allocate(contents.count) else { return badArgument }
    contents.withUnsafeBytes { contents in
        guard let start = contents.baseAddress else { return }
        buffer.copyMemory(from: start, byteCount: contents.count)
    }
    pointer.pointee = buffer.assumingMemoryBound(to: UInt8.self)
    size.pointee = contents.count
    return ok
}

/// The headers of the current exchange, if they have arrived.
private func withHeaders(
    _ host: UnsafeMutableRawPointer?,
    _ map: UInt32,
    _ body: (inout Headers) -> proxy_wasm_status
) -> proxy_wasm_status {
    guard let exchange = emulator(host)?.current else { return badArgument }
    switch HeaderMap.Kind(rawValue: map) {
    case .requestHeaders where exchange.hasRequest: return body(&exchange.requestHeaders)
    case .responseHeaders where exchange.hasResponse: return body(&exchange.responseHeaders)
    default: return badArgument
    }
}

private func withMetric(
    _ host: UnsafeMutableRawPointer?,
    _ id: UInt32,
    _ body: (inout HostEmulator.Metric) -> Void
) -> proxy_wasm_status {
    guard let emulator = emulator(host), id < emulator.metrics.count else { return notFound }
    body(&emulator.metrics[Int(id)])
    return ok
}
