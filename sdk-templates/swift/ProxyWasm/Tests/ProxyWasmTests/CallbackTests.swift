// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import ProxyWasm
import ProxyWasmTesting
import Testing

/// A plugin that works with all that is asynchronous.
private final class Busy: HTTPPlugin {
    static var rootID: Bytes { "busy" }
    let queue: SharedQueue
    var ticks = 0
    var messages: [Bytes] = []
    var foreign: Bytes = ""
    let context: PluginContext

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        context = configuration.context
        do throws(HostError) {
            queue = try SharedQueue.register("work")
            try context.setTickPeriod(milliseconds: 100)
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    func makeFilter(for stream: HTTPStream) -> BusyFilter { BusyFilter(stream, queue) }

    func onTick(_ context: PluginContext) throws(HostError) {
        ticks += 1
        Log.info("tick \(ticks)")
    }

    func onQueueReady(_ queue: SharedQueue, _ context: PluginContext) throws(HostError) {
        Log.info("queue \(try queue.dequeue() ?? "nil")")
    }

    func onForeignFunction(_ call: ForeignCall, _ context: PluginContext) throws(HostError) {
        Log.info("foreign \(call.function) \(try call.arguments)")
    }

    func onDone(_ context: PluginContext) -> Bool { false }
}

private final class BusyFilter: HTTPFilter {
    let stream: HTTPStream
    let queue: SharedQueue
    let witness = Witness()

    init(_ stream: HTTPStream, _ queue: SharedQueue) {
        self.stream = stream
        self.queue = queue
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        let witness = witness
        switch try request.path {
        case "/call":
            let headers = [
                HeaderField(":method", "GET"), HeaderField(":path", "/"), HeaderField(":authority", "a"),
            ]
            try stream.httpCall(to: "auth", headers: headers) { [stream] (result) throws(HostError) in
                witness.touch()
                switch result {
                case .success(let response):
                    guard try response.status == 200 else {
                        try stream.respond(status: 403, body: try response.body)
                        return
                    }
                    try stream.requestHeaders.set("x-user", to: try response.body)
                    try stream.resumeRequest()
                case .failure: throw HostError("authorize", .brokenConnection)
                }
            }
            return .pause
        case "/grpc":
            try stream.grpcCall(to: .cluster("rpc"), service: "S", method: "M", message: "q") {
                [stream] (result) throws(HostError) in
                switch result {
                case .success(let answer): try stream.requestHeaders.set("x-answer", to: answer)
                case .failure(let failure):
                    try stream.requestHeaders.set(
                        "x-answer", to: "\(failure.status.rawValue) \(failure.message)")
                }
                try stream.resumeRequest()
            }
            return .pause
        case "/stream":
            let rpc = try stream.grpcStream(to: .cluster("rpc"), service: "S", method: "M") {
                (event) throws(HostError) in
                switch event {
                case .initialMetadata(let map): Log.info("initial \(try map.get("k") ?? "nil")")
                case .message(let message): Log.info("message \(message)")
                case .trailingMetadata(let map): Log.info("trailing \(try map.get("k") ?? "nil")")
                case .closed(let end): Log.info("closed \(end.status.rawValue) \(end.message)")
                }
            }
            try rpc.send("one")
            try rpc.send("two", endOfStream: true)
            return .continue
        case "/queue":
            try queue.enqueue("m")
            return .continue
        default: return .continue
        }
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set("x-seen", to: "yes")
        return .continue
    }
}

private final class Witness {
    func touch() {}
}

/// Bytes in upper case, one message a line.
private final class Lines: NetworkPlugin {
    static var rootID: Bytes { "lines" }
    init(configuration: PluginConfiguration) throws(ConfigurationError) {}
    func makeFilter(for connection: Connection) -> LineFilter { LineFilter() }
}

private final class LineFilter: NetworkFilter {
    func onDownstreamData(_ data: ConnectionData) throws(HostError) -> Action {
        guard try data.bytes.last == UInt8(ascii: "\n") || data.isEndOfStream else { return .pause }
        if try data.bytes.hasPrefix("quit") { try data.stream.close() }
        try data.prepend("> ")
        return .continue
    }

    func onUpstreamClose(_ peer: ClosingPeer, _ connection: Connection) throws(HostError) {
        Log.info("up \(peer.rawValue)")
    }
    func onDownstreamClose(_ peer: ClosingPeer, _ connection: Connection) throws(HostError) {
        Log.info("down \(peer.rawValue)")
    }
    func onLog(_ connection: Connection) throws(HostError) { Log.info("log") }
    func onDelete(_ connection: Connection) { Log.info("delete") }
}

@Suite struct CallbackTests {
    @Test func `a call is answered on its stream`() throws {
        let host = try HostEmulator(Busy.self)
        let exchange = host.exchange(.request("GET", "/call"))
        #expect(exchange.outcome == .requestPaused)
        let call = try #require(host.pendingCalls.first)
        #expect(call.cluster == "auth")
        call.respond(body: "ada")
        #expect(exchange.outcome == .complete)
        #expect(exchange.request["x-user"] == "ada")
        #expect(exchange.response["x-seen"] == "yes")
        try host.assertNoLeaks()
    }

