// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import FilterImage
import FilterProject
import Scenarios
import SystemPackage
import TestSupport

/// Reads a text as `t.yaml`.
func read(_ yaml: String, _ environment: [String: String] = [:]) throws -> ScenarioFile {
    try ScenarioFile(parsing: yaml, file: "t.yaml", environment: environment)
}

/// What the reader says of a text; empty if it takes it.
func complaint(_ yaml: String, _ environment: [String: String] = [:]) -> String {
    do {
        _ = try read(yaml, environment)
        return ""
    } catch let error as ScenarioError {
        return error.all.map { render($0) }.joined(separator: "\n")
    } catch {
        return render(error)
    }
}

/// One test with a request, a connection or a wait, and what else is said of it.
func test(_ members: String) -> String { "tests:\n- {name: a, \(members)}" }

/// The steps of the first scenario.
func steps(_ yaml: String) throws -> [Step] {
    guard case .steps(let steps)? = try read(yaml).scenarios.first?.outcome else { return [] }
    return steps
}

/// Everything that the format has, by one file that comes to no harm anywhere.
let completeFile = #"""
    environment: [TOKEN]
    variables:
      user: alice
      path: "/users/${user}"
      limit: 3
      roles: [admin, "${user}"]
    upstream: {status: 201, headers: {x-a: [b, c], x-n: 1}, json: {user: "${user}", roles: "${roles}"}}
    services:
      keys: [{status: 500, body: no, delay: 20ms}, {fault: hang}, {fault: close}, {fault: cut, status: 200, body: abc}]
      auth: {grpc: {reply: {hex: "0A 05 61"}}, delay: 1.5s}
      denied: {grpc: {status: 7, message: "not ${user}"}}
    tests:
    - name: everything of a request
      config: {limit: "${limit}", header: "x-${user}", costs: "$${USD}"}
      vm: {config: {a: 1}, environment: {A: b, TOKEN: "${env.TOKEN}"}}
      root_id: other
      failure_policy: reload
      steps:
      - after: 10ms
        repeat: 3
        upstream: {chunks: [a, {pause: 50ms}, {base64: "/w=="}, b], trailers: {x-sum: 7}}
        services: {keys: {status: 204}}
        request:
          protocol: h2
          method: POST
          path: ${path}
          headers: {accept: [a, b], x-int: 5}
          chunks: [one, {pause: 1s}, two]
          trailers: {x-check: ok}
        expect:
          status: 200
          within: 2s
          not_before: 10ms
          response:
            headers: {x-a: b, x-b: null, x-c: {contains: c}, x-d: {matches: "^d$"}, x-e: {present: true}, x-f: {present: false}}
            body: {contains: x}
            json: {"$.user": alice, "$.roles[0]": {contains: adm}, "$['a b']": null, "$.list": [1, 2], "$.n": 5}
            trailers: {x-sum: "7"}
          upstream: {count: 1, method: POST, path: /users/alice, headers: {":authority": {present: true}}, body: onetwo, json: {"$": {present: true}}, trailers: {x-check: ok}}
          services: {keys: {count: 0}, auth: {count: 2, path: {contains: Check}}}
          log: [plain, {matches: "a+"}]
          no_log: [{contains: panic}]
          metrics: {requests: 1, in_flight: 0, drops: -1}
          traps: false
      - request: {grpc: {service: example.Users, method: Get, message: hi}, headers: {x-a: b}}
      - request: {grpc: {path: /a.B/C, messages: [one, {pause: 10ms}, {hex: ff}]}}
      - request: {json: {a: [1, 2.50, null]}}
      - request: {path: /}
        expect: {closed: true}
      - wait: 2s
        expect: {services: {keys: {count: 1}}, metrics: {ticks: 2}}
      - request: {grpc: {path: /a.B/C, message: hi}}
        expect: {response: {grpc: {status: 0, message: null, reply: {hex: "0A ff"}}}, upstream: {body: {base64: "AAE="}}}
    - name: answers by method
      cases:
      - {method: GET, status: 200}
      - {method: PUT, status: 405}
      request: {method: "${method}", path: /}
      expect: {status: "${status}"}
    - name: a connection
      upstream: {bytes: [hello, {pause: 10ms}, {hex: "00ff"}]}
      connection: {send: [a, {pause: 10ms}, b]}
      expect: {received: hello, closed: true, upstream: {count: 1, body: ab}}
    - name: later
      skip: not before the next version
      request: {}
    - name: now
      only: true
      wait: 1m
    - name: is refused
      config: '{"a":'
      refused: {matches: "JSON|line"}
    """#
let completeEnvironment = ["TOKEN": "secret"]

/// The published schema.
func publishedSchema() throws -> ConfigSchema {
    try ConfigSchema(bytes: try Files.read(repositoryRoot.pushing("Docs/reference/tests.schema.json")))
}
