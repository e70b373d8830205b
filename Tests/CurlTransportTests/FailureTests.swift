// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Dispatch
import HTTPTypes
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct FailureTests {
    private let transport = CurlTransport()

    private func failure(
        _ url: String, method: HTTPRequest.Method = .get, body: HTTPBody? = nil, stallTimeout: Double = 60
    ) async -> HTTPTransportError? {
        var options = HTTPTransportOptions()
        options.stallTimeout = stallTimeout
        do {
            _ = try await transport.exchange(method, url, body: body, options: options)
            return nil
        } catch {
            return error as? HTTPTransportError
        }
    }

    @Test func `a closed port refuses`() async throws {
        let closed = try ClosedPort()
        let error = try #require(await failure("http://\(closed.authority)/secret?token=hidden"))
        #expect(error.code == .connectionRefused)
        #expect(error.message.contains(closed.authority))
        #expect(!error.message.contains("hidden") && !error.message.contains("secret"))
    }

    @Test func `a name without an address is unknown`() async throws {
        let error = try #require(await failure("http://no-such-host.invalid/"))
        #expect(error.code == .unknownHost)
        #expect(error.message.contains("no-such-host.invalid"))
    }

    @Test func `credentials in a URL are refused and not shown`() async throws {
        let error = try #require(await failure("http://me:hunter2@127.0.0.1:1/"))
        #expect(!error.message.contains("hunter2") && !error.message.contains("me:"))
    }

    @Test(arguments: ["ftp", "file", "gopher"])
    func `only http and https are spoken`(_ scheme: String) async throws {
        #expect(try #require(await failure("\(scheme)://127.0.0.1:1/x")).code == .other)
    }

    @Test func `TLS to a plain port is told as such`() async throws {
        let server = try LoopbackServer(greeting: "HTTP/1.1 400 Bad Request\r\n\r\n") { $0.close() }
        let error = try #require(await failure("https://\(server.authority)/"))
        #expect(error.code == .notHTTP)
        #expect(error.message.hasSuffix("does not speak https"))
    }

    @Test func `what is no HTTP is told as such`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("SSH-2.0-OpenSSH_9.2\r\n")
            exchange.close()
        }
        #expect(try #require(await failure("http://\(server.authority)/")).code == .notHTTP)
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell",
    ])
    func `an answer that breaks off is a lost connection`(_ answer: String) async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write(answer)
            exchange.close()
        }
        #expect(try #require(await failure("http://\(server.authority)/")).code == .connectionLost)
    }

    @Test func `a chunked answer that breaks off is a lost connection`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            exchange.close()
        }
        #expect(try #require(await failure("http://\(server.authority)/")).code == .connectionLost)
    }

    @Test func `an upload that breaks off is a lost connection`() async throws {
        let server = try LoopbackServer { exchange in
            _ = try exchange.readBody()
            exchange.close()
        }
        let body = HTTPBody(length: 64 << 20) { PatternSource(length: 64 << 20) }
        #expect(
            try #require(await failure("http://\(server.authority)/", method: .put, body: body)).code
                == .connectionLost)
    }

    @Test(arguments: [
        ("", HTTPTransportError.Code.timedOut, "no answer came"),
        ("HTTP/1.1 200 OK\r\nX: y\r\n", .timedOut, "no answer came"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", .stalled, "the answer did not go on"),
    ])
    func `a server that falls silent runs out of time`(
        _ beginning: String, _ code: HTTPTransportError.Code, _ step: String
    ) async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write(beginning)
            exchange.waitForEnd()
        }
        let error = try #require(await failure("http://\(server.authority)/", stallTimeout: 1))
        #expect(error.code == code)
        #expect(error.message.contains("\"http://\(server.authority)\" took too long: \(step)"))
    }

    @Test func `a server that takes no more of a body runs out of time`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try LoopbackServer { exchange in
            _ = try exchange.readBody()
            gate.wait()
        }
        defer { gate.signal() }
        let body = HTTPBody(length: 64 << 20) { PatternSource(length: 64 << 20) }
        let error = try #require(
            await failure("http://\(server.authority)/", method: .put, body: body, stallTimeout: 1))
        #expect(error.code == .stalled && error.message.contains("the request was not taken any further"))
    }

    @Test func `endless headers are cut off`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\n")
            let line = "X-More: \(String(repeating: "x", count: 8000))\r\n"
            while true { try exchange.write(line) }
        }
        let error = try #require(await failure("http://\(server.authority)/"))
        #expect(error.message.contains("256 KiB of headers"))
    }

    @Test func `what a sink throws ends the transfer and comes out`() async throws {
        let server = try LoopbackServer { try $0.respond(200, body: [UInt8](repeating: 0, count: 1 << 20)) }
        let sink = HashingSink { _ in throw Mark(text: "disk full") }
        await #expect(throws: Mark(text: "disk full")) {
            try await transport.send(
                request(.get, "http://\(server.authority)/"), body: nil, options: HTTPTransportOptions()
            ) { _ in sink }
        }
    }

    @Test(arguments: [0, 1000])
    func `what the receiver throws comes out, with and without a body`(_ length: Int) async throws {
        let server = try LoopbackServer { try $0.respond(200, body: [UInt8](repeating: 0, count: length)) }
        await #expect(throws: Mark(text: "unwanted")) {
            try await transport.send(
                request(.get, "http://\(server.authority)/"), body: nil, options: HTTPTransportOptions()
            ) { _ in throw Mark(text: "unwanted") }
        }
    }

    @Test func `what a source throws ends the transfer and comes out`() async throws {
        let server = try LoopbackServer { try $0.respond(200, text: "\(try $0.drain())") }
        let body = HTTPBody(length: 10 << 20) {
            PatternSource(length: 10 << 20, ending: 5 << 20, failure: Mark(text: "gone"))
        }
        await #expect(throws: Mark(text: "gone")) {
            try await transport.exchange(.put, "http://\(server.authority)/", body: body)
        }
        await #expect(throws: Mark(text: "not there")) {
            let body = HTTPBody(length: 1) { throw Mark(text: "not there") }
            return try await transport.exchange(.put, "http://\(server.authority)/", body: body)
        }
    }

    @Test func `a source that ends early is an error at once`() async throws {
        let server = try LoopbackServer { try $0.respond(200, text: "\(try $0.drain())") }
        let body = HTTPBody(length: 1000) { PatternSource(length: 1000, ending: 400) }
        await #expect(throws: ByteStreamError.tooShort(expected: 1000, actual: 400)) {
            try await transport.exchange(.put, "http://\(server.authority)/", body: body)
        }
    }

    @Test func `a request without a URL is refused`() async throws {
        let request = HTTPRequest(method: .get, scheme: nil, authority: "127.0.0.1", path: "/")
        await #expect(throws: HTTPTransportError.self) {
            try await transport.send(request, body: nil, options: HTTPTransportOptions()) { _ in nil }
        }
    }
}
