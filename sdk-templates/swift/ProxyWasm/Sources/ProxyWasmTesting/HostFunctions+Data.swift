// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
internal import ProxyWasm

extension proxy_wasm_host {
    mutating func addHeaderFunctions() {
        get_header_map_size = { host, map, size in
            // Envoy asks for headers that may be changed, and finds none that may only be read.
            changing(host, map) { size?.pointee = $0.byteCount }
        }
        get_header_map_value = { host, map, name, nameSize, value, size in
            act(host) { emulator, context in
                guard let kind = HeaderMap.Kind(rawValue: map) else { return .badArgument }
                guard let headers = readable(kind, emulator, context) else {
                    return context.isLogging ? .notFound : .badArgument
                }
                return give(emulator, headers.first(bytes(name, nameSize)), value, size)
            }
        }
        get_header_map_pairs = { host, map, pairs, size in
            act(host) { emulator, context in
                guard let kind = HeaderMap.Kind(rawValue: map) else { return .badArgument }
                let fields = readable(kind, emulator, context)?.fields ?? []
                return give(emulator, HeaderList.encode(fields), pairs, size)
            }
        }
        add_header_map_value = { host, map, name, nameSize, value, valueSize in
            changing(host, map) { $0.add(bytes(name, nameSize), bytes(value, valueSize)) }
        }
        replace_header_map_value = { host, map, name, nameSize, value, valueSize in
            changing(host, map) { $0.set(bytes(name, nameSize), to: bytes(value, valueSize)) }
        }
        remove_header_map_value = { host, map, name, nameSize in
            changing(host, map) { $0.remove(bytes(name, nameSize)) }
        }
        set_header_map_pairs = { host, map, pairs, size in
            changing(host, map) { headers in
                headers = Headers()
                for field in fields(pairs, size) { headers.add(field.name, field.value) }
            }
        }
    }

    mutating func addPropertyFunctions() {
        get_property = { host, path, pathSize, value, size in
            act(host) { emulator, context in
                let parts = bytes(path, pathSize).split(separator: 0, omittingEmptySubsequences: false)
                    .map { Bytes($0) }
                let dotted = parts.dropFirst().reduce(parts.first ?? "") { "\($0).\($1)" }
                let fixed: Bytes? =
                    switch dotted {
                    case "plugin_root_id": context.plugin.rootID
                    case "plugin_vm_id": emulator.vmID
                    case "plugin_name": emulator.properties[dotted] ?? ""
                    default: emulator.properties[dotted]
                    }
                return give(emulator, fixed ?? context.property(parts), value, size)
            }
        }
        set_property = { host, path, pathSize, value, valueSize in
            act(host) { _, context in
                context.setProperty(bytes(path, pathSize), to: bytes(value, valueSize))
            }
        }
    }

    mutating func addSharedFunctions() {
        get_shared_data = { host, key, keySize, value, size, version in
            act(host) { emulator, _ in
                let entry = emulator.sharedMemory.value(bytes(key, keySize), vmID: emulator.vmID)
                if let entry { version?.pointee = entry.version }
                return give(emulator, entry?.value, value, size)
            }
        }
        set_shared_data = { host, key, keySize, value, valueSize, version in
            act(host) { emulator, _ in
                emulator.sharedMemory.set(
                    bytes(key, keySize), vmID: emulator.vmID, to: bytes(value, valueSize), version: version)
                    ? .ok : .compareAndSwapMismatch
            }
        }
        register_shared_queue = { host, name, nameSize, queue in
            act(host) { emulator, context in
                queue?.pointee = emulator.sharedMemory.register(
                    bytes(name, nameSize), vmID: emulator.vmID, listener: emulator.inbox,
                    root: context.plugin.id)
                return .ok
            }
        }
        resolve_shared_queue = { host, vmID, vmIDSize, name, nameSize, queue in
            act(host) { emulator, _ in
                let vmID = vmIDSize == 0 ? emulator.vmID : bytes(vmID, vmIDSize)
                guard let id = emulator.sharedMemory.find(bytes(name, nameSize), vmID: vmID) else {
                    return .notFound
                }
                queue?.pointee = id
                return .ok
            }
        }
        enqueue_shared_queue = { host, queue, value, size in
            act(host) { emulator, _ in
                emulator.sharedMemory.enqueue(bytes(value, size), into: queue) ? .ok : .notFound
            }
        }
        dequeue_shared_queue = { host, queue, value, size in
            act(host) { emulator, _ in
                switch emulator.sharedMemory.dequeue(from: queue) {
                case .message(let message): give(emulator, message, value, size)
                case .empty: .empty
                case .noQueue: .notFound
                }
            }
        }
    }

