// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Scenarios
import Testing

/// What is wrong with a `tests.yaml` is told with its place, and with what to do about it.
@Suite struct ComplaintTests {
    static let malformed: [(yaml: String, words: String)] = [
        ("tests: []", "t.yaml:1:1: expected a list \"tests\""),
        ("test: []", "t.yaml:1:1: expected a list \"tests\""),
        ("[]", "t.yaml:1:1: expected a mapping, found a list"),
        ("tests: {a: b}", "t.yaml:1:8: expected a list, found a mapping"),
        ("tests: [a]", "t.yaml:1:9: expected a mapping, found \"a\""),
        ("tests:\n- {request: {}}", "t.yaml:2:3: a test needs a \"name\""),
        ("tests:\n- {name: '', request: {}}", "t.yaml:2:10: expected a text, found an empty one"),
        ("tests:\n- name: a", "t.yaml:2:3: expected a \"request\""),
        ("tests:\n- {name: a, steps: []}", "t.yaml:2:20: expected at least one step"),
        ("upstreams: {}\ntests: [{name: a, request: {}}]", "t.yaml:1:1: unknown key \"upstreams\""),
        (test("reqest: {}"), "expected a \"request\""),
        (test("request: {pth: /}"), "t.yaml:2:23: unknown key \"pth\"\n  help: did you mean \"path\"?"),
        (test("request: {zzzzzz: /}"), "help: the keys here are protocol, headers, grpc, method, path"),
        (test("request: {}, expect: {status: ok}"), "expected an integer, found \"ok\""),
        (test("request: {}, expect: {status: 99}"), "expected an integer from 100 to 599, found 99"),
        (test("request: {}, expect: {status: 600}"), "expected an integer from 100 to 599, found 600"),
        (test("request: {}, repeat: 0"), "expected an integer from 1 to 10000, found 0"),
        (test("request: {}, only: maybe"), "expected true or false, found \"maybe\""),
        (test("request: {}, skip: ''"), "expected a text, found an empty one"),
        (
            test("request: {}, failure_policy: opne"),
            "expected \"reload\" or \"closed\" or \"open\", found \"opne\""
        ),
        (test("request: {}, failure_policy: opne"), "did you mean \"open\"?"),
        (test("request: {protocol: h3}"), "expected \"h1\" or \"h2\", found \"h3\""),
        (test("request: {path: a b}"), "expected a path from / on, without spaces"),
        (test("request: {method: 'GE T'}"), "\"GE T\" is no name of a method"),
        (test("request: {headers: {'a b': c}}"), "\"a b\" is no name of a header"),
        (test("request: {headers: {a: \"b\\r\\nc: d\"}}"), "cannot have a line break"),
        (test("request: {headers: {a: null}}"), "expected a text, found nothing"),
        (test("request: {chunks: []}"), "expected at least one chunk"),
        (test("request: {chunks: [{pause: 1s}]}"), "expected at least one chunk"),
        (test("request: {chunks: [{pasue: 1s}]}"), "unknown key \"pasue\""),
        (test("request: {body: {hex: abc}}"), "expected pairs of hexadecimal digits"),
        (test("request: {body: {base64: abc}}"), "expected a text in Base64"),
        (test("request: {}, expect: {response: {body: {hex: abc}}}"), "expected pairs of hexadecimal digits"),
        (test("request: {}, expect: {response: {headers: {a: {hex: ab}}}}"), "unknown key \"hex\""),
        (test("request: {}, expect: {response: {grpc: {status: 17}}}"), "expected an integer from 0 to 16"),
        (test("request: {}, expect: {response: {grpc: {status: 7, reply: a}}}"), "has no reply"),
        (test("request: {body: {}}"), "expected a text, {hex: …} or {base64: …}"),
        (test("request: {grpc: {}}"), "expected either \"path\" or both \"service\" and \"method\""),
        (test("request: {grpc: {service: a}}"), "expected either \"path\" or both"),
        (test("request: {}, expect: {log: [{matches: \"(\"}]}"), "is no regular expression"),
        (test("request: {}, expect: {response: {body: {}}}"), "expected one of \"contains\", \"matches\""),
        (test("request: {}, expect: {response: {body: {contains: a, matches: b}}}"), "expected one of"),
        (test("request: {}, expect: {response: {json: {user: a}}}"), "\"user\" is no path to one JSON value"),
        (test("request: {}, expect: {response: {json: {$.*: a}}}"), "is no path to one JSON value"),
        (test("request: {}, expect: {response: {headers: {a: [b, c]}}}"), "are seen as one, as in \"a, b\""),
        (
            "services: {s: {fault: explode}}\n" + test("request: {}"),
            "expected \"hang\" or \"close\" or \"cut\""
        ),
        ("services: {upstream: {}}\n" + test("request: {}"), "no service can be named \"upstream\""),
        ("services: {wasme.a: {}}\n" + test("request: {}"), "no service can be named \"wasme.a\""),
        ("services: {s: []}\n" + test("request: {}"), "expected at least one answer"),
        ("upstream: {status: 101}\n" + test("request: {}"), "expected an integer from 200 to 599"),
        (test("request: {}, cases: []"), "expected at least one case"),
        (test("request: {}, cases: [{}]"), "expected a mapping with the case's variables"),
        ("tests: [\n", "t.yaml:2:1"),
    ]

