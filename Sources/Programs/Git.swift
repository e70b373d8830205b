// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// git, as it is run for somebody: in the folder that is said, with nobody to ask, and with words that can be read.
package struct Git: Sendable {
    package let program: FilePath
    /// The user's variables without those that lead git elsewhere.
    package let environment: [String: String]

    /// Finds git: `WASME_GIT`, else in PATH; nil if there is none.
    package init?(environment: [String: String], in folder: FilePath) {
        let named = environment["WASME_GIT"].flatMap { $0.isEmpty ? nil : $0 } ?? "git"
        guard let program = Program.find(named, environment: environment, in: folder) else { return nil }
        self.program = program
        var variables = environment
        // Set where a hook of git runs us.
        for name in [
            "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_TEMPLATE_DIR",
        ] { variables[name] = nil }
        // Who asks for a password or about a host's key would stop for good: nobody sees the question.
        variables["GIT_TERMINAL_PROMPT"] = "0"
        variables["LC_ALL"] = "C"
        self.environment = variables
    }

    /// Runs git to its end, without a terminal.
    /// - Parameters:
    ///   - arguments: what is asked of it.
    ///   - folder: where it runs.
    ///   - limit: bytes that it may print.
    ///   - time: how long it may take.
    /// - Returns: what it printed, and whether it ended well.
    /// - Throws: `Program.Failure`, or `CancellationError`.
    package func run(
        _ arguments: [String], in folder: FilePath, limit: Int = 4 << 20,
        within time: Duration? = nil
    ) async throws -> Program.Outcome {
        try await Program.run(
            program, arguments, environment: environment, in: folder, limit: limit, within: time
        )
    }

    /// What git says went wrong: the first line that says so, else the last.
    package static func reason(_ stderr: String) -> String {
        let lines = stderr.split(whereSeparator: \.isNewline)
        let fatal = lines.first { $0.hasPrefix("fatal: ") }
        // That a program on the way failed says less than what the program said.
        let isVague = fatal?.contains("Could not read from remote repository") == true
        let line = (isVague ? lines.first : fatal) ?? lines.last ?? "git does not say why"
        return String(line.trimmingPrefix("fatal: ").filter { !$0.isNewline && $0 != "\u{1B}" })
    }
}
