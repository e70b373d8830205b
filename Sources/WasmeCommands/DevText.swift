// SPDX-License-Identifier: Apache-2.0

import DevLoop
import Diagnostics
import EnvoyControl
import FilterProxy
import OCI

/// Says in lines what happens while a filter is tried.
struct DevText {
    let paint: Paint

    /// Lines of a difference that are shown.
    private static let maximumLines = 60
    /// Characters of a line of a body that are shown.
    private static let maximumWidth = 200

    /// The lines for an event; none for what only the status tells.
    func lines(_ event: DevEvent) -> [String] {
        switch event {
        // Said by the status line, where there is one: in a pipe it would only be noise.
        case .listening, .building, .unchanged(_, _, isNews: false): []
        case .unchanged(let version, _, isNews: true):
            ["\(paint("unchanged", .green)): \(version.digest.short) serves"]
        case .live(let live):
            [
                "\(paint("live", .green)) in \(Self.seconds(live.total)) (build \(Self.seconds(live.build))): "
                    + "version \(live.number), \(live.version.digest.short), \(live.proof)"
            ]
        case .buildFailed(let error, let isServing):
            render(error).split(separator: "\n").map { Self.printable($0) } + [
                rest("build failed", isServing)
            ]
        case .refused(let version, let reason, let isServing):
            (reason.reasons.isEmpty ? ["it has not said why"] : reason.reasons)
                .map { Self.printable("envoy does not take \(version.digest.short): \($0)") }
                + (reason.hint.map { ["  help: \($0)"] } ?? []) + [rest("refused", isServing)]
        case .log(let line): log(line)
        case .request(let seen): request(seen)
        case .lost(let count):
            [
                paint(
                    "\(count) more \(count == 1 ? "request" : "requests"), too many at once to be shown",
                    .dim)
            ]
        case .replayed(let seen, let outcome): replayed(seen, outcome)
        case .logLevel(let level): ["log level: \(level.rawValue)"]
        case .note(let note): [Self.printable(note)]
        }
    }

    private func rest(_ what: String, _ isServing: Bool) -> String {
        "\(paint(what, .red)): "
            + (isServing ? "the version before goes on serving" : "requests pass without the filter")
    }

    /// What was logged, each line with its level.
    func log(_ line: FilterLogLine) -> [String] {
        let colour: Paint.Colour =
            switch line.level {
            case "error", "critical": .red
            case "warning": .yellow
            default: .dim
            }
        let origin = line.isFilters ? "log" : "envoy"
        return line.text.split(whereSeparator: \.isNewline).enumerated().map { index, text in
            index == 0
                ? "\(paint("\(origin) \(line.level)", colour)) \(Self.printable(text))"
                : "  \(Self.printable(text))"
        }
    }

    // MARK: - Requests

    private func title(_ seen: SeenRequest) -> String {
        Self.printable("\(seen.method) \(seen.path)", limit: Self.maximumWidth)
    }

    private func request(_ seen: SeenRequest) -> [String] {
        let record = seen.exchange.before
        var line = "\(paint(title(seen), .bold)) \(status(record.status))"
        if let duration = record.duration { line += " \(Self.milliseconds(duration))" }
        if seen.isAnsweredByFilter { line += ", answered by the filter" }
        return [line] + changes("request", seen.requestChanges, body: seen.changesRequestBody)
            + changes("response", seen.responseChanges, body: seen.changesResponseBody)
    }

    private func changes(_ what: String, _ headers: [HeaderDifference], body: Bool) -> [String] {
        var changes = headers.map(\.summary)
        if body { changes.append("another body") }
        return changes.map { "  \(paint("\(what) \(Self.printable($0, limit: Self.maximumWidth))", .dim))" }
    }

    private func status(_ status: Int?) -> String {
        guard let status else { return paint("no response", .red) }
        return paint("\(status)", status < 400 ? .green : status < 500 ? .yellow : .red)
    }

    // MARK: - Repeated requests

    private func replayed(_ seen: SeenRequest, _ outcome: Replayed) -> [String] {
        let title = "\(paint("replay", .cyan)) \(title(seen))"
        switch outcome {
        case .same: return ["\(title): the same"]
        case .failed(let reason): return ["\(title): \(paint(Self.printable(reason), .yellow))"]
        case .different(let difference): return ["\(title):"] + self.difference(difference)
        }
    }

    private func difference(_ difference: ResponseDifference) -> [String] {
        var lines: [String] = []
        if difference.oldStatus != difference.newStatus {
            lines.append("status \(status(difference.oldStatus)) -> \(status(difference.newStatus))")
        }
        lines += headers("header", difference.headers)
        lines += body("body", difference.body)
        switch difference.reachesUpstream {
        case (true, false): lines.append(paint("upstream is not asked any more", .yellow))
        case (false, true): lines.append(paint("upstream is asked now", .yellow))
        default: break
        }
        lines += headers("upstream header", difference.upstreamHeaders)
        lines += body("upstream body", difference.upstreamBody)
        if !difference.log.isEmpty { lines += ["log"] + diff(difference.log) }
        return lines.map { "  \($0)" }
    }

    private func headers(_ what: String, _ headers: [HeaderDifference]) -> [String] {
        headers.map { header in
            let colour: Paint.Colour = header.old.isEmpty ? .green : header.new.isEmpty ? .red : .yellow
            return "\(what) \(paint(Self.printable(header.summary, limit: Self.maximumWidth), colour))"
        }
    }

    private func body(_ what: String, _ body: ResponseDifference.Body?) -> [String] {
        switch body {
        case nil: []
        case .binary(let old, let new): ["\(what): \(old) bytes -> \(new) bytes, no text"]
        case .text(let lines): [what] + diff(lines)
        }
    }

    private func diff(_ lines: [String]) -> [String] {
        let shown = lines.prefix(Self.maximumLines).map { line in
            let text = Self.printable(line, limit: Self.maximumWidth)
            return switch line.first {
            case "+": "  \(paint(text, .green))"
            case "-": "  \(paint(text, .red))"
            case "@": "  \(paint(text, .cyan))"
            default: "  \(text)"
            }
        }
        let more = lines.count - shown.count
        return more > 0 ? shown + ["  and \(more) more lines"] : shown
    }

    // MARK: - Words

    /// As in "0.41 s".
    static func seconds(_ duration: Duration) -> String {
        let hundredths = Int((duration / .milliseconds(10)).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
    }

    private static func milliseconds(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10_000).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }

    /// A text of others in one line, with nothing in it that a terminal would obey.
    static func printable(_ text: some StringProtocol, limit: Int = 2000) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else { return result + "..." }
            count += 1
            switch scalar.properties.generalCategory {
            case .control where scalar == "\t": result += "    "
            case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator:
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