    @Test(arguments: malformed.indices) func `what is written wrongly is told with its place`(index: Int) {
        let (yaml, words) = Self.malformed[index]
        #expect(complaint(yaml).contains(words), "\(yaml)\n\(complaint(yaml))")
    }

    static let impossible: [(yaml: String, words: String)] = [
        (test("request: {}, connection: {}"), "\"request\" and \"connection\" in one step"),
        (test("request: {}, wait: 1s"), "\"request\" and \"wait\" in one step"),
        (test("skip: why, only: true, request: {}"), "cannot be skipped and the only one"),
        (test("refused: a, request: {}"), "\"request\" beside \"refused\""),
        (test("refused: a, steps: [{request: {}}]"), "\"steps\" beside \"refused\""),
        (test("refused: a, upstream: {}"), "\"upstream\" beside \"refused\""),
        (test("refused: null"), "expected what Envoy says, found nothing"),
        (test("steps: [{request: {}}], expect: {status: 200}"), "\"expect\" beside \"steps\""),
        (test("request: {}, expect: {received: a}"), "\"received\" is for connections"),
        (
            test("request: {}, expect: {status: 200, closed: true}"),
            "closed without a response, and a response"
        ),
        (test("request: {}, expect: {response: {body: a}, closed: true}"), "and a response"),
        (test("request: {}, expect: {closed: false}"), "\"closed\" can only be true"),
        (test("connection: {}, expect: {status: 200}"), "\"status\" is for HTTP requests"),
        (test("connection: {}, expect: {response: {}}"), "\"response\" is for HTTP requests"),
        (test("connection: {}, expect: {upstream: {trailers: {a: b}}}"), "\"trailers\" is for HTTP requests"),
        (test("connection: {}, expect: {upstream: {path: /}}"), "\"path\" is for HTTP requests"),
        (test("connection: {}, upstream: {status: 200}"), "an HTTP answer to a connection"),
        (test("connection: {}, upstream: {grpc: {}}"), "an HTTP answer to a connection"),
        (test("request: {}, upstream: {bytes: a}"), "\"bytes\" are no answer to an HTTP request"),
        (test("wait: 1s, expect: {status: 200}"), "here only time passes"),
        (test("wait: 1s, expect: {within: 1s}"), "here only time passes"),
        (test("request: {}, expect: {within: 1s, not_before: 2s}"), "both later and earlier"),
        (
            test("request: {}, expect: {upstream: {count: 0, headers: {a: b}}}"),
            "\"headers\" of no call at all"
        ),
        (test("request: {}, expect: {services: {keys: {count: 1}}}"), "there is no service \"keys\""),
        (
            "services: {keys: {}}\n" + test("request: {}, expect: {services: {key: {count: 1}}}"),
            "help: there are keys"
        ),
        (test("request: {}, expect: {log: [null]}"), "expected what a line is like, found nothing"),
        (test("request: {body: a, json: b}"), "\"body\" and \"json\" in one message"),
        (test("request: {grpc: {path: /a/b}, path: /}"), "\"path\" beside \"grpc\""),
        (test("request: {grpc: {path: /a/b}, protocol: h1}"), "gRPC needs HTTP/2"),
        (test("request: {grpc: {path: /a/b, message: a, messages: [b]}}"), "in one call"),
        (test("request: {}, upstream: {fault: hang, status: 200}"), "beside a fault that gives no answer"),
        (test("request: {}, upstream: {status: 204, body: a}"), "an answer with status 204 has no body"),
        (test("request: {}, services: {s: {grpc: {status: 7, reply: a}}}"), "has no reply"),
        (
            "tests:\n- {name: a, request: {}}\n- {name: a, request: {}}",
            "t.yaml:3:10: there are two tests named \"a\""
        ),
        ("tests:\n- {name: a, cases: [{b: 1}, {b: 1}], request: {}}", "two tests named \"a (b=1)\""),
    ]

    @Test(arguments: impossible.indices) func `what can never be is told`(index: Int) {
        let (yaml, words) = Self.impossible[index]
        #expect(complaint(yaml).contains(words), "\(yaml)\n\(complaint(yaml))")
    }

    @Test func `all that is wrong is told at once, in the order of the file`() throws {
        let yaml = """
            tests:
            - {name: a, request: {pth: /, mehtod: GET}}
            - {name: b, request: {}}
            - name: c
              steps:
              - request: {path: x}
              - request: {}
                expect: {status: 1}
            """
        let error = try #require(throws: ScenarioError.self) { try read(yaml) }
        #expect(error.all.map(\.line) == [2, 2, 6, 8])
        #expect(error.all.map(\.column) == [23, 31, 21, 22])
        #expect(error.category == .usage)
        #expect(error.others.count == 3)
    }
}
