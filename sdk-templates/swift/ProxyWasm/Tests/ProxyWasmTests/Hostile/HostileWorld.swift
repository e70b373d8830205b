// SPDX-License-Identifier: Apache-2.0

import CProxyWasmABI
import Testing

@testable import ProxyWasm

/// The functions of a host, by which a test says what each of them answers.
enum HostileFunction: CaseIterable {
    case log, logLevel, time, callStatus
    case effectiveContext, tickPeriod
    case continueStream, closeStream, localResponse
    case bufferBytes, bufferStatus, setBufferBytes
    case mapSize, mapValue, addMapValue, replaceMapValue, removeMapValue, mapPairs, setMapPairs
    case property, setProperty
    case sharedData, setSharedData
    case registerQueue, resolveQueue, enqueue, dequeue
    case defineMetric, incrementMetric, recordMetric, metric
    case httpCall, grpcCall, grpcStream, grpcSend, grpcCancel, grpcClose
    case foreignFunction, resolveDNS, done
}

/// What a host function answers: a status, what it hands over if it hands over bytes, and a number if it gives one.
struct HostAnswer {
    var status: UInt32 = 0
    var bytes: [UInt8]? = []
    var number: UInt32 = 1
}

/// A module with a host that answers what a test wants, however wrong, and what the plugins in it have to share.
final class HostileWorld {
    let module = Module()
    /// What the host answers.
    var answer: (HostileFunction) -> HostAnswer = { _ in HostAnswer() }
    /// How often each function was called.
    var calls: [HostileFunction: Int] = [:]
    /// The lines logged, the last few of them.
    var log: [Bytes] = []
    /// The plugins, filters and waiting closures that exist.
    var alive = 0
    /// What the plugins of the world do at random.
    var dice = Dice(seed: 0)
    /// What the callbacks of the filters have kept: all of it may be used at any time.
    var kept = Kept()
    /// Whether what plugins hand to the host is chosen by chance; plain text otherwise.
    var isRandom = true
    /// What the filters of `Obedient` do with each part of a request; what that throws is added to `errors`.
    var script: ((HTTPStream, HTTPBody?) throws(HostError) -> Void)?
    var errors: [HostError] = []

    private let host = UnsafeMutablePointer<proxy_wasm_host>.allocate(capacity: 1)

    struct Kept {
        var streams: [HTTPStream] = []
        var connections: [Connection] = []
        var plugins: [PluginContext] = []
        var bodies: [HTTPBody] = []
        var data: [ConnectionData] = []
        var maps: [HeaderMap] = []
        var bytes: [Bytes] = []
        var grpcCalls: [GRPCCall] = []
        var grpcStreams: [GRPCStream] = []
        var queues: [SharedQueue] = []
        var entries: [SharedData.Entry] = []
        var counters: [Counter] = []
        var expressions: [CELExpression] = []
        var responses: [HTTPCallResponse] = []
    }

    init() {
        host.initialize(to: .hostile)
        host.pointee.`self` = Unmanaged.passUnretained(self).toOpaque()
        host.pointee.module = Unmanaged.passUnretained(module).toOpaque()
    }

    deinit {
        host.deallocate()
    }

    /// The world whose host is installed.
    static var current: HostileWorld? {
        world(proxy_wasm_get_host()?.pointee.`self`)
    }

    /// Calls into the module.
    @discardableResult
    func call<Result>(_ body: (Module) -> Result) -> Result {
        let previous = proxy_wasm_set_host(host)
        defer { _ = proxy_wasm_set_host(previous) }
        return body(module)
    }

    fileprivate func ask(_ function: HostileFunction) -> HostAnswer {
        calls[function, default: 0] += 1
        return answer(function)
    }
}

/// Counts something that must be released: closures capture one, plugins and filters own one.
final class LifeWitness {
    private let world: HostileWorld?

    init() {
        world = HostileWorld.current
        world?.alive += 1
    }

    deinit {
        world?.alive -= 1
    }
}

