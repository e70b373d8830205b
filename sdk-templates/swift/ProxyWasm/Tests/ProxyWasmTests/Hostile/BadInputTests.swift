// SPDX-License-Identifier: Apache-2.0

import CProxyWasmABI
import Testing

@testable import ProxyWasm

/// What a host or a client may send: the filter logs, answers or goes on as its author chose, and nothing is left behind.
@Suite struct BadInputTests {
    /// A configured module with an open stream, and the check that nothing of it remains.
    private func withStream<P: HTTPPlugin>(
        _ plugin: P.Type = Obedient.self, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (HostileWorld, UInt32) -> Void
    ) {
        let before = proxy_wasm_outstanding()
        do {
            let world = HostileWorld()
            world.module.register(plugin)
            world.call {
                $0.onContextCreate(1, parent: 0)
                #expect($0.onConfigure(1, size: 0), sourceLocation: sourceLocation)
                $0.onContextCreate(2, parent: 1)
            }
            body(world, 2)
            // The closures refer to the world.
            (world.script, world.answer) = (nil, { _ in HostAnswer() })
            for id: UInt32 in [2, 1] { world.call { $0.onDelete(id) } }
            #expect(world.module.contextCount == 0, sourceLocation: sourceLocation)
            world.call { _ in world.kept = HostileWorld.Kept() }
            #expect(world.alive == 0, sourceLocation: sourceLocation)
        }
        #expect(proxy_wasm_outstanding() == before, sourceLocation: sourceLocation)
    }

    // MARK: Statuses

    /// Host functions that a filter cannot see fail: the log has nowhere to complain, and the SDK has no use for one.
    private static let unseen: Set<HostileFunction> = [.log, .bufferStatus, .callStatus]

    @Test(arguments: HostileFunction.allCases)
    func `every status from a host call is thrown to whoever called`(function: HostileFunction) {
        for status: UInt32 in Array(0...13) + [.max] {
            withStream { world, id in
                world.isRandom = false
                var number = 0
                var thrown: [UInt32] = []
                world.script = { stream, _ throws(HostError) in
                    for operation in 0..<HostileWorld.operationCount {
                        number = operation
                        do throws(HostError) {
                            world.kept = HostileWorld.Kept(one: stream)
                            try world.operate(operation, stream)
                        } catch {
                            thrown.append(error.status.rawValue)
                        }
                    }
                }
                // Whoever sets something up gets it: the calls that follow are the ones to fail.
                world.answer = { called in
                    HostAnswer(
                        status: called == function ? status : 0, bytes: [8, 1, 0, 0, 0, 0, 0, 0], number: 1)
                }
                world.call { _ = $0.enter(id)?.onRequestHeaders(1, endOfStream: false) }
                #expect(number == HostileWorld.operationCount - 1)
                if function != .callStatus, function != .bufferStatus {
                    #expect(world.calls[function, default: 0] > 0, "\(function) was not called")
                }
                let hasMeaning = status <= 1 || status == 7 || status == 8 || Self.unseen.contains(function)
                #expect(hasMeaning || thrown.contains(status), "\(function) answers \(status): \(thrown)")
                if status == 0 {
                    #expect(thrown.allSatisfy { $0 == HostError.Status.parseFailure.rawValue }, "\(thrown)")
                }
            }
        }
    }

