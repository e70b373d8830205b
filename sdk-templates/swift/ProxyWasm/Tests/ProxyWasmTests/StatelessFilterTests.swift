// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@Suite struct StatelessFilterTests {
    @Test func `a filter without state changes both ways of an exchange`() {
        let host = HostEmulator(stateless: Marker.self)
        let exchange = host.exchange(
            .request("POST", "/p", body: ["ask"]), response: .response(body: ["te", "ll"]))
        #expect(exchange.requestHeaders["x-path"] == "/p")
        #expect(exchange.request.body == "ask, please")
        #expect(exchange.responseHeaders["hello"] == "world")
        #expect(exchange.response.body == "(tell)")
        #expect(host.messages(at: .info) == ["done /p"])
    }

    @Test func `any configuration and any root id will do`() throws {
        let host = HostEmulator()
        host.register(stateless: Marker.self)
        let plugin = try host.configure("{not read", rootID: "whatever")
        #expect(host.exchange(with: plugin).responseHeaders["hello"] == "world")
        #expect(host.remove(plugin))
    }

    @Test func `what a callback throws is logged and answered with status 500`() {
        let host = HostEmulator(stateless: Failing.self)
        let exchange = host.exchange()
        #expect(exchange.localResponse?.status == 500)
        #expect(exchange.localResponse?.details == "wasm_filter_error")
        #expect(host.messages(at: .error) == ["cannot set header \"not a name\": bad argument"])
    }

    @Test func `a filter without state can let failures pass`() {
        let exchange = HostEmulator(stateless: Lenient.self).exchange()
        #expect(exchange.localResponse == nil)
        #expect(exchange.responseHeaders[":status"] == "200")
    }

    @Test func `what onLog throws is logged, and nothing is answered`() {
        let host = HostEmulator(stateless: FailingLog.self)
        #expect(host.exchange().localResponse == nil)
        #expect(host.messages(at: .error) == ["cannot set header \"\": bad argument"])
    }

    @Test func `a filter without state cannot wait for an answer`() {
        let host = HostEmulator(stateless: Calling.self)
        #expect(host.exchange().localResponse?.status == 500)
        #expect(host.pendingCalls.isEmpty)
        #expect(
            host.messages(at: .error) == ["cannot wait for an answer without state: not offered by this host"]
        )
    }

    @Test func `a second registration does not start`() async {
        await #expect(processExitsWith: .failure) {
            let host = HostEmulator(stateless: Marker.self)
            host.register(stateless: Lenient.self)
        }
        await #expect(processExitsWith: .failure) {
            let host = HostEmulator()
            host.register(Stateful.self)
            host.register(stateless: Lenient.self)
        }
    }

    @Test func `an error names what it is about, whoever asks`() {
        let known = HostError("call", .unimplemented)
        #expect(known.message == "cannot call: not offered by this host")
        #expect(HostError("call", HostError.Status(rawValue: 0)).message == "cannot call: ok")
        #expect(HostError("call", HostError.Status(rawValue: 13)).message == "cannot call: status 13")
        #expect(
            HostError("call", HostError.Status(rawValue: .max)).message == "cannot call: status 4294967295")
    }
}

private final class Stateful: Plugin {
    static var rootID: Bytes { "stateful" }

    init(configuration: PluginConfiguration) throws(ConfigurationError) {}
}

private enum Marker: StatelessHTTPFilter {
    static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try request.headers.set("x-path", to: request.path ?? "")
        return .continue
    }

    static func onRequestBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        if body.isEndOfStream { try body.append(", please") }
        return .continue
    }

    static func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set("hello", to: "world")
        return .continue
    }

    static func onResponseBody(_ body: HTTPBody) throws(HostError) -> Action {
        guard body.isEndOfStream else { return .pause }
        try body.replace(with: "(\(try body.bytes))")
        return .continue
    }

    static func onLog(_ stream: HTTPStream) throws(HostError) {
        Log.info("done \(try stream.requestHeaders.get(":path") ?? "")")
    }
}

private enum Failing: StatelessHTTPFilter {
    static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try request.headers.set("not a name", to: "")
        return .continue
    }
}

private enum Lenient: StatelessHTTPFilter {
    static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        throw HostError("anything", .internalFailure)
    }

    static func onError(_ error: HostError, in stream: HTTPStream) -> Action { .continue }
}

private enum FailingLog: StatelessHTTPFilter {
    static func onLog(_ stream: HTTPStream) throws(HostError) {
        do throws(HostError) {
            try stream.requestHeaders.set("", to: "")
        } catch {
            let same = HostError("set header \"\"", .badArgument)
            throw HostError(error == same ? error.operation : "tell errors apart", error.status)
        }
    }
}

private enum Calling: StatelessHTTPFilter {
    static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try request.stream.httpCall(
            to: "service", headers: [HeaderField(":method", "GET"), HeaderField(":path", "/")]
        ) { (_) throws(HostError) in }
        return .pause
    }
}
