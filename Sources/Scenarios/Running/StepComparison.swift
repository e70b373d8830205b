// SPDX-License-Identifier: Apache-2.0

private import Foundation
import JSON

/// What there is to be seen of a step.
struct StepObservation: Sendable {
    /// What the client of a request got.
    var response: ClientResponse?
    /// What the client of a TCP connection got.
    var received: [UInt8]?
    /// Whether the proxy closed the connection: a TCP one before its client did, an HTTP one without a whole response.
    var isClosed = false
    /// How long the whole response took; nil without one.
    var elapsed: Duration?
    var upstream: [ServiceCall] = []
    var services: [String: [ServiceCall]] = [:]
    /// What the filter has logged.
    var log: [String] = []
    var metrics: [String: Int] = [:]
    var hasTrapped = false
}

/// Something that is not as expected, as far as can be said.
struct StepFinding {
    let mismatch: StepFailure.Mismatch
    /// Whether it stays so, whatever comes.
    let isFinal: Bool
}

extension Expectation {
    /// Whether it says what must not come: that is seen only when nothing comes any more.
    var needsEnd: Bool {
        !noLog.isEmpty || ([upstream] + services.values).contains { $0.count != nil } || !metrics.isEmpty
    }

    /// What the client sees that is not as expected; all of it is there when the client is done.
    func clientMismatches(_ seen: StepObservation) -> [StepFailure.Mismatch] {
        var found: [StepFailure.Mismatch] = []
        if let response = seen.response, !isClosed || !seen.isClosed {
            if let status, status != response.status {
                found.append(.init("status", expected: "\(status)", got: "\(response.status)"))
            }
            found += self.response.mismatches(
                "response", response.headers, response.body, response.trailers)
            found += self.response.grpc?.mismatches(response) ?? []
            if isClosed {
                found.append(
                    .init(
                        "connection", expected: "closed by the proxy",
                        got: "a response with status \(response.status)"))
            } else if seen.isClosed {
                found.append(
                    .init(
                        "response", expected: "all of it",
                        got: "the connection closed after \(response.body.count) bytes of its body"))
            }
        } else if let response = seen.response {
            // Closed as expected, in the middle of a response that has a beginning.
            if let status, status != response.status {
                found.append(.init("status", expected: "\(status)", got: "\(response.status)"))
            }
            found += self.response.mismatches(
                "response", response.headers, response.body, response.trailers)
        } else if let received = seen.received {
            found += connectionMismatches(received, seen.isClosed)
        } else if seen.isClosed, !isClosed || status != nil {
            found.append(
                .init(
                    "response", expected: status.map { "status \($0)" } ?? "one",
                    got: "the connection closed without one"))
        }
        if let elapsed = seen.elapsed {
            if let atMost, elapsed > atMost {
                found.append(
                    .init("time of the response", expected: "at most \(atMost.text)", got: elapsed.text))
            }
            if let atLeast, elapsed < atLeast {
                found.append(
                    .init("time of the response", expected: "at least \(atLeast.text)", got: elapsed.text))
            }
        }
        return found
    }

    private func connectionMismatches(_ bytes: [UInt8], _ hasEnded: Bool) -> [StepFailure.Mismatch] {
        var found: [StepFailure.Mismatch] = []
        if let received, !received.accepts(received: bytes) {
            found.append(
                .init(
                    "received bytes", expected: received.description, got: received.shown(bytes)))
        }
        if isClosed, !hasEnded {
            found.append(.init("connection", expected: "closed by the proxy", got: "left open"))
        }
        return found
    }

    /// What else is not as expected; some of it may still come.
    func lateFindings(_ seen: StepObservation) -> [StepFinding] {
        var found = upstream.findings("upstream", seen.upstream)
        for (name, call) in services.sorted(by: { $0.key < $1.key }) {
            found += call.findings("service \"\(name)\"", seen.services[name] ?? [])
        }
        for pattern in log where !seen.log.contains(where: { pattern.accepts($0) }) {
            let got = seen.log.isEmpty ? "no line" : "\(seen.log.count) lines, none of them like that"
            found.append(
                .init(mismatch: .init("log", expected: pattern.description, got: got), isFinal: false))
        }
        for pattern in noLog {
            guard let line = seen.log.first(where: { pattern.accepts($0) }) else { continue }
            found.append(
                .init(
                    mismatch: .init("log", expected: "no \(pattern)", got: StepFailure.shown(line)),
                    isFinal: true))
        }
        for (name, change) in metrics {
            let got = seen.metrics[name] ?? 0
            if got != change {
                found.append(
                    .init(
                        mismatch: .init(
                            "metric \"\(name)\"", expected: "a change by \(change)", got: "by \(got)"),
                        isFinal: false))
            }
        }
        if traps, !seen.hasTrapped {
            found.append(.init(mismatch: .init("module", expected: "a trap", got: "none"), isFinal: false))
        }
        return found
    }
}

extension TextPattern {
    /// Whether the bytes of a connection are as they have to be; none of them are an empty text and no text.
    func accepts(received bytes: [UInt8]) -> Bool {
        accepts(body: bytes) || (bytes.isEmpty && accepts(nil))
    }