    @Test func `a filter that says nothing of errors answers with status 500`() {
        withStream(Plain.self) { world, id in
            world.answer = { HostAnswer(status: $0 == .replaceMapValue ? 10 : 0, bytes: [0x61]) }
            let action = world.call { $0.enter(id)?.onResponseHeaders(1, endOfStream: true) }
            #expect(action == Action.pause.rawValue)
            #expect(world.calls[.localResponse] == 1)
            #expect(world.log.contains("cannot set header: internal failure of the host"), "\(world.log)")
            // Nor does it matter when the host refuses that too.
            world.answer = { _ in HostAnswer(status: 10) }
            #expect(
                world.call { $0.enter(id)?.onResponseHeaders(1, endOfStream: true) } == Action.pause.rawValue)
        }
    }

    // MARK: Headers

    private static let odd: [[HeaderField]] = [
        [],
        [HeaderField("", "")],
        [HeaderField("x", Bytes([0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80]))],
        [HeaderField(Bytes([0xFF]), "a\0b"), HeaderField("\0", "\0\0")],
        (0..<1024).map { HeaderField("x-\($0)", Bytes($0)) },
        [HeaderField("x-large", Bytes([UInt8](repeating: 0x61, count: 1 << 20)))],
    ]

    @Test(arguments: odd) func `any headers are read as they are`(fields: [HeaderField]) {
        withStream { world, id in
            var read: [HeaderField] = []
            world.script = { stream, _ throws(HostError) in
                read = try stream.requestHeaders.all()
                // What cannot be written on the wire is refused before the host sees it.
                for field in read { try stream.requestHeaders.set(field.name, to: field.value) }
            }
            let list = Array(HeaderList.encode(fields))
            world.answer = { HostAnswer(bytes: $0 == .mapPairs ? list : []) }
            world.call { _ = $0.enter(id)?.onRequestHeaders(fields.count, endOfStream: true) }
            #expect(read == fields)
            let writable = fields.allSatisfy {
                HeaderField.isValidName($0.name) && HeaderField.isValidValue($0.value)
            }
            #expect(world.errors.map(\.status) == (writable ? [] : [.badArgument]))
            read = []
        }
    }

    @Test func `a header list that is cut off or lies about its sizes is an error`() {
        let whole = Array(HeaderList.encode([HeaderField("a", "b"), HeaderField("cd", "")]))
        var lists = (1..<whole.count).map { Array(whole[..<$0]) }
        for position in stride(from: 0, to: 20, by: 4) {
            for lie: UInt32 in [0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF, 0x1000_0000, 100] {
                var list = whole
                withUnsafeBytes(of: lie.littleEndian) {
                    list.replaceSubrange(position..<position + 4, with: $0)
                }
                lists.append(list)
            }
        }
        withStream { world, id in
            for list in lists {
                world.errors = []
                world.script = { stream, _ throws(HostError) in _ = try stream.requestHeaders.all() }
                world.answer = { _ in HostAnswer(bytes: list) }
                world.call { _ = $0.enter(id)?.onRequestHeaders(2, endOfStream: true) }
                #expect(world.errors == [HostError("read headers", .parseFailure)], "\(list)")
            }
        }
    }

    // MARK: Bodies

    @Test(arguments: [1 << 20, 65_537, 4_095, 1_048_573])
    func `ten mebibytes in odd chunks pass without piling up`(chunk: Int) {
        withStream { world, id in
            var (seen, most, chunks) = (0, 0, 0)
            let base = proxy_wasm_outstanding()
            let bytes = [UInt8](repeating: 0xFE, count: chunk)
            world.script = { _, body throws(HostError) in
                guard let body else { return }
                let part = try body.bytes
                seen += part.count
                try body.replace(with: part.isEmpty ? "" : part[part.startIndex..<part.endIndex - 1])
                most = max(most, proxy_wasm_outstanding() - base)
            }
            var left = 10 << 20
            world.answer = { HostAnswer(bytes: $0 == .bufferBytes ? Array(bytes[..<min(chunk, left)]) : []) }
            repeat {
                let size = min(chunk, left)
                world.call { _ = $0.enter(id)?.onRequestBody(size, endOfStream: size == left) }
                left -= size
                chunks += 1
            } while left > 0
            world.call { _ = $0.enter(id)?.onRequestBody(0, endOfStream: true) }
            #expect(seen == 10 << 20)
            #expect(most <= 1, "\(most) buffers at a time")
            #expect(world.calls[.setBufferBytes] == chunks + 1)
            // An empty part is not even asked for.
            #expect(world.calls[.bufferBytes] == chunks)
        }
    }

    // MARK: Configuration

    @Test(arguments: [
        ("", true), ("{}", true), (#"{"header": "x", "value": "\u00e9"}"#, true), ("null", false),
        ("[]", false),
        ("not json", false), (#"{"header": 1}"#, false), (#"{"header": "no spaces"}"#, false),
        (#"{"value": "a\nb"}"#, false), (#"{"header": "x""#, false), ("{}{}", false), ("\u{0}", false),
        (#"{"value": "\ud800"}"#, false),
    ])
    func `a configuration is taken or refused with a reason`(text: String, isTaken: Bool) {
        configure(Array(text.utf8), isTaken: isTaken)
    }

    @Test func `a configuration of a mebibyte, or as deep as that, is no trouble`() {
        let mebibyte = 1 << 20
        configure(
            Array(#"{"value": ""#.utf8) + [UInt8](repeating: 0x61, count: mebibyte) + Array("\"}".utf8),
            isTaken: true)
        configure([UInt8](repeating: UInt8(ascii: "["), count: mebibyte), isTaken: false)
        configure([UInt8](repeating: 0xFF, count: mebibyte), isTaken: false)
        configure(Array(#"{"value": ""#.utf8) + [0xFF, 0xFE] + Array("\"}".utf8), isTaken: false)
    }

    private func configure(_ bytes: [UInt8], isTaken: Bool) {
        withStream { world, _ in
            world.answer = { HostAnswer(bytes: $0 == .bufferBytes ? bytes : []) }
            let taken = world.call { $0.onConfigure(1, size: bytes.count) }
            #expect(taken == isTaken, "\(world.log)")
            #expect(isTaken || world.log.last?.hasPrefix("configuration refused: ") == true, "\(world.log)")
            // Refused or not, there is a plugin for the requests to come.
            world.call { $0.onContextCreate(3, parent: 1) }
            #expect(world.module.contextCount == 3)
            world.call { $0.onDelete(3) }
        }
    }

    // MARK: Calls

    @Test func `an answer is delivered once, and none after the stream has ended`() {
        withStream { world, id in
            var answers: [Bool] = []
            world.script = { stream, _ throws(HostError) in
                let witness = LifeWitness()
                try stream.httpCall(to: "auth", headers: [HeaderField(":path", "/")]) {
                    answer throws(HostError) in
                    withExtendedLifetime(witness) {
                        if case .success = answer { answers.append(true) } else { answers.append(false) }
                    }
                }
            }
            var token: UInt32 = 0
            world.answer = { _ in HostAnswer(number: token) }
            func answer(_ id: UInt32, _ token: UInt32, headers: Int) {
                let event = CallEvent.httpResponse(headers: headers, bodySize: 0, trailers: 0)
                world.call { $0.deliver(id, .http, token, event) }
            }
            for number: UInt32 in 1...4 {
                token = number
                world.call { _ = $0.enter(id)?.onRequestHeaders(1, endOfStream: true) }
            }
            answer(id, 1, headers: 3)
            answer(id, 1, headers: 3)  // Twice.
            answer(id, 2, headers: 0)  // No headers: it failed or took too long.
            answer(id, 99, headers: 3)  // Nobody has asked.
            answer(1, 3, headers: 3)  // As Envoy does it: it tells the plugin's context.
            #expect(answers == [true, false, true])
            world.call { $0.onDelete(id) }
            answer(id, 4, headers: 3)  // Too late.
            #expect(answers == [true, false, true])
            #expect(world.module.callCount == 0)
            // The plugin's own witness is the only one left: closures that never ran are gone.
            #expect(world.alive == 1)
        }
    }

    @Test func `a call that the host refuses leaves no closure waiting`() {
        for status: UInt32 in [1, 2, 10, 12] {
            withStream { world, id in
                world.script = { stream, _ throws(HostError) in
                    let witness = LifeWitness()
                    try stream.httpCall(to: "nowhere", headers: []) { _ throws(HostError) in
                        withExtendedLifetime(witness) {}
                    }
                }
                world.answer = { HostAnswer(status: $0 == .httpCall ? status : 0) }
                world.call { _ = $0.enter(id)?.onRequestHeaders(1, endOfStream: true) }
                #expect(world.errors.map(\.status.rawValue) == [status])
                #expect(world.alive == 2)
            }
        }
    }

    // MARK: Shared state

    @Test func `queues and shared data tell misuse from what is only not there`() {
        withStream { world, id in
            var seen: [String] = []
            func attempt(_ what: String, _ body: () throws(HostError) -> String) {
                do throws(HostError) {
                    seen.append("\(what): \(try body())")
                } catch {
                    seen.append("\(what): \(error.message)")
                }
            }
            var status: UInt32 = 0
            world.answer = { called in
                // Reading works: it is the writing that somebody else is faster at.
                HostAnswer(status: called == .sharedData && status == 8 ? 0 : status, bytes: nil)
            }
            world.script = { _, _ in
                for (number, name) in [(1, "not found"), (7, "empty"), (8, "changed")] as [(UInt32, String)] {
                    status = number
                    attempt("\(name), dequeue") { () throws(HostError) in
                        try SharedQueue(id: 9).dequeue() == nil ? "nothing" : "something"
                    }
                    attempt("\(name), enqueue") { () throws(HostError) in
                        try SharedQueue(id: 9).enqueue("x")
                        return "done"
                    }
                    attempt("\(name), set") { () throws(HostError) in
                        try SharedData.set("key", to: "x", ifUnchangedSince: nil) ? "set" : "not set"
                    }
                    attempt("\(name), update") { () throws(HostError) in
                        try SharedData.update("key") { _ throws(HostError) in "x" }?.lossyString ?? "nothing"
                    }
                }
            }
            world.call { _ = $0.enter(id)?.onRequestHeaders(1, endOfStream: true) }
            #expect(
                seen == [
                    "not found, dequeue: cannot take message from queue: not found",
                    "not found, enqueue: cannot put message into queue: not found",
                    "not found, set: cannot write shared data: not found",
                    "not found, update: cannot write shared data: not found",
                    "empty, dequeue: nothing",
                    "empty, enqueue: cannot put message into queue: empty",
                    "empty, set: cannot write shared data: empty",
                    "empty, update: cannot read shared data: empty",
                    "changed, dequeue: cannot take message from queue: changed in the meantime",
                    "changed, enqueue: cannot put message into queue: changed in the meantime",
                    "changed, set: not set",
                    "changed, update: cannot update shared data: changed in the meantime",
                ])
        }
    }
}

extension HostileWorld.Kept {
    /// One of each.
    init(one stream: HTTPStream) {
        let connection = Connection(id: stream.id)
        streams = [stream]
        connections = [connection]
        plugins = [PluginContext(id: 1)]
        bodies = [HTTPBody(stream: stream, count: 8, isEndOfStream: true, bufferType: 0)]
        data = [ConnectionData(stream: connection, count: 8, isEndOfStream: true, bufferType: 2)]
        maps = [stream.requestHeaders]
        bytes = ["value"]
        grpcCalls = [GRPCCall(context: stream.id, token: 1)]
        grpcStreams = [GRPCStream(context: stream.id, token: 1)]
        queues = [SharedQueue(id: 1)]
        entries = [SharedData.Entry(value: "value", version: 1)]
        responses = [
            HTTPCallResponse(headers: stream.requestHeaders, trailers: stream.requestTrailers, bodySize: 1)
        ]
    }
}
