// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import EnvoyControl
@testable import Scenarios

/// Clients and servers of scenarios, without a proxy between them.
@Suite struct WireTests {
    private func events(_ text: String, _ kind: HTTPParser.Kind, pieces: Int) throws -> [String] {
        var parser = HTTPParser(kind)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            for event in try parser.feed(bytes[start..<min(start + pieces, bytes.count)]) {
                switch event {
                case .head(let words, let headers):
                    found.append(words.joined(separator: "|") + headers.map { ",\($0)=\($1)" }.joined())
                case .body(let part):
                    if let last = found.last, last.hasPrefix("body ") {
                        found[found.count - 1] += String(decoding: part, as: UTF8.self)
                    } else {
                        found.append("body " + String(decoding: part, as: UTF8.self))
                    }
                case .end(let trailers): found.append("end" + trailers.map { ",\($0)=\($1)" }.joined())
                }
            }
        }
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func `messages are read however they are cut`(pieces: Int) throws {
        let requests =
            "POST /a HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: 1 \r\n\r\n"
            + "GET /b HTTP/1.1\r\n\r\nPUT /c HTTP/1.1\r\ncontent-length: 2\r\n\r\nok"
        #expect(
            try events(requests, .request, pieces: pieces) == [
                "POST|/a|HTTP/1.1,host=x,Transfer-Encoding=chunked", "body abc0123456789", "end,t=1",
                "GET|/b|HTTP/1.1", "end", "PUT|/c|HTTP/1.1,content-length=2", "body ok", "end",
            ])
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello"
        #expect(
            try events(answer, .response(method: "GET"), pieces: pieces) == [
                "HTTP/1.1|200|,content-length=5", "body hello", "end",
            ])
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nx: " + String(repeating: "y", count: HTTPParser.headLimit),
    ])
    func `what is no HTTP is refused`(text: String) {
        #expect(throws: HTTPSyntaxError.self) { try events(text, .request, pieces: 100_000) }
    }

    @Test func `any bytes are read or refused`() throws {
        let corpus = [
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcHTTP/1.1 204 \r\n\r\n",
        ].map { Array($0.utf8) }
        try Fuzzer("http1", corpus: corpus).run { bytes in
            for kind in [HTTPParser.Kind.request, .response(method: "GET")] {
                var parser = HTTPParser(kind)
                do {
                    for byte in bytes { _ = try parser.feed([byte][...]) }
                } catch is HTTPSyntaxError {}
            }
            return nil
        }
    }

    @Test func `a large body goes both ways at once`() async throws {
        let player = ServicePlayer()
        var answer = ServiceAnswer.Message()
        let large = String(repeating: "0123456789abcdef", count: 1 << 18)
        answer.body = [.text(large)]
        player.follow(ServiceScript(answers: [ServiceAnswer(.http(answer))]))
        let server = try ServiceServer(player, .http)
        defer { server.stop() }
        var request = ScenarioRequest(method: "POST", path: "/")
        request.body = [.text(large), .text("end")]
        let outcome = await ScenarioClient(port: server.port).send(request, within: .seconds(20))
        guard case .response(let response) = outcome else {
            Issue.record("no response")
            return
        }
        #expect(response.body.count == large.utf8.count)
        #expect(player.calls.map(\.body.count) == [large.utf8.count + 3])
    }

    @Test func `a server takes any bytes and goes on`() async throws {
        let player = ServicePlayer()
        player.follow(ServiceScript(answers: [ServiceAnswer(.http(.init()))]))
        let server = try ServiceServer(player, .http)
        defer { server.stop() }
        let client = ScenarioClient(port: server.port)
        let garbage = await client.connect(
            sending: [.bytes([0, 1, 2, 255, 10, 13, 10]), .text("\r\n\r\n")], within: .seconds(5)
        ) { _ in false }
        #expect(garbage.isClosed)
        guard case .response(let response) = await client.send(ScenarioRequest(), within: .seconds(5)) else {
            Issue.record("no response")
            return
        }
        #expect(response.status == 200)
    }

    @Test func `a server that hangs is left after a time`() async throws {
        let player = ServicePlayer()
        player.follow(ServiceScript(answers: [ServiceAnswer(.hang)]))
        let server = try ServiceServer(player, .http)
        defer { server.stop() }
        let outcome = await ScenarioClient(port: server.port).send(
            ScenarioRequest(), within: .milliseconds(200))
        guard case .timedOut(nil) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test(arguments: [
        (["a"], "GET", "curl -i -X GET -H content-type: --data-binary a http://127.0.0.1:10000/"),
        (
            ["a\0b"], "POST",
            #"printf '\141\000\142' | curl -i -H content-type: --data-binary @- http://127.0.0.1:10000/"#
        ),
        (["@f"], "POST", "curl -i -H content-type: --data-raw @f http://127.0.0.1:10000/"),
        ([], "HEAD", "curl -i -I http://127.0.0.1:10000/"),
        ([], "DELETE", "curl -i -X DELETE http://127.0.0.1:10000/"),
    ])
    func `requests can be repeated with curl`(body: [String], method: String, command: String) {
        var request = ScenarioRequest(method: method, path: "/")
        request.body = body.map { .text($0) }
        #expect(request.curl == command)
    }

    @Test func `what curl cannot send has no command`() {
        var request = ScenarioRequest()
        request.trailers = [("a", "b")]
        #expect(request.curl == nil)
        request.trailers = []
        request.body = [.bytes([0xff])]
        #expect(request.curl == nil)
        request.body = []
        request.protocol = .http2
        request.headers = [("x-empty", "")]
        #expect(request.curl == "curl -i --http2-prior-knowledge -H 'x-empty;' http://127.0.0.1:10000/")
    }

    @Test(arguments: [
        ("wasm log moods.1 root moods.1: a: b", "a: b"), ("wasm log root moods.1: a", "a"),
        ("wasm log moods.1 root: a", "a"), ("wasm log moods.1: a", "a"), ("wasm log moods.1:", ""),
        ("wasm log moods.11 root moods.11: a", nil), ("wasm log other: moods.1: a", nil),
    ])
    func `a filter's lines are known by its VM`(line: String, text: String?) {
        let identity = PluginIdentity(name: "moods.1", rootID: "root")
        #expect(identity.text(of: EnvoyLogMessage(level: "info", logger: "wasm", text: line)) == text)
    }
}
