// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting

/// An exchange that is played in the test host and in Envoy; the filter does what the script says.
struct Scenario: Sendable, CustomStringConvertible {
    let name: String
    /// See `Parity`.
    let script: String
    var method = "GET"
    var path = "/"
    var headers: [(String, String)] = []
    var body: [String] = []
    var trailers: [(String, String)] = []
    var status = 200
    var responseHeaders: [(String, String)] = []
    var response: [String] = []
    var responseTrailers: [(String, String)] = []
    /// What the service answers that the filter calls.
    var answer = Answer.text(200, "yes")

    enum Answer: Sendable {
        case text(Int, String)
        case never
        /// Envoy itself answers, because nobody listens there.
        case unreachable
    }

    init(_ name: String, _ script: String) {
        self.name = name
        self.script = script
    }

    /// The same with some of it changed.
    func with(_ change: (inout Scenario) -> Void) -> Scenario {
        var copy = self
        change(&copy)
        return copy
    }

    /// With a request that has a body, and maybe trailers.
    func post(_ chunks: String..., trailers: [(String, String)] = []) -> Scenario {
        with {
            $0.method = "POST"
            $0.body = chunks
            $0.trailers = trailers
        }
    }

    /// With a response that has a body, and maybe trailers.
    func answered(_ chunks: String..., trailers: [(String, String)] = []) -> Scenario {
        with {
            $0.response = chunks
            $0.responseTrailers = trailers
        }
    }

    var description: String { name }

    /// The headers that a client of HTTP/1.1 sends.
    var requestLines: [(String, String)] {
        [("host", "test"), ("x-name", name), ("x-script", script)] + headers
            + (body.isEmpty && trailers.isEmpty ? [] : [("transfer-encoding", "chunked")])
    }
}

/// What can be seen of a scenario from outside.
struct Observation: Equatable, Sendable, CustomStringConvertible {
    /// What the filter has logged.
    var log: [String] = []
    /// What the server has received, if it has received a whole request.
    var server: [String] = []
    /// What the client has received.
    var client: [String] = []

    var description: String {
        (["filter:"] + log + ["server:"] + server + ["client:"] + client).joined(separator: "\n  ")
    }

    /// A message as lines, without what the transport adds.
    static func lines(
        _ headers: [(String, String)], _ body: String, _ trailers: [(String, String)]
    ) -> [String] {
        let shown = headers.filter {
            !hidden.contains($0.0) && !$0.0.hasPrefix("x-envoy") && $0 != ("content-length", "0")
        }
        return shown.map { "\($0.0): \($0.1)" }.sorted() + (body.isEmpty ? [] : ["body: \(summary(body))"])
            + trailers.map { "trailer \($0.0): \($0.1)" }.sorted()
    }

    /// Long bodies by their length.
    private static func summary(_ body: String) -> String {
        body.count > 300 ? "\(body.count) characters" : body
    }

    private static let hidden: Set<String> = [
        ":scheme", "connection", "date", "server", "transfer-encoding", "x-forwarded-proto", "x-name",
        "x-request-id", "x-script",
    ]
}

/// What a driver does next, and how many lines the filter has logged when that is done.
struct Step: Sendable {
    enum Kind: Sendable {
        case requestHead
        case requestChunk(Int)
        case requestEnd
        case answerCall
        case wait
        case responseHead
        case responseChunk(Int)
        case responseEnd
        case hangUp
    }

    let kind: Kind
    let lines: Int
}
