// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a `tests.yaml` holds: what a filter does, seen from outside of the proxy that runs it.
struct ScenarioFile: Sendable {
    /// Each runs with a configuration of its own, in a VM of its own.
    let scenarios: [Scenario]
}

/// A filter with one configuration, and what happens to it.
struct Scenario: Sendable {
    let name: String
    /// Where it begins in the file.
    let line: Int
    /// The filter's configuration, as a JSON text or any other.
    let configuration: String?
    /// The same as a value, to hold it against the filter's schema; nil if it is no JSON.
    let configurationValue: JSONValue?
    let outcome: Outcome

    enum Outcome: Sendable {
        /// The proxy does not take the configuration, and says why.
        case refused(TextPattern)
        /// What is sent one after the other, and what comes of it.
        case steps([Step])
    }
}

/// One thing that a client does, and what is to be seen of it.
struct Step: Sendable {
    let line: Int
    /// How long to wait before it: for what has a time to live.
    let delay: Duration
    /// What the server behind the proxy answers.
    let upstream: ServiceScript
    /// What the services answer that the filter calls, by the names of their clusters.
    let services: [String: ServiceScript]
    let stimulus: Stimulus
    let expectation: Expectation

    enum Stimulus: Sendable {
        case request(ScenarioRequest)
        case connection(sends: [String])
    }
}

/// A request as the client sends it.
struct ScenarioRequest: Sendable {
    var method = "GET"
    var path = "/"
    var headers: [(name: String, value: String)] = []
    /// Sent one after the other, as chunks if there are several.
    var body: [String] = []
    var trailers: [(name: String, value: String)] = []
}

/// What a service does when it is called: one answer after the other, and then the last one again and again.
struct ServiceScript: Sendable {
    var answers: [ServiceAnswer]
}

/// What a service does with one request or connection.
enum ServiceAnswer: Sendable {
    struct Message: Sendable {
        var status = 200
        var headers: [(name: String, value: String)] = []
        var body: [String] = []
        var trailers: [(name: String, value: String)] = []
    }

    case http(Message)
    case grpc(status: Int, message: String, reply: String)
    /// To the first bytes of a TCP connection.
    case bytes(String)
    /// Says nothing, ever.
    case hang
    /// Closes the connection without an answer.
    case close
}

/// What is to be seen after a step; what is left out may be anything.
struct Expectation: Sendable {
    var status: Int?
    var response = MessageExpectation()
    /// Bytes that the client of a TCP connection gets.
    var received: String?
    /// Whether the proxy closes a TCP connection.
    var isClosed = false
    var upstream = CallExpectation()
    var services: [String: CallExpectation] = [:]
    /// Lines of the filter's log, in any order.
    var log: [TextPattern] = []
    /// By how much counters, gauges and the number of samples of histograms change, by name without "wasmcustom.".
    var metrics: [(name: String, change: Int)] = []
}

/// Headers and body of a request or a response.
struct MessageExpectation: Sendable {
    var headers: [(name: String, pattern: TextPattern)] = []
    var body: TextPattern?
    var trailers: [(name: String, pattern: TextPattern)] = []
}

/// What a service gets to see.
struct CallExpectation: Sendable {
    /// How many requests or connections.
    var count: Int?
    var method: TextPattern?
    var path: TextPattern?
    var message = MessageExpectation()
}

/// What a text has to be like.
enum TextPattern: Sendable, CustomStringConvertible {
    case equal(String)
    case contains(String)
    case matches(String)
    /// There is none.
    case absent

    func accepts(_ text: String?) -> Bool {
        switch (self, text) {
        case (.absent, nil): true
        case (.absent, _), (_, nil): false
        case (.equal(let expected), .some(let text)): text == expected
        case (.contains(let part), .some(let text)): text.contains(part)
        case (.matches(let pattern), .some(let text)):
            // That it is one was seen when the file was read.
            (try? Regex(pattern).firstMatch(in: text)) != nil
        }
    }

    var description: String {
        switch self {
        case .equal(let text): "\"\(text)\""
        case .contains(let text): "something with \"\(text)\" in it"
        case .matches(let pattern): "something that matches /\(pattern)/"
        case .absent: "none"
        }
    }
}
