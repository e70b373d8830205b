// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import HTTPTypes
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct ExchangeTests {
    private let transport = CurlTransport()

    @Test(arguments: [HTTPRequest.Method.get, .delete, .options])
    func `a request without a body brings the whole answer`(_ method: HTTPRequest.Method) async throws {
        let server = try LoopbackServer { exchange in
            let length = exchange.request.header("Content-Length") ?? "no length"
            try exchange.respond(200, text: "\(exchange.request.method) \(exchange.request.target) \(length)")
        }
        let answer = try await transport.exchange(method, "http://\(server.authority)/a/../b?c=%2F&d=")
        #expect(answer.response.status == .ok)
        #expect(answer.text == "\(method.rawValue) /a/../b?c=%2F&d= no length")
    }

    @Test func `a HEAD request has headers and no body`() async throws {
        let server = try LoopbackServer {
            try $0.respond(200, headers: [("Docker-Content-Digest", "x")], length: 12345)
        }
        let answer = try await transport.exchange(.head, "http://\(server.authority)/")
        #expect(answer.response.headerFields[.contentLength] == "12345")
        #expect(answer.response.headerFields[HTTPField.Name("docker-content-digest")!] == "x")
        #expect(answer.body.isEmpty)
    }

    @Test(arguments: [HTTPRequest.Method.put, .post, .patch], [0, 1, 5000, 3 << 20])
    func `a body arrives as it was given`(_ method: HTTPRequest.Method, _ length: Int) async throws {
        let server = try LoopbackServer { exchange in
            let body = try exchange.body()
            let type = exchange.request.header("Content-Type") ?? "no type"
            try exchange.respond(201, text: "\(exchange.request.method) \(Digest(of: body)) \(type)")
        }
        let body = HTTPBody(length: Int64(length)) { PatternSource(length: Int64(length)) }
        let answer = try await transport.exchange(
            method, "http://\(server.authority)/", headers: [.contentType: "text/x"], body: body)
        let digest = try PatternSource.digest(length: Int64(length))
        #expect(answer.text == "\(method.rawValue) \(digest) text/x")
    }

    @Test(arguments: [HTTPRequest.Method.put, .post, .patch])
    func `a method that means a body says that there is none`(_ method: HTTPRequest.Method) async throws {
        let server = try LoopbackServer {
            try $0.respond(200, text: $0.request.header("Content-Length") ?? "no length")
        }
        #expect(try await transport.exchange(method, "http://\(server.authority)/").text == "0")
    }

    @Test func `only a large body is announced with Expect`() async throws {
        let server = try LoopbackServer { exchange in
            let expectation = exchange.request.header("Expect") ?? "none"
            _ = try exchange.drain()
            try exchange.respond(200, text: expectation)
        }
        let small = try await transport.exchange(
            .put, "http://\(server.authority)/", body: HTTPBody([UInt8](repeating: 1, count: 1000)))
        let large = try await transport.exchange(
            .put, "http://\(server.authority)/",
            body: HTTPBody(length: 4 << 20) { PatternSource(length: 4 << 20) })
        #expect(small.text == "none")
        #expect(large.text == "100-continue")
    }

    @Test func `an early refusal of a large body is an answer, not an error`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.respond(401, text: "who are you")
            exchange.close()
        }
        let answer = try await transport.exchange(
            .put, "http://\(server.authority)/",
            body: HTTPBody(length: 64 << 20) { PatternSource(length: 64 << 20) })
        #expect(answer.response.status == .unauthorized)
        #expect(answer.text == "who are you")
    }

    @Test func `a server that refuses Expect gets the body without it, and one answer comes out`()
        async throws
    {
        let server = try LoopbackServer { exchange in
            guard exchange.request.header("Expect") == nil else {
                try exchange.respond(417, text: "no")
                exchange.close()
                return
            }
            try exchange.respond(200, text: "\(try exchange.drain())")
        }
        let heads = Mutex<[Int]>([])
        let response = try await transport.send(
            request(.put, "http://\(server.authority)/"),
            body: HTTPBody(length: 2 << 20) { PatternSource(length: 2 << 20) },
            options: HTTPTransportOptions()
        ) { head in
            heads.withLock { $0.append(head.status.code) }
            return nil
        }
        #expect(response.status == .ok)
        #expect(heads.withLock { $0 } == [200])
    }

    @Test func `headers are sent and read as they are`() async throws {
        let server = try LoopbackServer { exchange in
            let seen = exchange.request.headers.filter { $0.name.hasPrefix("X-") || $0.name == "User-Agent" }
            try exchange.respond(
                200, headers: [("Link", "<a>; rel=x"), ("Link", "<b>;rel=y"), ("X-Empty", "")],
                text: seen.map { "\($0.name)=\($0.value)" }.joined(separator: "|"))
        }
        var headers: HTTPFields = [.userAgent: "wasme/0"]
        headers[HTTPField.Name("X-Empty")!] = ""
        headers[HTTPField.Name("X-Two")!] = "a: b; c"
        let answer = try await transport.exchange(.get, "http://\(server.authority)/", headers: headers)
        #expect(answer.text == "User-Agent=wasme/0|X-Empty=|X-Two=a: b; c")
        #expect(answer.response.headerFields[values: HTTPField.Name("Link")!] == ["<a>; rel=x", "<b>;rel=y"])
        #expect(answer.response.headerFields[HTTPField.Name("X-Empty")!] == "")
    }

    @Test func `interim heads and trailers are not the answer's`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 103 Early Hints\r\nLink: <early>\r\n\r\n")
            try exchange.write("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n")
            try exchange.write("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Late: 1\r\n\r\n")
        }
        let answer = try await transport.exchange(.get, "http://\(server.authority)/")
        #expect(answer.text == "hello world")
        #expect(answer.response.status.reasonPhrase == "Fine")
        #expect(answer.response.headerFields[HTTPField.Name("Link")!] == nil)
        #expect(answer.response.headerFields[HTTPField.Name("X-Late")!] == nil)
    }

    @Test func `a redirect is an answer like any other`() async throws {
        let server = try LoopbackServer { try $0.respond(307, headers: [("Location", "/elsewhere")]) }
        let answer = try await transport.exchange(.get, "http://\(server.authority)/")
        #expect(answer.response.status == .temporaryRedirect)
        #expect(server.connectionCount == 1)
    }

    @Test func `a connection serves one request after the other`() async throws {
        let server = try LoopbackServer { try $0.respond(200, text: "ok") }
        for _ in 0..<20 {
            #expect(try await transport.exchange(.get, "http://\(server.authority)/").text == "ok")
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `a body is sent anew when a kept connection is found dead`() async throws {
        let served = Mutex(0)
        let server = try LoopbackServer { exchange in
            let number = served.withLock { count in
                count += 1
                return count
            }
            // The second request on a connection is read and left without an answer.
            guard number != 2 else { return exchange.close() }
            try exchange.respond(200, text: "\(Digest(of: try exchange.body()))")
        }
        let body = HTTPBody(length: 100_000) { PatternSource(length: 100_000) }
        for _ in 0..<2 {
            let answer = try await transport.exchange(.put, "http://\(server.authority)/", body: body)
            #expect(answer.text == "\(try PatternSource.digest(length: 100_000))")
        }
        #expect(server.connectionCount == 2)
    }
}