    @Test func `a refusal is answered, a failure reaches onError, a timeout too`() throws {
        let host = try HostEmulator(Busy.self)
        let refused = host.exchange(.request("GET", "/call"))
        host.pendingCalls.first?.respond(status: 401, body: "who")
        #expect(refused.response.status == 403)
        #expect(refused.response.body == "who")
        let failed = host.exchange(.request("GET", "/call"))
        host.pendingCalls.first?.fail()
        #expect(failed.response.status == 500)
        #expect(host.messages(at: .error) == ["cannot authorize: connection closed"])
        let late = host.exchange(.request("GET", "/call"))
        host.advance(milliseconds: 4999)
        #expect(late.outcome == .requestPaused)
        host.advance(milliseconds: 1)
        #expect(late.response.status == 403)
        #expect(late.response.body == "upstream request timeout")
    }

    @Test func `an answer after the end of the stream is dropped, and its closure released`() throws {
        let host = try HostEmulator(Busy.self)
        // The first call makes the table of calls, which stays.
        _ = host.exchange(.request("GET", "/call"))
        host.pendingCalls.first?.respond(status: 200)
        let before = host.heldBuffers
        let exchange = host.exchange(.request("GET", "/call"))
        let call = try #require(host.pendingCalls.first)
        exchange.disconnect()
        #expect(exchange.outcome == .reset)
        let lines = host.log.count
        call.respond(body: "late")
        #expect(host.log.count == lines)
        #expect(host.heldBuffers == before)
        try host.assertNoLeaks()
    }

    @Test func `clusters that are not there are refused`() throws {
        let host = try HostEmulator(Busy.self)
        host.clusters = []
        #expect(host.exchange(.request("GET", "/call")).response.status == 500)
        #expect(host.exchange(.request("GET", "/grpc")).response.status == 500)
    }

    @Test func `gRPC calls are answered or fail`() throws {
        let host = try HostEmulator(Busy.self)
        let answered = host.exchange(.request("GET", "/grpc"))
        let call = try #require(host.grpcCalls.first)
        #expect(call.cluster == "rpc" && call.messages == ["q"])
        call.send("a")
        #expect(answered.request["x-answer"] == "a")
        let failed = host.exchange(.request("GET", "/grpc"))
        host.grpcCalls.first?.finish(.unavailable, message: "gone")
        #expect(failed.request["x-answer"] == "14 gone")
        try host.assertNoLeaks()
    }

    @Test func `a gRPC stream hears of everything until it is closed`() throws {
        let host = try HostEmulator(Busy.self)
        let exchange = host.begin()
        exchange.sendRequestHeaders(HTTPMessage.request("GET", "/stream").headers)
        let stream = try #require(host.grpcCalls.first)
        #expect(stream.messages == ["one", "two"])
        #expect(stream.isClosedByModule)
        stream.sendInitialMetadata(["k": "1"])
        stream.send("m")
        stream.sendTrailingMetadata(["k": "2"])
        stream.finish(.ok)
        #expect(host.log.map(\.message) == ["initial 1", "message m", "trailing 2", "closed 0 "])
        exchange.end()
        try host.assertNoLeaks()
    }

    @Test func `ticks come in their time, queues across threads, foreign calls with their arguments`() throws
    {
        let memory = SharedMemory()
        let first = HostEmulator(sharedMemory: memory)
        let second = HostEmulator(sharedMemory: memory)
        for host in [first, second] {
            host.register(Busy.self)
            try host.configure()
        }
        first.advance(milliseconds: 250)
        #expect(first.log.map(\.message) == ["tick 1", "tick 2"])
        first.exchange(.request("GET", "/queue"))
        #expect(second.log.isEmpty)
        second.dispatch()
        #expect(second.log.map(\.message) == ["queue m"])
        first.callForeignFunction(7, "args")
        #expect(first.log.last?.message == "foreign 7 args")
    }

    @Test func `a plugin that is not done stays until it is`() throws {
        let host = HostEmulator()
        host.register(Busy.self)
        let plugin = try host.configure()
        #expect(!host.remove(plugin))
        #expect(host.leaks == [])
    }

    @Test func `a connection's bytes are kept until a line is whole`() throws {
        let host = try HostEmulator(Lines.self)
        let connection = host.connect()
        connection.sendFromClient("he")
        #expect(connection.serverBytes == "")
        #expect(connection.keptClientBytes == "he")
        connection.sendFromClient("llo\n")
        #expect(connection.serverBytes == "> hello\n")
        connection.sendFromServer("bye", endOfStream: true)
        #expect(connection.clientBytes == "bye")
        connection.sendFromClient("quit\n")
        #expect(connection.isClosed)
        #expect(host.log.map(\.message) == ["up 0", "down 1", "log", "delete"])
        try host.assertNoLeaks()
    }

    @Test(arguments: HostFunction.allCases)
    func `no status of any host function traps or lets a failed filter pass`(function: HostFunction) throws {
        let host = try HostEmulator(Busy.self)
        for status in UInt32(1)...13 {
            host.fail(function, with: HostError.Status(rawValue: status))
            for path in ["/", "/call", "/grpc", "/stream", "/queue"] as [Bytes] {
                host.exchange(.request("GET", path)).disconnect()
            }
        }
        host.restore(function)
        try host.assertNoLeaks()
        #expect(host.exchange(.request()).response["x-seen"] == "yes")
    }

    // A debug build allocates for closures that an optimised one keeps on the stack.
    #if os(Linux) && !DEBUG
        @Test func `a header is set without any allocation`() throws {
            let host = try HostEmulator(Busy.self)
            let exchange = host.begin()
            exchange.sendRequestHeaders([":path": "/"])
            let before = allocation_counter_value()
            exchange.sendResponseHeaders([":status": "200"], endOfStream: false)
            #expect(exchange.response["x-seen"] == "yes")
            #expect(allocation_counter_value() == before)
            exchange.end()
        }
    #endif
}
