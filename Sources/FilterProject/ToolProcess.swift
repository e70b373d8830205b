// SPDX-License-Identifier: Apache-2.0

private import Programs
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Runs the programs that builds are made of, and says as builds do what went wrong.
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
    ) -> FilePath? { Program.find(program, environment: environment, in: folder) }

    /// Runs a program to its end; everything it prints goes to a descriptor as it comes.
    ///
    /// Cancelling the task ends all that the program started.
    static func run(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        output: FileDescriptor
    ) async throws -> Ending {
        do {
            switch try await Program.run(
                program, arguments, environment: environment, in: folder, output: output)
            {
            case .exited(let code):
                // A shell says so of a command that was killed (POSIX, 2.8.2 "Exit Status for Commands").
                return Ending(
                    succeeded: code == 0, description: "exit code \(code)",
                    hint: code == 128 + SIGKILL ? killedHint : nil)
            case .killed(let signal):
                return Ending(
                    succeeded: false, description: "signal \(signal)", wasKilled: true,
                    hint: signal == SIGKILL ? killedHint : nil)
            }
        } catch let failure as Program.Failure {
            throw cannotRun(program, failure)
        }
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
        do {
            let outcome = try await Program.run(
                program, arguments, environment: environment, in: folder, hasTerminal: hasTerminal)
            return Captured(succeeded: outcome.succeeded, stdout: outcome.text, stderr: outcome.stderr)
        } catch let failure as Program.Failure {
            throw cannotRun(program, failure)
        }
    }

    private static func cannotRun(_ program: FilePath, _ failure: Program.Failure) -> ProjectError {
        switch failure {
        case .notRun(let cause): ProjectError(.buildFailed, "cannot run \"\(program)\"", cause: cause)
        case .tooMuch: ProjectError(.buildFailed, "\"\(program)\" prints far too much for an answer")
        case .tookTooLong: ProjectError(.buildFailed, "\"\(program)\" takes too long")
        }
    }
}