    mutating func addMetricFunctions() {
        define_metric = { host, kind, name, size, id in
            act(host) { emulator, _ in
                guard let metric = emulator.metrics.define(kind, bytes(name, size)) else {
                    return .badArgument
                }
                id?.pointee = metric
                return .ok
            }
        }
        increment_metric = { host, id, offset in
            act(host) { emulator, _ in emulator.metrics.increment(id, offset) }
        }
        record_metric = { host, id, value in
            act(host) { emulator, _ in emulator.metrics.record(id, value) }
        }
        get_metric = { host, id, value in
            act(host) { emulator, _ in
                let (status, current) = emulator.metrics.value(id)
                value?.pointee = current
                return status
            }
        }
    }

    mutating func addCallFunctions() {
        http_call = {
            host, cluster, clusterSize, headers, headersSize, body, bodySize, trailers, trailersSize, timeout,
            token in
            act(host) { emulator, context in
                var id: UInt32 = 0
                let status = emulator.startCall(
                    context.plugin, cluster: bytes(cluster, clusterSize),
                    headers: Headers(fields(headers, headersSize)), body: bytes(body, bodySize),
                    trailers: Headers(fields(trailers, trailersSize)), timeout: timeout, token: &id)
                token?.pointee = id
                return status
            }
        }
    }

    mutating func addGRPCFunctions() {
        grpc_call = {
            host, target, targetSize, service, serviceSize, method, methodSize, metadata, metadataSize,
            message,
            messageSize, timeout, token in
            act(host) { emulator, context in
                var id: UInt32 = 0
                let status = emulator.startGRPC(
                    context.plugin, target: bytes(target, targetSize), service: bytes(service, serviceSize),
                    method: bytes(method, methodSize), metadata: Headers(fields(metadata, metadataSize)),
                    message: bytes(message, messageSize), timeout: timeout, token: &id)
                if status == .ok { token?.pointee = id }
                return status
            }
        }
        grpc_stream = {
            host, target, targetSize, service, serviceSize, method, methodSize, metadata, metadataSize, token
            in
            act(host) { emulator, context in
                var id: UInt32 = 0
                let status = emulator.startGRPC(
                    context.plugin, target: bytes(target, targetSize), service: bytes(service, serviceSize),
                    method: bytes(method, methodSize), metadata: Headers(fields(metadata, metadataSize)),
                    message: nil, timeout: 0, token: &id)
                if status == .ok { token?.pointee = id }
                return status
            }
        }
        grpc_send = { host, token, message, size, end in
            act(host) { emulator, _ in emulator.grpcSend(token, bytes(message, size), end != 0) }
        }
        grpc_cancel = { host, token in
            act(host) { emulator, _ in emulator.grpcEnd(token, cancel: true) }
        }
        grpc_close = { host, token in
            act(host) { emulator, _ in emulator.grpcEnd(token, cancel: false) }
        }
    }
}

/// Headers that may be read, also those of an answer that the module is being told of.
private func readable(
    _ kind: HeaderMap.Kind, _ emulator: HostEmulator, _ context: any HostContext
) -> Headers? {
    switch kind {
    case .callResponseHeaders: emulator.answering?.headers
    case .callResponseTrailers: emulator.answering?.trailers
    case .grpcInitialMetadata: emulator.answering?.initialMetadata
    case .grpcTrailingMetadata: emulator.answering?.trailingMetadata
    default: context.readable(kind)
    }
}

/// Carries out a function that needs headers which may be changed.
private func changing(
    _ host: UnsafeMutableRawPointer?, _ map: UInt32, _ change: (inout Headers) -> Void
) -> proxy_wasm_status {
    act(host) { _, context in
        guard let kind = HeaderMap.Kind(rawValue: map), context.change(kind, change) else {
            return .badArgument
        }
        return .ok
    }
}
