// SPDX-License-Identifier: Apache-2.0

import CProxyWasmABI
import Testing

@testable import ProxyWasm
@testable import ProxyWasmTesting

/// A plugin whose filter does what a test asks for.
private final class Scripted: HTTPPlugin {
    static var rootID: Bytes { "scripted" }

    let name: Bytes

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        name = try configuration.json()["name"].string(default: "none")
    }

    func makeFilter(for stream: HTTPStream) -> ScriptedFilter {
        ScriptedFilter(name: name)
    }
}

private final class ScriptedFilter: HTTPFilter {
    let name: Bytes
    var path: Bytes = ""

    init(name: Bytes) {
        self.name = name
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        path = try request.stream.property("request", "path") ?? ""
        switch try request.path {
        case "/deny":
            let why = HeaderField("x-why", "path")
            return try request.respond(status: 403, headers: [why], body: "no", details: "denied")
        case "/early":
            _ = try request.stream.responseHeaders.get("x")
        case "/bad-name":
            try request.headers.set("no token", to: "x")
        case "/split":
            try request.headers.add("x", "a\r\nset-cookie: b")
        case "/echo":
            for field in try request.headers.all() where field.name.hasPrefix("x-") {
                try request.headers.remove(field.name)
                try request.headers.add("y-\(field.name)", field.value)
            }
        case "/replace":
            try request.headers.replaceAll(with: [HeaderField(":path", "/other"), HeaderField("a", "")])
        default:
            break
        }
        return .continue
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set("x-name", to: name)
        if path == "/late" {
            _ = try response.stream.requestHeaders.get(":path")
        }
        if let status = try response.status { try response.headers.set("x-status", to: Bytes(status)) }
        return .continue
    }

    func onLog(_ stream: HTTPStream) throws(HostError) {
        let agent: Bytes = try stream.requestHeaders.get("user-agent") ?? "-"
        Log.info("done \(agent)")
    }

    func onDelete(_ stream: HTTPStream) {
        Log.debug("delete")
    }
}

private final class Other: HTTPPlugin {
    static var rootID: Bytes { "other" }

    let requests: Counter

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        guard try configuration.bytes != "bad" else { throw ConfigurationError("bad it is") }
        do throws(HostError) {
            requests = try Counter("requests")
            let live = try Gauge("live")
            try live.record(1)
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    func makeFilter(for stream: HTTPStream) -> Nothing {
        do throws(HostError) {
            try requests.increment()
        } catch {
            Log.error(error.message)
        }
        return Nothing()
    }
}

private final class Nothing: HTTPFilter {}

@Suite struct FilterTests {
    private func get(_ path: Bytes, _ more: [HeaderField] = []) -> Headers {
        Headers([HeaderField(":method", "GET"), HeaderField(":path", path)] + more)
    }

    // MARK: Configuration

    @Test func `an empty root id stands for the only plugin`() throws {
        let host = HostEmulator()
        host.register(Scripted.self)
        try host.configure(rootID: "")
        try host.configure(rootID: "scripted")
    }

    @Test func `an unknown root id is refused and the known ones are named`() {
        let host = HostEmulator()
        host.register(Scripted.self)
        host.register(Other.self)
        #expect(throws: ConfigurationRefused.self) { try host.configure(rootID: "nobody") }
        #expect(throws: ConfigurationRefused.self) { try host.configure(rootID: "") }
        #expect(
            host.messages(at: .error) == [
                "configuration refused: unknown root id \"nobody\"; this module has \"scripted\" \"other\"",
                "configuration refused: unknown root id \"\"; this module has \"scripted\" \"other\"",
            ]
        )
    }

    @Test func `a module without plugins says so`() {
        let host = HostEmulator()
        #expect(throws: ConfigurationRefused.self) { try host.configure() }
        #expect(host.messages(at: .error) == ["configuration refused: this module registers no plugin"])
    }

    @Test func `an error of a plugin is logged and refuses the configuration`() throws {
        let host = HostEmulator()
        host.register(Other.self)
        #expect(throws: ConfigurationRefused.self) { try host.configure("bad") }
        #expect(host.messages(at: .error) == ["configuration refused: bad it is"])
    }

