// SPDX-License-Identifier: Apache-2.0

import Files
import Scenarios
private import Synchronization
import SystemPackage

/// Prints results while they come, and keeps those for a file.
final class TestPrinter: Sendable {
    private struct State {
        /// Prints at once.
        var live: any ScenarioReporter
        /// Writes into a file.
        var kept: (any ScenarioReporter)?
        var text = ""
        var envoy = ""
    }

    private let state: Mutex<State>
    private let output: FilePath?
    private let terminal: Terminal

    /// - Parameters:
    ///   - format: how results are written.
    ///   - output: where to; nil for the terminal.
    ///   - subject: what is tested.
    ///   - quiet: whether lines for people are about failures alone.
    ///   - namesFiles: whether there are several files.
    ///   - namesEnvoys: whether there are several Envoys.
    ///   - terminal: what people look at.
    init(
        format: TestFormat, output: FilePath?, subject: String, quiet: Bool, namesFiles: Bool,
        namesEnvoys: Bool, terminal: Terminal
    ) {
        let people = TextReporter(
            subject: subject, isColoured: terminal.showsColour, isBrief: quiet, namesFiles: namesFiles)
        let reporter: any ScenarioReporter =
            switch format {
            case .text: output == nil ? people : TextReporter(subject: subject, namesFiles: namesFiles)
            case .json: JSONReporter(subject: subject)
            case .junit: JUnitReporter(subject: subject)
            case .tap: TAPReporter(namesFiles: namesFiles, namesEnvoys: namesEnvoys)
            }
        state = Mutex(
            output == nil ? State(live: reporter) : State(live: people, kept: reporter))
        self.output = output
        self.terminal = terminal
    }

    /// Tests in an Envoy begin.
    func begin(_ envoy: String) {
        tell { reporter in reporter.begin(envoy: envoy) }
        state.withLock { $0.envoy = envoy }
    }

    /// A result is there.
    @Sendable func add(_ result: ScenarioResult) {
        let envoy = state.withLock(\.envoy)
        tell { reporter in reporter.add(result, envoy: envoy) }
    }

    /// All results are there.
    /// - Throws: `SystemError` if the file cannot be written.
    func end(_ reports: [ScenarioReport]) throws {
        tell { reporter in reporter.end(reports) }
        guard let output else { return }
        try Files.replace(output, with: Array(state.withLock(\.text).utf8))
    }

    private func tell(_ words: (inout any ScenarioReporter) -> String) {
        state.withLock { state in
            let line = words(&state.live)
            if !line.isEmpty { terminal.writeOutput(line) }
            if var kept = state.kept {
                state.text += words(&kept)
                state.kept = kept
            }
        }
    }
}
