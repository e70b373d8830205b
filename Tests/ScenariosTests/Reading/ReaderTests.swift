// SPDX-License-Identifier: Apache-2.0

import Deployment
import Scenarios
import Testing

/// What a `tests.yaml` says is what is done.
@Suite struct ReaderTests {
    @Test func `everything that the format has is read`() throws {
        let file = try read(completeFile, completeEnvironment)
        #expect(file.name == "t.yaml")
        #expect(
            file.scenarios.map(\.name) == [
                "everything of a request", "answers by method (method=GET, status=200)",
                "answers by method (method=PUT, status=405)", "a connection", "later", "now", "is refused",
            ])
        #expect(file.services == ["keys": false, "auth": true, "denied": true])
        let first = file.scenarios[0]
        #expect(first.setup.configuration == #"{"limit":3,"header":"x-alice","costs":"${USD}"}"#)
        #expect(first.setup.vmConfiguration == #"{"a":1}"#)
        #expect(first.setup.environment == ["A": "b", "TOKEN": "secret"])
        #expect(first.setup.rootID == "other")
        #expect(first.setup.failurePolicy == .reload)
        #expect(file.scenarios.map(\.skip) == [nil, nil, nil, nil, "not before the next version", nil, nil])
        #expect(file.scenarios.map(\.isOnly) == [false, false, false, false, false, true, false])
        #expect(file.scenarios[6].setup.configuration == #"{"a":"#)
        #expect(file.scenarios[6].setup.configurationValue == nil)
    }

    @Test func `a step is what it says and what its test and its file say`() throws {
        let file = try read(completeFile, completeEnvironment)
        guard case .steps(let steps) = file.scenarios[0].outcome else { throw Unexpected() }
        let step = steps[0]
        #expect(step.delay == .milliseconds(10) && step.count == 3)
        guard case .request(let request) = step.stimulus else { throw Unexpected() }
        #expect(request.protocol == .http2 && request.method == "POST" && request.path == "/users/alice")
        #expect(request.headers.map(\.value) == ["a", "b", "5"])
        #expect(request.body == [.text("one"), .pause(.seconds(1)), .text("two")])
        #expect(request.trailers.map(\.name) == ["x-check"])
        guard case .http(let answer)? = step.upstream.answers.first?.kind else { throw Unexpected() }
        #expect(answer.body == [.text("a"), .pause(.milliseconds(50)), .bytes([255]), .text("b")])
        #expect(Set(step.services.keys) == ["keys", "auth", "denied"])
        #expect(step.services["keys"]?.answers.count == 1)
        #expect(step.services["auth"]?.answers.first?.delay == .milliseconds(1500))
        guard case .grpc(0, "", [10, 5, 97])? = step.services["auth"]?.answers.first?.kind,
            case .grpc(7, "not alice", [])? = step.services["denied"]?.answers.first?.kind
        else { throw Unexpected() }
        // The second step has the file's own again.
        #expect(steps[1].services["keys"]?.answers.count == 4)
        guard case .http(let json)? = steps[1].upstream.answers.first?.kind else { throw Unexpected() }
        #expect(json.body == [.text(#"{"user":"alice","roles":["admin","alice"]}"#)])
        #expect(json.headers.last?.value == "application/json")
        let expectation = step.expectation
        #expect(expectation.atMost == .seconds(2) && expectation.atLeast == .milliseconds(10))
        #expect(
            expectation.response.headers.map(\.pattern.description) == [
                "\"b\"", "none", "something with \"c\" in it", "something that matches /^d$/", "something",
                "none",
            ])
        #expect(
            expectation.response.json.map { "\($0.path) \($0.pattern)" } == [
                "$.user \"alice\"", "$.roles[0] something with \"adm\" in it", "$['a b'] none",
                "$.list \"[1,2]\"", "$.n \"5\"",
            ])
        #expect(expectation.noLog.count == 1 && !expectation.traps)
        #expect(expectation.metrics.map(\.change) == [1, 0, -1])
        #expect(steps[4].expectation.isClosed)
        guard case .wait(.seconds(2)) = steps[5].stimulus else { throw Unexpected() }
    }

    @Test func `a call of gRPC is a request`() throws {
        let file = try read(completeFile, completeEnvironment)
        guard case .steps(let steps) = file.scenarios[0].outcome, case .request(let call) = steps[1].stimulus,
            case .request(let stream) = steps[2].stimulus, case .request(let json) = steps[3].stimulus
        else { throw Unexpected() }
        #expect(call.method == "POST" && call.path == "/example.Users/Get" && call.protocol == .http2)
        #expect(
            call.headers.map { "\($0.name): \($0.value)" } == [
                "x-a: b", "content-type: application/grpc", "te: trailers",
            ])
        #expect(call.body == [.bytes([0, 0, 0, 0, 2, 104, 105])])
        #expect(
            stream.body == [
                .bytes([0, 0, 0, 0, 3] + Array("one".utf8)), .pause(.milliseconds(10)),
                .bytes([0, 0, 0, 0, 1, 255]),
            ])
        #expect(json.body == [.text(#"{"a":[1,2.50,null]}"#)])
    }

    @Test(arguments: [
        ("300ms", Duration.milliseconds(300)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
        ("0s", .zero), ("0.25ms", .microseconds(250)), ("10m", .seconds(600)),
    ])
    func `durations have a unit`(text: String, expected: Duration) throws {
        #expect(
            try steps(test("wait: \(text)")).first.map {
                if case .wait(let d) = $0.stimulus { d } else { .zero }
            } == expected)
    }

    @Test(arguments: [
        "3", "s", "1e3s", "infs", "nans", "-1s", "1.s", "1h", "11m", "9999999s", "[1s]", "1.2.3s",
    ])
    func `what is no duration is told`(text: String) {
        #expect(complaint(test("wait: \(text)")).hasPrefix("error: t.yaml:2:19: expected a duration"))
    }

    @Test(arguments: [
        ("{base64: aGVsbG8=}", "hello"), ("{base64: aGVsbG8h}", "hello!"), ("{base64: aGVsbA==}", "hell"),
        ("{base64: ''}", ""), ("{hex: 68 65 6c6C}", "hell"), ("{hex: ''}", ""), ("plain", "plain"),
        ("7", "7"),
    ])
    func `bytes are written as text, in hexadecimal digits or in Base64`(
        text: String, expected: String
    ) throws {
        guard case .request(let request)? = try steps(test("request: {body: \(text)}")).first?.stimulus else {
            throw Unexpected()
        }
        #expect(request.body.flatMap { $0.content ?? [] } == Array(expected.utf8))
    }
}

struct Unexpected: Error {}
