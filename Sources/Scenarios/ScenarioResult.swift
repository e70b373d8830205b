// SPDX-License-Identifier: Apache-2.0

/// What came of one scenario.
package struct ScenarioResult: Sendable {
    package enum Verdict: Sendable {
        case passed
        /// Something was not as expected.
        case failed(StepFailure)
        /// It could not be seen what the filter does: it never returns, Envoy ended, and the like.
        case broken(StepFailure)
        case skipped(reason: String)
    }

    /// The file that the scenario stands in, as it is called in messages.
    package let file: String
    package let scenario: String
    /// Where the scenario begins.
    package let line: Int
    package let verdict: Verdict
    package let duration: Duration

    package init(file: String, scenario: String, line: Int, verdict: Verdict, duration: Duration) {
        self.file = file
        self.scenario = scenario
        self.line = line
        self.verdict = verdict
        self.duration = duration
    }
}

/// Where a scenario went wrong, and how.
package struct StepFailure: Sendable {
    /// One thing that was not as expected.
    package struct Mismatch: Sendable {
        /// As in `response header "hello"`.
        package let subject: String
        package let expected: String
        package let got: String

        package init(_ subject: String, expected: String, got: String) {
            self.subject = subject
            self.expected = expected
            self.got = got
        }
    }

    /// Where the step begins in the file.
    package let line: Int
    /// What was not as expected, in the order of the file.
    package var mismatches: [Mismatch] = []
    /// What went wrong otherwise, as in "envoy ended with signal 11".
    package var problem: String?
    /// What to do about the problem.
    package var hint: String?
    /// What the filter and Envoy logged in this step, oldest first, without time stamps.
    package var log: [String] = []
    /// A command that sends the same request to an Envoy of `wasme run`; nil for what curl cannot do.
    package var curl: String?

    package init(line: Int) { self.line = line }
}

/// The filter that scenarios are about.
package struct ScenarioFilter: Sendable {
    /// What it is called.
    package var name: String
    package var module: [UInt8]
    /// Which of the module's roots to run; empty for the only one.
    package var rootID: String
    package var isNetworkFilter: Bool

    package init(name: String, module: [UInt8], rootID: String = "", isNetworkFilter: Bool = false) {
        self.name = name
        self.module = module
        self.rootID = rootID
        self.isNetworkFilter = isNetworkFilter
    }
}

/// What the run of some scenarios in one Envoy came to.
package struct ScenarioReport: Sendable {
    /// The version of the Envoy.
    package var envoy: String
    package var results: [ScenarioResult]
    /// How long all took, with the start of Envoy.
    package var duration: Duration
    /// The callbacks that the module exports and that no scenario entered; nil if that was not asked.
    package var neverEntered: [String]?

    package init(
        envoy: String, results: [ScenarioResult] = [], duration: Duration = .zero,
        neverEntered: [String]? = nil
    ) {
        self.envoy = envoy
        self.results = results
        self.duration = duration
        self.neverEntered = neverEntered
    }
}
