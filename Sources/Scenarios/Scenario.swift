// SPDX-License-Identifier: Apache-2.0

package import Deployment
package import JSON

/// What a `tests.yaml` holds: what a filter does, seen from outside of the proxy that runs it.
package struct ScenarioFile: Sendable {
    /// The file, as it is called in messages.
    package var name = "tests.yaml"
    /// Each runs with a configuration of its own, in a VM of its own.
    package let scenarios: [Scenario]

    package init(name: String = "tests.yaml", scenarios: [Scenario]) {
        self.name = name
        self.scenarios = scenarios
    }
}

/// A filter with one configuration, and what happens to it.
package struct Scenario: Sendable {
    /// Unique in its file; one of several cases ends in what distinguishes it.
    package let name: String
    /// Where it begins in the file.
    package let line: Int
    /// Why it is not run; nil if it is.
    package var skip: String?
    /// Whether only this one and others like it are run.
    package var isOnly = false
    package var setup = ScenarioSetup()
    package let outcome: Outcome

    package enum Outcome: Sendable {
        /// The proxy does not take the configuration, and says why.
        case refused(TextPattern)
        /// What is sent one after the other, and what comes of it.
        case steps([Step])
    }

    package init(name: String, line: Int, outcome: Outcome) {
        self.name = name
        self.line = line
        self.outcome = outcome
    }
}

/// How the filter is started.
package struct ScenarioSetup: Sendable {
    /// The filter's configuration, as a JSON text or any other.
    package var configuration: String?
    /// The same as a value, to hold it against the filter's schema; nil if it is no JSON.
    package var configurationValue: JSONValue?
    /// What the VM is configured with.
    package var vmConfiguration: String?
    /// The variables of the module's environment.
    package var environment: [String: String] = [:]
    /// Which of the module's roots to run; nil for the project's first.
    package var rootID: String?
    /// What Envoy does when the module traps.
    package var failurePolicy = EnvoyPlugin.FailurePolicy.closed

    package init() {}
}

/// One thing that happens, and what is to be seen of it.
package struct Step: Sendable {
    package let line: Int
    /// How long to wait before it: for what has a time to live.
    package var delay: Duration = .zero
    /// How many times it is done, one after the other; what is expected holds for each.
    package var count = 1
    /// What the server behind the proxy answers.
    package var upstream: ServiceScript
    /// What the services answer that the filter calls, by the names of their clusters.
    package var services: [String: ServiceScript]
    package var stimulus: Stimulus
    package var expectation = Expectation()

    package enum Stimulus: Sendable {
        case request(ScenarioRequest)
        case connection(sends: [BodyPart])
        /// Only time passes, for what happens with ticks; at most so long, less if all is as expected before.
        case wait(Duration)
    }
}

/// A piece of what is sent.
package enum BodyPart: Sendable, Hashable {
    case text(String)
    /// What is no text.
    case bytes([UInt8])
    /// Nothing for a while.
    case pause(Duration)

    /// What goes over the wire; nil for a pause.
    package var content: [UInt8]? {
        switch self {
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        case .pause: nil
        }
    }
}

/// Which protocol a client speaks.
package enum ScenarioProtocol: String, Sendable, CaseIterable {
    case http1 = "h1"
    case http2 = "h2"
}