// MARK: - The host

private func world(_ pointer: UnsafeMutableRawPointer?) -> HostileWorld? {
    pointer.map { Unmanaged<HostileWorld>.fromOpaque($0).takeUnretainedValue() }
}

private func ask(_ me: UnsafeMutableRawPointer?, _ function: HostileFunction) -> proxy_wasm_status {
    world(me)?.ask(function).status ?? 0
}

private func ask(
    _ me: UnsafeMutableRawPointer?, _ function: HostileFunction, _ number: UnsafeMutablePointer<UInt32>?
) -> proxy_wasm_status {
    let answer = world(me)?.ask(function) ?? HostAnswer()
    number?.pointee = answer.number
    return answer.status
}

/// Hands bytes over, whatever the status: a host may have obtained the memory before it found out what is wrong.
private func hand(
    _ me: UnsafeMutableRawPointer?, _ function: HostileFunction,
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, _ size: UnsafeMutablePointer<Int>?,
    _ number: UnsafeMutablePointer<UInt32>? = nil
) -> proxy_wasm_status {
    let answer = world(me)?.ask(function) ?? HostAnswer()
    number?.pointee = answer.number
    if let bytes = answer.bytes, let memory = proxy_wasm_allocate(bytes.count) {
        bytes.withUnsafeBytes { source in
            if let from = source.baseAddress { memory.copyMemory(from: from, byteCount: source.count) }
        }
        start?.pointee = memory.assumingMemoryBound(to: UInt8.self)
        size?.pointee = bytes.count
    }
    return answer.status
}

extension proxy_wasm_host {
    fileprivate static var hostile: proxy_wasm_host {
        var host = proxy_wasm_host()
        host.setContextFunctions()
        host.setStreamFunctions()
        host.setSharedFunctions()
        host.setCallFunctions()
        return host
    }

    private mutating func setContextFunctions() {
        log = { me, _, message, size in
            if let world = world(me) {
                if world.log.count > 20 { world.log.removeFirst() }
                world.log.append(Bytes(copying: UnsafeBufferPointer(start: message, count: min(size, 500))))
            }
            return ask(me, .log)
        }
        get_log_level = { ask($0, .logLevel, $1) }
        get_current_time_nanoseconds = { me, time in
            time?.pointee = UInt64(world(me)?.calls.count ?? 0)
            return ask(me, .time)
        }
        get_status = { hand($0, .callStatus, $2, $3, $1) }
        set_effective_context = { me, _ in ask(me, .effectiveContext) }
        set_tick_period_milliseconds = { me, _ in ask(me, .tickPeriod) }
        done = { ask($0, .done) }
        get_property = { me, _, _, value, size in hand(me, .property, value, size) }
        set_property = { me, _, _, _, _ in ask(me, .setProperty) }
    }

    private mutating func setStreamFunctions() {
        continue_stream = { me, _ in ask(me, .continueStream) }
        close_stream = { me, _ in ask(me, .closeStream) }
        send_local_response = { me, _, _, _, _, _, _, _, _ in ask(me, .localResponse) }
        get_buffer_bytes = { me, _, _, _, value, size in hand(me, .bufferBytes, value, size) }
        get_buffer_status = { me, _, length, flags in
            length?.pointee = 1
            return ask(me, .bufferStatus, flags)
        }
        set_buffer_bytes = { me, _, _, _, _, _ in ask(me, .setBufferBytes) }
        get_header_map_size = { me, _, size in
            size?.pointee = 1
            return ask(me, .mapSize)
        }
        get_header_map_value = { me, _, _, _, value, size in hand(me, .mapValue, value, size) }
        add_header_map_value = { me, _, _, _, _, _ in ask(me, .addMapValue) }
        replace_header_map_value = { me, _, _, _, _, _ in ask(me, .replaceMapValue) }
        remove_header_map_value = { me, _, _, _ in ask(me, .removeMapValue) }
        get_header_map_pairs = { me, _, value, size in hand(me, .mapPairs, value, size) }
        set_header_map_pairs = { me, _, _, _ in ask(me, .setMapPairs) }
    }

