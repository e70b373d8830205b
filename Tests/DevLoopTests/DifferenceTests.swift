// SPDX-License-Identifier: Apache-2.0

import DevLoop
import EnvoyControl
import FilterProxy
import Testing

/// What is told of two answers to one request.
@Suite struct DifferenceTests {
    private func message(
        _ headers: [(String, String)], _ body: String = "", truncated: Bool = false
    ) -> StreamRecord.Message {
        var message = StreamRecord.Message()
        message.headers = headers.map { StreamRecord.Header($0.0, $0.1) }
        message.body = Array(body.utf8)
        message.isTruncated = truncated
        return message
    }

    private func seen(
        _ path: String = "/", request: [(String, String)] = [], body: String = "", status: Int = 200,
        response: [(String, String)] = [], answer: String = "", log: [String]? = [], passes: Bool = true
    ) -> SeenRequest {
        let sent = message(
            [(":method", "GET"), (":path", path), (":authority", "a")] + request, body)
        let got = message([(":status", "\(status)")] + response, answer)
        let record = StreamRecord(request: sent, response: got)
        let lines = log?.map { text in
            FilterLogLine(.init(level: "info", logger: "wasm", text: "wasm log a: \(text)"))
        }
        return SeenRequest(
            StreamExchange(before: record, behind: passes ? record : nil), log: lines?.compactMap { $0 })
    }

    @Test func `headers that are new, gone or other, without those that change by themselves`() {
        let old = seen(response: [("date", "1"), ("a", "1"), ("b", "1"), ("c", "1"), ("content-length", "3")])
        let new = seen(response: [("date", "2"), ("a", "1"), ("b", "2"), ("d", "1"), ("content-length", "4")])
        let difference = ResponseDifference(old: old, new: new)
        #expect(difference.headers.map(\.summary) == ["~b: 1 -> 2", "-c: 1", "+d: 1"])
        #expect(difference.body == nil)
        #expect(!difference.isEmpty)
        #expect(ResponseDifference(old: old, new: old).isEmpty)
    }

    @Test func `status, log and whether the upstream is asked`() {
        let old = seen(log: ["one", "two"])
        let new = seen(status: 403, log: ["one", "three"], passes: false)
        let difference = ResponseDifference(old: old, new: new)
        #expect(difference.oldStatus == 200 && difference.newStatus == 403)
        #expect(difference.reachesUpstream == (true, false))
        #expect(difference.log == ["@@ -1,2 +1,2 @@", " info one", "-info two", "+info three"])
        // Whose lines these were is not known.
        #expect(ResponseDifference(old: seen(log: nil), new: new).log == [])
    }

    @Test func `bodies as lines, as JSON with a member in each, and as sizes`() {
        func body(_ old: String, _ new: String) -> ResponseDifference.Body? {
            ResponseDifference(old: seen(answer: old), new: seen(answer: new)).body
        }
        #expect(body("a\nb\nc\n", "a\nx\nc\n") == .text(["@@ -1,3 +1,3 @@", " a", "-b", "+x", " c"]))
        #expect(
            body(#"{"a":1,"b":2}"#, #"{"a":1,"b":3}"#)
                == .text(["@@ -1,4 +1,4 @@", " {", "   \"a\": 1,", "-  \"b\": 2", "+  \"b\": 3", " }"]))
        #expect(body("a\0", "ab\0") == .binary(old: 2, new: 3))
        #expect(body("same", "same") == nil)
    }

    @Test(arguments: [
        (["a"], ["a"], []),
        ([], ["a"], ["@@ -1,0 +1,1 @@", "+a"]),
        (["a"], [], ["@@ -1,1 +1,0 @@", "-a"]),
        (
            ["1", "2", "3", "4", "5"], ["1", "2", "3", "4", "x"],
            ["@@ -3,3 +3,3 @@", " 3", " 4", "-5", "+x"]
        ),
        (
            ["a", "1", "2", "3", "4", "5", "6", "b"], ["x", "1", "2", "3", "4", "5", "6", "y"],
            ["@@ -1,3 +1,3 @@", "-a", "+x", " 1", " 2", "@@ -6,3 +6,3 @@", " 5", " 6", "-b", "+y"]
        ),
        (
            ["a", "1", "2", "3", "4", "b"], ["x", "1", "2", "3", "4", "y"],
            ["@@ -1,6 +1,6 @@", "-a", "+x", " 1", " 2", " 3", " 4", "-b", "+y"]
        ),
    ])
    func `the unified form`(old: [String], new: [String], expected: [String]) {
        #expect(LineDifference(old, new).lines == expected)
    }

    @Test func `texts without a line in common take no time`() {
        let old = (0..<40_000).map { "old \($0)" }
        let new = (0..<40_000).map { "new \($0)" }
        let start = ContinuousClock.now
        #expect(LineDifference(old, new).lines.count == 80_001)
        #expect(.now - start < .seconds(5))
    }

    @Test func `the last requests that differ`() {
        var history = RequestHistory(limit: 2)
        for path in ["/a", "/b", "/a", "/c", "/a"] { history.add(seen(path)) }
        #expect(history.requests.map(\.path) == ["/c", "/a"])
        // What Envoy adds does not make two of one.
        history.add(seen("/a", request: [("x-request-id", "1")]))
        #expect(history.requests.count == 2)
        history.add(seen("/a", request: [("cookie", "1")]))
        #expect(history.requests.map(\.path) == ["/a", "/a"])
        var none = RequestHistory(limit: 0)
        none.add(seen("/a"))
        #expect(none.requests.isEmpty)
    }

    @Test func `what cannot be sent again says why`() {
        var request = message(
            [(":method", "POST"), (":path", "/"), (":authority", "a")], "x", truncated: true)
        func obstacle() -> String? {
            let record = StreamRecord(request: request, response: message([(":status", "200")]))
            return SeenRequest(StreamExchange(before: record, behind: nil), log: nil).obstacle
        }
        #expect(obstacle() == "its body is longer than what is kept")
        request.isTruncated = false
        #expect(obstacle() == nil)
        request.trailers = [StreamRecord.Header("a", "b")]
        #expect(obstacle() == "it has trailers")
    }
}