    /// What came instead, in the form in which it is expected.
    func shown(_ bytes: [UInt8]) -> String {
        if case .bytes = self { return hexadecimal(bytes) }
        return StepFailure.shown(String(decoding: bytes, as: UTF8.self))
    }
}

extension GRPCExpectation {
    /// Where the call ended otherwise (gRPC over HTTP/2, "Responses"): in its trailers, or in headers that are all there is.
    fileprivate func mismatches(_ response: ClientResponse) -> [StepFailure.Mismatch] {
        func field(_ name: String) -> String? {
            response.trailers.joined(name) ?? response.headers.joined(name)
        }
        var found: [StepFailure.Mismatch] = []
        let code = field("grpc-status")
        if let status, code != "\(status)" {
            found.append(.init("grpc status", expected: "\(status)", got: code ?? "none"))
        }
        // The message is written with percent signs.
        let said = field("grpc-message").map { $0.removingPercentEncoding ?? $0 }
        if let message, !message.accepts(said) {
            found.append(
                .init("grpc message", expected: message.description, got: StepFailure.shown(said)))
        }
        if let reply {
            let first = Self.message(response.body)
            if !(first.map(reply.accepts(body:)) ?? reply.accepts(nil)) {
                found.append(
                    .init(
                        "grpc reply", expected: reply.description, got: first.map(reply.shown) ?? "none"))
            }
        }
        return found
    }

    /// The first message of a body ("Length-Prefixed-Message"): a flag, four bytes of length, and that many bytes.
    private static func message(_ body: [UInt8]) -> [UInt8]? {
        guard body.count >= 5 else { return nil }
        let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard body.count >= 5 + length else { return nil }
        return Array(body[5..<(5 + length)])
    }
}

extension CallExpectation {
    fileprivate func findings(_ name: String, _ calls: [ServiceCall]) -> [StepFinding] {
        var found: [StepFinding] = []
        if let count, count != calls.count {
            found.append(
                .init(
                    mismatch: .init("calls of \(name)", expected: "\(count)", got: "\(calls.count)"),
                    isFinal: calls.count > count))
        }
        let last = calls.last
        var mismatches: [StepFailure.Mismatch] = []
        for (what, pattern, value) in [("method", method, last?.method), ("path", path, last?.path)] {
            if let pattern, !pattern.accepts(value) {
                mismatches.append(
                    .init(
                        "\(what) at \(name)", expected: pattern.description, got: StepFailure.shown(value)))
            }
        }
        mismatches += message.mismatches(name, last?.headers ?? [], last?.body ?? [], last?.trailers ?? [])
        if last == nil {
            mismatches = mismatches.map { .init($0.subject, expected: $0.expected, got: "no call") }
        }
        return found + mismatches.map { StepFinding(mismatch: $0, isFinal: false) }
    }
}

extension MessageExpectation {
    fileprivate func mismatches(
        _ name: String, _ headers: HeaderList, _ body: [UInt8], _ trailers: HeaderList
    ) -> [StepFailure.Mismatch] {
        var found: [StepFailure.Mismatch] = []
        for (kind, expected, actual) in [
            ("header", self.headers, headers), ("trailer", self.trailers, trailers),
        ] {
            for (field, pattern) in expected {
                let value = actual.joined(field)
                if !pattern.accepts(value) {
                    found.append(
                        .init(
                            "\(name) \(kind) \"\(field)\"", expected: pattern.description,
                            got: StepFailure.shown(value)))
                }
            }
        }
        if let pattern = self.body, !pattern.accepts(body: body) {
            found.append(
                .init("\(name) body", expected: pattern.description, got: pattern.shown(body)))
        }
        guard !json.isEmpty else { return found }
        do throws(JSONError) {
            let document = try JSONValue(parsing: body)
            for (path, pattern) in json {
                let value = path.value(in: document)?.comparable
                if !pattern.accepts(value) {
                    found.append(
                        .init(
                            "\(name) body at \(path)", expected: pattern.description,
                            got: StepFailure.shown(value)))
                }
            }
        } catch {
            found.append(
                .init(
                    "\(name) body", expected: "JSON",
                    got: body.isEmpty
                        ? "none"
                        : "\(StepFailure.shown(String(decoding: body, as: UTF8.self))), which is none: \(error)"
                ))
        }
        return found
    }
}

extension JSONValue {
    /// The text that a pattern is held against: that of a string itself, nil for null, otherwise as JSON.
    fileprivate var comparable: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        default: description
        }
    }
}

extension StepFailure {
    /// A text as it can be printed: in quotes, without control characters, not endless.
    static func shown(_ text: String?) -> String {
        guard let text else { return "none" }
        let limit = 2000
        let shortened = text.prefix(limit)
        let printable = shortened.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                "\\x\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16, uppercase: true))"
            default: String(scalar)
            }
        }.joined()
        return "\"\(printable)\"" + (shortened.endIndex < text.endIndex ? " and more" : "")
    }
}

extension Duration {
    /// As in `1.5 s` or `30 ms`.
    var text: String {
        let milliseconds = (nanoseconds + 500_000) / 1_000_000
        guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
        let rest = milliseconds % 1000
        let digits = String(String(1000 + rest).dropFirst())
        return rest == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds / 1000).\(digits) s"
    }
}