    @Test func `several configurations live side by side`() throws {
        let host = HostEmulator()
        host.register(Scripted.self)
        let first = try host.configure(#"{"name":"first"}"#)
        let second = try host.configure(#"{"name":"second"}"#)
        #expect(host.exchange(with: first).responseHeaders["x-name"] == "first")
        #expect(host.exchange(with: second).responseHeaders["x-name"] == "second")
        host.remove(first)
        #expect(host.exchange(with: first).responseHeaders["x-name"] == nil)
        #expect(host.exchange(with: second).responseHeaders["x-name"] == "second")
    }

    @Test func `a new configuration holds for new exchanges, a refused one for none`() throws {
        let host = HostEmulator()
        host.register(Scripted.self)
        let plugin = try host.configure(#"{"name":"old"}"#)
        let open = host.begin()
        try host.reconfigure(plugin, #"{"name":"new"}"#)
        open.sendResponseHeaders([":status": "200"])
        #expect(open.responseHeaders["x-name"] == "old")
        #expect(throws: ConfigurationRefused.self) { try host.reconfigure(plugin, "{") }
        #expect(host.exchange().responseHeaders["x-name"] == "new")
    }

    @Test func `metrics are defined, counted and set`() throws {
        let host = try HostEmulator(Other.self)
        _ = host.exchange()
        _ = host.exchange()
        #expect(host.metric("requests") == 2)
        #expect(host.metric("live") == 1)
    }

    // MARK: Exchanges

    @Test func `a filter reads, adds, removes and replaces headers`() throws {
        let host = try HostEmulator(Scripted.self)
        let odd = Bytes([0x80, 0xFF])
        let fields = [HeaderField("X-Odd", odd), HeaderField("x-empty", "")]
        let echo = host.exchange(request: get("/echo", fields))
        #expect(echo.requestHeaders["y-x-odd"] == odd)
        #expect(echo.requestHeaders["y-x-empty"] == "")
        #expect(echo.requestHeaders["x-odd"] == nil)
        let replaced = host.exchange(request: get("/replace"))
        #expect(replaced.requestHeaders == [":path": "/other", "a": ""])
    }

    @Test func `a filter answers by itself`() throws {
        let host = try HostEmulator(Scripted.self)
        let exchange = host.begin()
        #expect(exchange.sendRequestHeaders(get("/deny")) == .pause)
        let response = try #require(exchange.localResponse)
        #expect(response.status == 403)
        #expect(response.headers == [":status": "403", "x-why": "path"])
        #expect(response.body == "no")
        #expect(response.details == "denied")
    }

    @Test(arguments: ["/early", "/bad-name", "/split"] as [Bytes])
    func `an error in a filter is logged and nothing passes`(path: Bytes) throws {
        let host = try HostEmulator(Scripted.self)
        let exchange = host.begin()
        #expect(exchange.sendRequestHeaders(get(path)) == .pause)
        #expect(exchange.localResponse?.status == 500)
        #expect(host.messages(at: .error).count == 1)
    }

    @Test func `request headers are out of reach once the request has passed, as in Envoy`() throws {
        let host = try HostEmulator(Scripted.self)
        let exchange = host.begin()
        #expect(exchange.sendRequestHeaders(get("/late")) == .continue)
        exchange.sendResponseHeaders([":status": "200"])
        #expect(exchange.response.status == 500)
        #expect(host.messages(at: .error) == ["cannot read header: bad argument"])
    }

    @Test func `a status that is not a number is no status`() throws {
        let host = try HostEmulator(Scripted.self)
        #expect(host.exchange(response: [":status": "2x"]).responseHeaders["x-status"] == nil)
        #expect(host.exchange(response: [":status": "404"]).responseHeaders["x-status"] == "404")
    }

    @Test func `an exchange is logged and deleted once`() throws {
        let host = try HostEmulator(Scripted.self)
        _ = host.exchange(request: get("/", [HeaderField("user-agent", "t")]))
        #expect(host.log.map(\.message) == ["done t", "delete"])
    }

    @Test func `callbacks for unknown contexts pass`() {
        let host = HostEmulator()
        host.run {
            #expect(host.module.onRequestHeaders(99, 0, true) == 0)
            #expect(host.module.onDone(99))
            host.module.onDelete(99)
            host.module.onLog(99)
        }
    }

    @Test func `every buffer of the host is freed`() throws {
        let before = proxy_wasm_outstanding()
        do {
            let host = try HostEmulator(Scripted.self, configuration: #"{"name":"x"}"#)
            for path in ["/echo", "/deny", "/early", "/replace"] as [Bytes] {
                _ = host.exchange(request: get(path, [HeaderField("x-a", "b")]))
            }
        }
        #expect(proxy_wasm_outstanding() == before)
    }

    // MARK: Header lists

    @Test func `header lists survive the wire`() {
        let fields = [HeaderField("a", ""), HeaderField("", "b"), HeaderField("c", Bytes([0, 0xFF, 0]))]
        #expect(HeaderList.decode(HeaderList.encode(fields)) == fields)
        #expect(HeaderList.decode("") == [])
    }

    @Test func `damaged header lists are refused`() {
        let list = Array(HeaderList.encode([HeaderField("name", "value"), HeaderField("n", "v")]))
        for size in 1..<list.count {
            #expect(HeaderList.decode(Bytes(list.prefix(size))) == nil)
        }
        for index in 0..<20 {
            for byte in [0x7F, 0xFF] as [UInt8] {
                var damaged = list
                damaged[index] = byte
                _ = HeaderList.decode(Bytes(damaged))
            }
        }
        #expect(HeaderList.decode(Bytes(Array(repeating: 0xFF, count: 64))) == nil)
    }

    // MARK: Host

    @Test func `without a host every call is refused and none traps`() {
        #expect(throws: HostError("read header", .unimplemented)) {
            try HeaderMap(.requestHeaders, of: 0).get("a")
        }
        #expect(throws: HostError("read property", .unimplemented)) { try PluginContext(id: 0).property("a") }
        #expect(throws: HostError("define metric", .unimplemented)) { try Counter("a") }
        Log.info("into the void")
    }

    @Test func `properties are read by their path`() throws {
        let host = HostEmulator()
        host.properties = ["source.address": "127.0.0.1:1"]
        host.run {
            let context = PluginContext(id: 0)
            #expect((try? context.property("source", "address")) == "127.0.0.1:1")
            #expect((try? context.property("plugin_vm_id")) == "")
            #expect((try? context.property("no", "such")) == .some(nil))
        }
    }
}