    private mutating func setSharedFunctions() {
        get_shared_data = { me, _, _, value, size, version in hand(me, .sharedData, value, size, version) }
        set_shared_data = { me, _, _, _, _, _ in ask(me, .setSharedData) }
        register_shared_queue = { me, _, _, queue in ask(me, .registerQueue, queue) }
        resolve_shared_queue = { me, _, _, _, _, queue in ask(me, .resolveQueue, queue) }
        enqueue_shared_queue = { me, _, _, _ in ask(me, .enqueue) }
        dequeue_shared_queue = { me, _, value, size in hand(me, .dequeue, value, size) }
        define_metric = { me, _, _, _, metric in ask(me, .defineMetric, metric) }
        increment_metric = { me, _, _ in ask(me, .incrementMetric) }
        record_metric = { me, _, _ in ask(me, .recordMetric) }
        get_metric = { me, _, value in
            value?.pointee = .max
            return ask(me, .metric)
        }
    }

    private mutating func setCallFunctions() {
        http_call = { me, _, _, _, _, _, _, _, _, _, token in ask(me, .httpCall, token) }
        grpc_call = { me, _, _, _, _, _, _, _, _, _, _, _, token in ask(me, .grpcCall, token) }
        grpc_stream = { me, _, _, _, _, _, _, _, _, token in ask(me, .grpcStream, token) }
        grpc_send = { me, _, _, _, _ in ask(me, .grpcSend) }
        grpc_cancel = { me, _ in ask(me, .grpcCancel) }
        grpc_close = { me, _ in ask(me, .grpcClose) }
        resolve_dns = { me, _, _, token in ask(me, .resolveDNS, token) }
        call_foreign_function = { me, _, _, _, _, value, size in hand(me, .foreignFunction, value, size) }
    }
}

// MARK: - Chance

/// Numbers that look random and follow from a seed (splitmix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    mutating func one(in chances: Int) -> Bool { below(chances) == 0 }

    /// A size: most often small, now and then as large as the ABI allows.
    mutating func size() -> Int {
        switch below(12) {
        case 0: 0
        case 1: 1 << 20
        case 2: Int(UInt32.max)
        case 3: Int(Int32.max)
        default: below(300)
        }
    }

    /// Bytes of any kind: none, text, NULs, invalid UTF-8, a header list that may be cut off, JSON, very many.
    mutating func bytes() -> [UInt8] {
        switch below(14) {
        case 0: []
        case 1: [0]
        case 2: [0, 0, 0, 0, 0, 0, 0, 0]
        case 3: (0..<below(40)).map { _ in UInt8(truncatingIfNeeded: next()) }
        case 4: [0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0xF8, 0x88]
        case 5, 6: pairs()
        case 7: pairs().dropLast(1 + below(8)).map { $0 }
        case 8: [0xFF, 0xFF, 0xFF, 0xFF] + pairs()
        case 9: Array(#"{"a": [1, {"b": "c\u0041"}], "header": "x"}"#.utf8.dropLast(below(10)))
        case 10: Array("200".utf8)
        case 11 where one(in: 40): [UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: 1 << 20)
        default: Array("/some/path?with=query".utf8)
        }
    }

    /// A header list with any bytes in it.
    mutating func pairs() -> [UInt8] {
        let count = one(in: 60) ? 1024 : below(6)
        var fields: [HeaderField] = []
        for _ in 0..<count {
            fields.append(
                HeaderField(one(in: 4) ? Bytes([UInt8(truncatingIfNeeded: next())]) : "x-name", "va\0lue"))
        }
        return Array(HeaderList.encode(fields))
    }

    /// A status: most often ok.
    mutating func status() -> UInt32 {
        guard one(in: 4) else { return 0 }
        return one(in: 10) ? .max : UInt32(below(14))
    }
}
