// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
internal import ProxyWasm

private typealias Function = (HostEmulator, any HostContext) -> Status

extension proxy_wasm_host {
    /// The host functions of an emulator, which must outlive them.
    static func emulated(by emulator: HostEmulator) -> proxy_wasm_host {
        var host = proxy_wasm_host()
        host.`self` = Unmanaged.passUnretained(emulator).toOpaque()
        host.module = Unmanaged.passUnretained(emulator.module).toOpaque()
        host.ledger = proxy_wasm_open_ledger()
        host.before = { host, function in
            host.map { Unmanaged<HostEmulator>.fromOpaque($0).takeUnretainedValue().before(function) } ?? 0
        }
        host.addGeneralFunctions()
        host.addStreamFunctions()
        host.addHeaderFunctions()
        host.addPropertyFunctions()
        host.addSharedFunctions()
        host.addMetricFunctions()
        host.addCallFunctions()
        host.addGRPCFunctions()
        return host
    }

    private mutating func addGeneralFunctions() {
        log = { host, level, message, size in
            act(host) { emulator, _ in
                guard let level = LogLevel(rawValue: level) else { return .badArgument }
                guard level >= emulator.logLevel else { return .ok }
                emulator.log.append(HostEmulator.LogLine(level: level, message: bytes(message, size)))
                return .ok
            }
        }
        get_log_level = { host, level in
            act(host) { emulator, _ in
                level?.pointee = emulator.logLevel.rawValue
                return .ok
            }
        }
        get_current_time_nanoseconds = { host, time in
            act(host) { emulator, _ in
                time?.pointee = emulator.time
                return .ok
            }
        }
        get_status = { host, code, message, size in
            act(host) { emulator, _ in
                code?.pointee = emulator.status.code
                return give(emulator, emulator.status.message, message, size)
            }
        }
        set_effective_context = { host, id in
            act(host) { emulator, _ in
                guard emulator.contexts[id] != nil else { return .badArgument }
                emulator.effective = id
                return .ok
            }
        }
        set_tick_period_milliseconds = { host, period in
            act(host) { emulator, context in
                emulator.setTick(of: context.plugin, to: UInt64(period))
                return .ok
            }
        }
        done = { host in
            act(host) { emulator, context in emulator.done(context.plugin) }
        }
        call_foreign_function = { host, name, nameSize, arguments, size, result, resultSize in
            act(host) { emulator, _ in
                guard let function = emulator.foreignFunctions[bytes(name, nameSize)] else {
                    return .notFound
                }
                do throws(HostError) {
                    return give(emulator, try function(bytes(arguments, size)), result, resultSize)
                } catch {
                    return error.status
                }
            }
        }
    }

    private mutating func addStreamFunctions() {
        continue_stream = { host, stream in
            act(host) { _, context in stream > 3 ? .badArgument : context.resume(stream) }
        }
        close_stream = { host, stream in
            act(host) { _, context in stream > 3 ? .badArgument : context.close(stream) }
        }
        send_local_response = {
            host, status, details, detailsSize, body, bodySize, headers, headersSize, grpc in
            act(host) { emulator, context in
                let fields = fields(headers, headersSize)
                let details = Bytes(bytes(details, detailsSize).map { isSpace($0) ? UInt8(ascii: "_") : $0 })
                context.respond(
                    EmulatedExchange.LocalResponse(
                        status: status,
                        headers: Headers([HeaderField(":status", Bytes(status))] + fields),
                        body: bytes(body, bodySize),
                        details: details,
                        grpcStatus: (0...16).contains(grpc) ? GRPCStatus(rawValue: UInt32(grpc)) : nil))
                emulator.stopsIteration = true
                return .ok
            }
        }
        get_buffer_bytes = { host, kind, start, length, value, size in
            act(host) { emulator, context in
                guard let kind = BufferKind(rawValue: kind) else { return .badArgument }
                guard let contents = buffer(kind, emulator, context) else { return .notFound }
                let (end, overflow) = UInt32(truncatingIfNeeded: start)
                    .addingReportingOverflow(UInt32(truncatingIfNeeded: length))
                guard start >= 0, !overflow else { return .badArgument }
                guard start < contents.count, length > 0 else {
                    value?.pointee = nil
                    size?.pointee = 0
                    return .ok
                }
                let part = contents[start..<min(Int(end), contents.count)]
                return give(emulator, Bytes(Array(part)), value, size)
            }
        }
        get_buffer_status = { host, kind, length, flags in
            act(host) { emulator, context in
                guard let kind = BufferKind(rawValue: kind) else { return .badArgument }
                guard let contents = buffer(kind, emulator, context) else { return .notFound }
                length?.pointee = contents.count
                flags?.pointee = 0
                return .ok
            }
        }
        set_buffer_bytes = { host, kind, start, length, value, size in
            act(host) { emulator, context in
                guard let kind = BufferKind(rawValue: kind) else { return .badArgument }
                let bytes = Array(bytes(value, size))
                return context.changeBuffer(kind, from: start, count: max(length, 0), to: bytes)
            }
        }
    }
}

// MARK: - Helpers

/// Carries out a host function for the context that the module acts for.
func act(
    _ pointer: UnsafeMutableRawPointer?, _ body: (HostEmulator, any HostContext) -> Status
) -> proxy_wasm_status {
    guard let pointer else { return Status.internalFailure.rawValue }
    let emulator = Unmanaged<HostEmulator>.fromOpaque(pointer).takeUnretainedValue()
    guard let context = emulator.acting else { return Status.internalFailure.rawValue }
    return body(emulator, context).rawValue
}

func bytes(_ pointer: UnsafePointer<UInt8>?, _ size: Int) -> Bytes {
    Bytes(copying: UnsafeBufferPointer(start: pointer, count: pointer == nil ? 0 : size))
}

/// What Envoy reads from a list of pairs: beyond its limits, or damaged, nothing.
func fields(_ pointer: UnsafePointer<UInt8>?, _ size: Int) -> [HeaderField] {
    guard size <= 1 << 20, let fields = HeaderList.decode(bytes(pointer, size)), fields.count <= 1024 else {
        return []
    }
    return fields
}

/// Hands a copy of `contents` over to the module.
func give(
    _ emulator: HostEmulator,
    _ contents: Bytes?,
    _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
    _ size: UnsafeMutablePointer<Int>?
) -> Status {
    guard let contents else { return .notFound }
    guard !contents.isEmpty else {
        pointer?.pointee = nil
        size?.pointee = 0
        return .ok
    }
    guard let buffer = proxy_wasm_hand_over(emulator.host, contents.count) else {
        return .invalidMemoryAccess
    }
    contents.withUnsafeBytes { contents in
        guard let start = contents.baseAddress else { return }
        buffer.copyMemory(from: start, byteCount: contents.count)
    }
    pointer?.pointee = buffer.assumingMemoryBound(to: UInt8.self)
    size?.pointee = contents.count
    return .ok
}

private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
}

/// A buffer, or nil where Envoy has none; where it has an empty one, so has this.
private func buffer(
    _ kind: BufferKind, _ emulator: HostEmulator, _ context: any HostContext
) -> [UInt8]? {
    switch kind {
    case .vmConfiguration: Array(emulator.vmConfiguration)
    case .pluginConfiguration: emulator.configuring.map { Array($0.configuration) }
    case .foreignFunctionArguments: Array(emulator.foreignArguments)
    case .callResponseBody: emulator.answering?.body
    case .grpcMessage: emulator.answering?.body ?? []
    default: context.buffer(kind)
    }
}
