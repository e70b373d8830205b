// SPDX-License-Identifier: Apache-2.0

import DevLoop
import Deployment
import EnvoyControl
import OCI
import Synchronization

extension DevEvent {
    /// Whether it is an error, and no result.
    fileprivate var isFailure: Bool {
        switch self {
        case .buildFailed, .refused: true
        default: false
        }
    }
}

/// Shows what happens while a filter is tried: lines, and on a terminal one more below them that says how things are.
final class DevView: Sendable {
    private enum State {
        case waiting
        case building(since: ContinuousClock.Instant)
        case live(String)
        case unchanged
        case failed(String)
    }

    private struct Screen {
        var state = State.waiting
        var address: HostPort?
        var version: String?
        var logLevel: FilterLogLevel
        /// The width of the status line that stands there; nil if none does.
        var drawn: Int?
        /// What it says.
        var status = ""
        var isOver = false
    }

    private let name: String
    private let envoy: String
    private let output: OutputOptions
    private let terminal: Terminal
    private let hasKeys: Bool
    private let screen: Mutex<Screen>

    init(
        name: String, output: OutputOptions, terminal: Terminal, envoy: String, logLevel: FilterLogLevel,
        hasKeys: Bool
    ) {
        self.name = name
        self.output = output
        self.terminal = terminal
        self.envoy = envoy
        self.hasKeys = hasKeys
        screen = Mutex(Screen(logLevel: logLevel))
    }

    // MARK: - What happens

    /// Takes in an event, from any task.
    func show(_ event: DevEvent) {
        screen.withLock { screen in
            take(event, &screen)
            let text = DevText(paint: Paint(isActive: terminal.showsColour))
            let failure = event.isFailure ? DevText(paint: Paint(isActive: terminal.showsNoteColour)) : nil
            if output.format == .json {
                write(DevRecord(event).map { [$0.line] } ?? [], &screen)
            } else if let failure {
                note(failure.lines(event), &screen)
            } else if output.quiet {
                if case .live(let live) = event { write(["\(live.version.digest)"], &screen) }
            } else {
                write(text.lines(event), &screen)
            }
            guard !output.quiet else { return }
            switch event {
            case .listening(let address):
                note(["listening on \(address), Envoy \(envoy); building \(name)"], &screen)
            default: break
            }
        }
    }

    private func take(_ event: DevEvent, _ screen: inout Screen) {
        switch event {
        case .listening(let address): screen.address = address
        case .building: screen.state = .building(since: .now)
        case .live(let live):
            screen.version = live.version.digest.short
            screen.state = .live(
                "live in \(DevText.seconds(live.total)) (build \(DevText.seconds(live.build)))")
        case .unchanged: screen.state = .unchanged
        case .buildFailed: screen.state = .failed("build failed")
        case .refused: screen.state = .failed("refused")
        case .logLevel(let level): screen.logLevel = level
        case .log, .request, .lost, .replayed, .note: break
        }
    }

    /// A line about a build that is on its way.
    func progress(_ line: String) {
        // Of a build that works nothing need be said but how long it takes.
        guard line.hasPrefix("warning") || line.hasPrefix("note") || line.hasPrefix("help") else { return }
        notes([DevText.printable(line)])
    }

    /// Lines for people.
    func notes(_ lines: [String]) {
        screen.withLock { note(lines, &$0) }
    }

    /// Looks whether the status says something else by now.
    func tick() {
        _ = screen.withLockIfAvailable { screen in
            guard terminal.showsProgress, !screen.isOver, let size = terminal.size() else { return }
            let status = status(screen, columns: size.columns)
            guard status.plain != screen.status || screen.drawn == nil else { return }
            let erasure = erasure(&screen)
            terminal.writeError(erasure + draw(&screen))
        }
    }

    /// Empties the terminal.
    func clear() {
        screen.withLock { screen in
            guard terminal.showsProgress, !screen.isOver else { return }
            screen.drawn = nil
            terminal.writeError("\u{1B}[H\u{1B}[2J" + draw(&screen))
        }
    }

    /// Takes the status line away; nothing is drawn afterwards.
    func close() {
        screen.withLock { screen in
            let erasure = erasure(&screen)
            if !erasure.isEmpty { terminal.writeError(erasure) }
            screen.isOver = true
        }
    }

    // MARK: - Writing

    private func write(_ lines: [String], _ screen: inout Screen) {
        guard !lines.isEmpty else { return redraw(&screen) }
        let text = lines.map { $0 + "\n" }.joined()
        guard terminal.showsProgress, terminal.outputIsTerminal else { return terminal.writeOutput(text) }
        let erasure = erasure(&screen)
        if !erasure.isEmpty { terminal.writeError(erasure) }
        terminal.writeOutput(text)
        terminal.writeError(draw(&screen))
    }

    private func note(_ lines: [String], _ screen: inout Screen) {
        guard !lines.isEmpty else { return }
        terminal.writeError(erasure(&screen) + lines.map { $0 + "\n" }.joined() + draw(&screen))
    }

    private func redraw(_ screen: inout Screen) {
        guard terminal.showsProgress, !screen.isOver else { return }
        terminal.writeError(erasure(&screen) + draw(&screen))
    }

    /// What takes the status line away, whose window may be narrower by now.
    private func erasure(_ screen: inout Screen) -> String {
        guard let drawn = screen.drawn else { return "" }
        screen.drawn = nil
        let columns = max(terminal.size()?.columns ?? 80, 1)
        let rows = max(0, drawn - 1) / columns
        return "\r" + (rows > 0 ? "\u{1B}[\(rows)A" : "") + "\u{1B}[J"
    }

    private func draw(_ screen: inout Screen) -> String {
        guard terminal.showsProgress, !screen.isOver, let size = terminal.size() else { return "" }
        let status = status(screen, columns: size.columns)
        screen.drawn = status.plain.count
        screen.status = status.plain
        return status.painted
    }

    // MARK: - The status

    /// One line of ASCII that fits.
    private func status(_ screen: Screen, columns: Int) -> (plain: String, painted: String) {
        let paint = Paint(isActive: terminal.showsNoteColour)
        let (state, colour): (String, Paint.Colour) =
            switch screen.state {
            case .waiting: ("waiting", .yellow)
            case .building(let start):
                ("building \(Int((.now - start) / .seconds(1)))s", .yellow)
            case .live(let text): (text, .green)
            case .unchanged: ("unchanged", .green)
            case .failed(let text):
                (
                    "\(text), old version serves".prefix(screen.version == nil ? text.count : 99).description,
                    .red
                )
            }
        var parts = [(state, colour), (name + (screen.version.map { " \($0)" } ?? ""), .bold)]
        if let address = screen.address { parts.append(("\(address)", .dim)) }
        if hasKeys {
            let used = parts.reduce(0) { $0 + $1.0.count + 3 }
            let long = "l log:\(screen.logLevel.rawValue) r replay b build c clear q quit"
            parts.append((used + long.count < columns ? long : "keys l r b c q", .dim))
        }
        parts.append(("Envoy \(envoy)", .dim))
        var (plain, painted) = ("", "")
        for (text, colour) in parts {
            let text = String(text.unicodeScalars.map { $0.isASCII && $0.value >= 32 ? Character($0) : "?" })
            let part = (plain.isEmpty ? "" : " | ") + text
            guard plain.count + part.count < columns else { break }
            plain += part
            painted += (plain.count == part.count ? "" : " | ") + paint(text, colour)
        }
        return (plain, painted)
    }
}
