// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Scenarios
import TestSupport
import Testing

/// What clients and servers around the proxy do is what a `tests.yaml` says.
@Suite(.serialized) struct PlayTests {
    private func expectAllToPass(_ yaml: String, isNetworkFilter: Bool = false) async throws {
        let report = try await Playing(try await ManyMoods.module(), isNetworkFilter: isNetworkFilter)
            .run(yaml)
        #expect(!report.results.isEmpty)
        #expect(report.failures == [])
    }

    @Test(.requires(.envoy), .requires(.wabt)) func `bodies, trailers, pauses and times`() async throws {
        try await expectAllToPass(
            """
            tests:
            - name: chunks and trailers, both ways
              request: {method: POST, path: /up, chunks: [a, b, c], trailers: {x-sum: "3"}}
              upstream: {status: 201, headers: {x-many: [one, two]}, chunks: [d, e], trailers: {x-end: "yes"}}
              expect:
                status: 201
                response: {headers: {x-many: "one, two", hello: world}, body: de, trailers: {x-end: "yes"}}
                upstream:
                  {count: 1, method: POST, path: /up, headers: {content-length: null}, body: abc, trailers: {x-sum: "3"}}
            - name: a JSON body
              request: {path: /}
              upstream: {body: '{"a": [1, {"b": "c"}], "n": null}'}
              expect:
                {response: {json: {"$.a[0]": "1", "$.a[1].b": c, $.n: null, $.x: null, "$.a[1]": {contains: b}}}}
            - name: no body
              request: {method: HEAD, path: /}
              upstream: {body: hello}
              expect: {status: 200, response: {headers: {content-length: "5"}, body: ""}}
            - name: several times
              repeat: 5
              request: {path: /}
              upstream: [{status: 201}, {status: 202}]
              expect: {upstream: {count: 1}}
            - name: takes its time
              request: {path: /}
              upstream: {delay: 300ms, body: late}
              expect: {within: 9s, not_before: 300ms, response: {body: late}}
            - name: cut in the middle
              request: {path: /}
              upstream: {fault: cut, body: begin}
              expect: {closed: true}
            - name: closed by the server
              request: {path: /}
              upstream: {fault: close}
              expect: {status: 503}
            - name: closed by the filter
              config: xxxxxxxxxx
              request: {path: /}
              expect: {closed: true, upstream: {count: 0}}
            - name: ticks
              config: xxxxxx
              steps:
              - {wait: 5s, expect: {log: [tick]}}
              - {wait: 100ms, expect: {no_log: [request]}}
            """)
    }

