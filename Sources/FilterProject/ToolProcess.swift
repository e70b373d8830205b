// SPDX-License-Identifier: Apache-2.0

private import Files
private import Subprocess
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Runs the programs that builds are made of.
enum ToolProcess {
    /// How a program ended.
    struct Ending: Sendable, CustomStringConvertible {
        let succeeded: Bool
        /// "exit code 1", "signal 9".
        let description: String
        /// Whether a signal ended it.
        var wasKilled = false
        /// What to do about it, if the way it ended says that.
        var hint: String?
    }

    /// What a finished program left.
    struct Captured: Sendable {
        let succeeded: Bool
        let stdout: String
        let stderr: String
    }

    /// Finds a program: a name in the environment's PATH, a path relative to a folder.
    static func find(
        _ program: String, environment: [String: String], relativeTo folder: FilePath
    ) -> FilePath? {
        if program.contains("/") {
            let path = folder.pushing(FilePath(program)).lexicallyNormalized()
            return isExecutable(path) ? path : nil
        }
        return (environment["PATH"] ?? "").split(separator: ":").lazy
            // An empty entry means the current folder, which is nobody's intention here.
            .map { folder.pushing(FilePath(String($0))).appending(program) }
            .first(where: isExecutable)
    }

    private static func isExecutable(_ path: FilePath) -> Bool {
        Files.kind(path) == .file && access(path.string, X_OK) == 0
    }

    /// Runs a program to its end; everything it prints goes to a descriptor as it comes.
    ///
    /// The descriptor is handed to the program itself: if it is a terminal, the program sees one, colours and all. The
    /// program leads a process group of its own, and cancelling the task ends the whole group.
    static func run(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        output: FileDescriptor
    ) async throws -> Ending {
        try Task.checkCancellation()
        do {
            let result = try await Subprocess.run(
                .path(program), arguments: Arguments(arguments), environment: self.environment(environment),
                workingDirectory: folder, platformOptions: options, input: .none,
                output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                error: .fileDescriptor(output, closeAfterSpawningProcess: false))
            if Task.isCancelled { endGroup(result.processIdentifier.value) }
            try Task.checkCancellation()
            switch result.terminationStatus {
            case .exited(let code):
                // A shell says so of a command that was killed (POSIX, 2.8.2 "Exit Status for Commands").
                return Ending(
                    succeeded: code == 0, description: "exit code \(code)",
                    hint: code == 128 + SIGKILL ? killedHint : nil)
            case .signaled(let signal):
                return Ending(
                    succeeded: false, description: "signal \(signal)", wasKilled: true,
                    hint: signal == SIGKILL ? killedHint : nil)
            }
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw cannotRun(program, error)
        }
    }

    /// Ends what is left of a group whose leader has ended: some do not care for a polite signal.
    ///
    /// They got it with their leader, and have a second to clean up after themselves.
    private static func endGroup(_ leader: pid_t) {
        for _ in 0..<50 {
            guard kill(-leader, 0) == 0 else { return }
            poll(nil, 0, 20)
        }
        kill(-leader, SIGKILL)
    }

    private static let killedHint =
        "signal 9 is mostly the system's, short of memory: free some, or build with fewer jobs at a time"

    /// Runs a program that answers a question; its answer is short.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what it is asked.
    ///   - environment: its variables.
    ///   - folder: where it runs.
    ///   - hasTerminal: whether it could reach the user's terminal, to ask something there.
    /// - Returns: what it printed, and whether it ended well.
    /// - Throws: `ProjectError` if it cannot be run or prints far too much.
    static func capture(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        hasTerminal: Bool = true
    ) async throws -> Captured {
        try Task.checkCancellation()
        var options = Self.options
        if !hasTerminal {
            // A session of its own has none, and is a process group, too.
            options.processGroupID = nil
            options.createSession = true
        }
        do {
            let result = try await Subprocess.run(
                .path(program), arguments: Arguments(arguments), environment: self.environment(environment),
                workingDirectory: folder, platformOptions: options, input: .none,
                output: .string(limit: 4 << 20), error: .string(limit: 4 << 20))
            try Task.checkCancellation()
            return Captured(
                succeeded: result.terminationStatus.isSuccess, stdout: result.standardOutput,
                stderr: result.standardError)
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw cannotRun(program, error)
        }
    }

    private static func cannotRun(_ program: FilePath, _ error: SubprocessError) -> ProjectError {
        ProjectError(.buildFailed, "cannot run \"\(program)\"", cause: error)
    }

    private static func environment(_ variables: [String: String]) -> Environment {
        var custom: [Environment.Key: String] = [:]
        for (name, value) in variables {
            if let key = Environment.Key(rawValue: name) { custom[key] = value }
        }
        return .custom(custom)
    }

    private static var options: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
        ]
        return options
    }
}
