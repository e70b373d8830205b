// SPDX-License-Identifier: Apache-2.0

package import JSON

/// What a `tests.yaml` holds: what a filter does, seen from outside of the proxy that runs it.
package struct ScenarioFile: Sendable {
    /// Each runs with a configuration of its own, in a VM of its own.
    package let scenarios: [Scenario]
}

/// A filter with one configuration, and what happens to it.
package struct Scenario: Sendable {
    package let name: String
    /// Where it begins in the file.
    package let line: Int
    /// The filter's configuration, as a JSON text or any other.
    package let configuration: String?
    /// The same as a value, to hold it against the filter's schema; nil if it is no JSON.
    package let configurationValue: JSONValue?
    package let outcome: Outcome

    package enum Outcome: Sendable {
        /// The proxy does not take the configuration, and says why.
        case refused(TextPattern)
        /// What is sent one after the other, and what comes of it.
        case steps([Step])
    }
}

/// One thing that a client does, and what is to be seen of it.
package struct Step: Sendable {
    package let line: Int
    /// How long to wait before it: for what has a time to live.
    package let delay: Duration
    /// What the server behind the proxy answers.
    package let upstream: ServiceScript
    /// What the services answer that the filter calls, by the names of their clusters.
    package let services: [String: ServiceScript]
    package let stimulus: Stimulus
    package let expectation: Expectation

    package enum Stimulus: Sendable {
        case request(ScenarioRequest)
        case connection(sends: [String])
    }
}

/// A request as the client sends it.
package struct ScenarioRequest: Sendable {
    package var method = "GET"
    package var path = "/"
    package var headers: [(name: String, value: String)] = []
    /// Sent one after the other, as chunks if there are several.
    package var body: [String] = []
    package var trailers: [(name: String, value: String)] = []

    package init(method: String = "GET", path: String = "/") {
        self.method = method
        self.path = path
    }
}

/// What a service does when it is called: one answer after the other, and then the last one again and again.
package struct ServiceScript: Sendable {
    package var answers: [ServiceAnswer]

    package init(answers: [ServiceAnswer]) { self.answers = answers }
}

/// What a service does with one request or connection.
package enum ServiceAnswer: Sendable {
    package struct Message: Sendable {
        package var status = 200
        package var headers: [(name: String, value: String)] = []
        package var body: [String] = []
        package var trailers: [(name: String, value: String)] = []
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
package struct Expectation: Sendable {
    package var status: Int?
    package var response = MessageExpectation()
    /// Bytes that the client of a TCP connection gets.
    package var received: String?
    /// Whether the proxy closes a TCP connection.
    package var isClosed = false
    package var upstream = CallExpectation()
    package var services: [String: CallExpectation] = [:]
    /// Lines of the filter's log, in any order.
    package var log: [TextPattern] = []
    /// By how much counters, gauges and the number of samples of histograms change, by name without "wasmcustom.".
    package var metrics: [(name: String, change: Int)] = []
}

/// Headers and body of a request or a response.
package struct MessageExpectation: Sendable {
    package var headers: [(name: String, pattern: TextPattern)] = []
    package var body: TextPattern?
    package var trailers: [(name: String, pattern: TextPattern)] = []
}

/// What a service gets to see.
package struct CallExpectation: Sendable {
    /// How many requests or connections.
    package var count: Int?
    package var method: TextPattern?
    package var path: TextPattern?
    package var message = MessageExpectation()
}

/// What a text has to be like.
package enum TextPattern: Sendable, CustomStringConvertible {
    case equal(String)
    case contains(String)
    case matches(String)
    /// There is none.
    case absent

    package func accepts(_ text: String?) -> Bool {
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

    package var description: String {
        switch self {
        case .equal(let text): "\"\(text)\""
        case .contains(let text): "something with \"\(text)\" in it"
        case .matches(let pattern): "something that matches /\(pattern)/"
        case .absent: "none"
        }
    }
}