/// A request as the client sends it.
package struct ScenarioRequest: Sendable {
    package var `protocol` = ScenarioProtocol.http1
    package var method = "GET"
    package var path = "/"
    package var headers: [(name: String, value: String)] = []
    /// Sent one after the other, as chunks if there are several, with a short pause between two of them.
    package var body: [BodyPart] = []
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
package struct ServiceAnswer: Sendable {
    /// How long it thinks.
    package var delay: Duration = .zero
    package var kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    package enum Kind: Sendable {
        case http(Message)
        /// `reply` is the message without the five bytes before it.
        case grpc(status: Int, message: String, reply: [UInt8])
        /// To the first bytes of a TCP connection.
        case bytes([BodyPart])
        /// Says nothing, ever.
        case hang
        /// Closes the connection without an answer.
        case close
        /// Closes it in the middle of a body.
        case cut(Message)
    }

    package struct Message: Sendable {
        package var status = 200
        package var headers: [(name: String, value: String)] = []
        package var body: [BodyPart] = []
        package var trailers: [(name: String, value: String)] = []

        package init() {}
    }
}

/// What is to be seen after a step; what is left out may be anything.
package struct Expectation: Sendable {
    package var status: Int?
    package var response = MessageExpectation()
    /// Bytes that the client of a TCP connection gets.
    package var received: TextPattern?
    /// Whether the proxy closes the connection: a TCP one at its end, an HTTP one without a response.
    package var isClosed = false
    /// How long the whole response may take, and how long it has to take at least.
    package var atMost: Duration?
    package var atLeast: Duration?
    package var upstream = CallExpectation()
    package var services: [String: CallExpectation] = [:]
    /// Lines of the filter's log, in any order; `absent` patterns cannot stand here.
    package var log: [TextPattern] = []
    /// What no line of the filter's log may be like.
    package var noLog: [TextPattern] = []
    /// By how much counters, gauges and the number of samples of histograms change, by name without "wasmcustom.".
    package var metrics: [(name: String, change: Int)] = []
    /// Whether the module is to trap; one that does so unasked fails the step.
    package var traps = false

    package init() {}
}

/// Headers and body of a request or a response.
package struct MessageExpectation: Sendable {
    package var headers: [(name: String, pattern: TextPattern)] = []
    package var body: TextPattern?
    /// What a JSON body has at a path (RFC 9535, one value).
    package var json: [(path: JSONPath, pattern: TextPattern)] = []
    package var trailers: [(name: String, pattern: TextPattern)] = []
    /// Of a response to a call of gRPC.
    package var grpc: GRPCExpectation?

    package init() {}
}

/// How a call of gRPC ends.
package struct GRPCExpectation: Sendable {
    package var status: Int?
    package var message: TextPattern?
    /// The first message that came back.
    package var reply: TextPattern?

    package init() {}
}

/// What a service gets to see.
package struct CallExpectation: Sendable {
    /// How many requests or connections.
    package var count: Int?
    package var method: TextPattern?
    package var path: TextPattern?
    /// Of the last one.
    package var message = MessageExpectation()

    package init() {}
}

/// What a text has to be like.
package enum TextPattern: Sendable, CustomStringConvertible {
    case equal(String)
    case contains(String)
    case matches(String)
    /// There is none.
    case absent
    /// There is one, whatever it is.
    case present
    /// What is no text, byte for byte.
    case bytes([UInt8])

    package func accepts(_ text: String?) -> Bool {
        switch (self, text) {
        case (.absent, nil): true
        case (.absent, _), (_, nil): false
        case (.present, _): true
        case (.bytes(let expected), .some(let text)): text.utf8.elementsEqual(expected)
        case (.equal(let expected), .some(let text)): text == expected
        case (.contains(let part), .some(let text)): text.contains(part)
        case (.matches(let pattern), .some(let text)):
            // That it is one was seen when the file was read.
            (try? Regex(pattern).firstMatch(in: text)) != nil
        }
    }

    /// Whether a body is as it has to be; only bytes are compared where bytes are expected.
    package func accepts(body: [UInt8]) -> Bool {
        if case .bytes(let expected) = self { return expected == body }
        return accepts(String(decoding: body, as: UTF8.self))
    }

    package var description: String {
        switch self {
        case .bytes(let bytes): hexadecimal(bytes)
        case .equal(let text): "\"\(text)\""
        case .contains(let text): "something with \"\(text)\" in it"
        case .matches(let pattern): "something that matches /\(pattern)/"
        case .absent: "none"
        case .present: "something"
        }
    }
}

/// Bytes as a `tests.yaml` has them, not endless.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = bytes.prefix(256).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return "{hex: \(digits.joined(separator: " "))}" + (bytes.count > 256 ? " and more" : "")
}