    @Test(.requires(.envoy), .requires(.wabt)) func `HTTP/2 and gRPC`() async throws {
        try await expectAllToPass(
            #"""
            tests:
            - name: a request in HTTP/2
              request: {protocol: h2, method: POST, path: /two, headers: {host: a.test}, body: hello, trailers: {x-t: "1"}}
              upstream: {body: answer, trailers: {x-u: "2"}}
              expect:
                status: 200
                response: {headers: {hello: world, x-wasme-no-answer: null}, body: answer, trailers: {x-u: "2"}}
                upstream: {count: 1, method: POST, path: /two, headers: {host: a.test}, body: hello, trailers: {x-t: "1"}}
            - name: both protocols
              steps:
              - {request: {protocol: h2, path: /}, expect: {status: 200}}
              - {request: {path: /}, expect: {status: 200}}
            - name: closed by the filter
              config: xxxxxxxxxx
              request: {protocol: h2, path: /}
              expect: {closed: true}
            - name: a call
              request: {grpc: {service: a.B, method: C, message: hello}}
              upstream: {grpc: {status: 5, message: "not here"}}
              expect:
                status: 200
                response: {trailers: {grpc-status: "5", grpc-message: not here}}
                upstream: {path: /a.B/C, headers: {te: trailers, content-type: application/grpc, content-length: null}}
            - name: how calls end
              steps:
              - request: {grpc: {path: /a.B/C, message: {hex: 0aff}}}
                upstream: {grpc: {reply: {hex: 08ff01}}}
                expect:
                  response: {grpc: {status: 0, message: null, reply: {hex: 08ff01}}, body: {hex: 000000000308ff01}}
                  upstream: {body: {hex: 00000000020aff}}
              - request: {grpc: {path: /a.B/C, message: a}}
                upstream: {grpc: {status: 7, message: "50 % of it"}}
                expect: {response: {grpc: {status: 7, message: {contains: "50 %"}}}}
              # Here the end is all that comes, in headers.
              - request: {grpc: {path: /a.B/C, message: a}}
                upstream: {headers: {content-type: application/grpc, grpc-status: "9"}}
                expect: {response: {grpc: {status: 9, reply: null}}}
            """#)
    }

    @Test(.requires(.envoy), .requires(.wabt)) func `TCP connections`() async throws {
        try await expectAllToPass(
            """
            tests:
            - name: bytes both ways
              connection: {send: [he, llo]}
              upstream: {bytes: there}
              expect: {received: there, upstream: {count: 1, body: hello}}
            - name: a part of what comes
              connection: {send: [hello]}
              upstream: {bytes: [th, ere]}
              expect: {received: {contains: er}}
            - name: bytes that are no text
              connection: {send: [{hex: 00fe}]}
              upstream: {bytes: [{hex: ff00}]}
              expect: {received: {hex: ff00}, upstream: {body: {hex: 00fe}}}
            - name: the server closes
              connection: {send: [hello]}
              upstream: {fault: close}
              expect: {received: "", closed: true}
            - name: the server says nothing
              connection: {send: [hello]}
              upstream: {fault: hang}
              expect: {upstream: {body: hello}}
            """, isNetworkFilter: true)
    }

    @Test(.requires(.envoy), .requires(.wabt)) func `what is not as expected is told`() async throws {
        let report = try await Playing(try await ManyMoods.module()).run(
            """
            tests:
            - name: much
              request: {method: PUT, path: "/a", headers: {x: "it's"}, chunks: [a, "@b"]}
              upstream: {status: 404, headers: {h: v}, body: "{\\"a\\": 1}"}
              expect:
                status: 200
                response: {headers: {h: w, none: x}, body: text, json: {$.a: "2"}}
                upstream: {count: 2, path: {matches: "^/b"}}
                services: {other: {count: 1}}
                log: [never]
                no_log: [request]
              services: {other: {status: 200}}
            - name: slow
              request: {path: /}
              upstream: {delay: 400ms}
              expect: {within: 100ms}
            - {name: skipped, skip: not now, request: {path: /}}
            """)
        let much = try #require(try report.failure("much"))
        let found = much.mismatches.map { "\($0.subject): \($0.expected) / \($0.got)" }
        #expect(
            found == [
                #"status: 200 / 404"#, #"response header "h": "w" / "v""#,
                #"response header "none": "x" / none"#, #"response body: "text" / "{"a": 1}""#,
                #"response body at $.a: "2" / "1""#, #"calls of upstream: 2 / 1"#,
                #"path at upstream: something that matches /^/b/ / "/a""#,
                #"calls of service "other": 1 / 0"#,
                #"log: "never" / 2 lines, none of them like that"#, #"log: no "request" / "request""#,
            ])
        #expect(
            much.curl
                == #"curl -i -X PUT -H 'x: it'\''s' -H content-type: --data-binary a@b http://127.0.0.1:10000/a"#
        )
        let slow = try #require(try report.failure("slow"))
        #expect(slow.mismatches.map(\.expected) == ["at most 100 ms"], "\(slow)")
        guard case .skipped("not now") = report.results.last?.verdict else {
            Issue.record("\(report.results)")
            return
        }
    }

    @Test(.requires(.envoy)) func `a hundred scenarios take less than five seconds on a quiet machine`()
        async throws
    {
        let scenarios = (1...100).map {
            "- {name: number \($0), config: {n: \($0)}, request: {path: /}, expect: {status: 200, response: {headers: {hello: world}}, upstream: {count: 1}}}"
        }
        let report = try await Playing(TinyFilter().bytes).run(
            "tests:\n" + scenarios.joined(separator: "\n"))
        #expect(report.failures == [])
        let slowest = report.results.map(\.duration).max() ?? .zero
        print("100 scenarios in \(report.duration), the slowest in \(slowest)")
    }
}
