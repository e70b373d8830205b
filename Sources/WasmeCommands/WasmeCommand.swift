// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
private import Diagnostics

/// A verb: parses its arguments, calls a library, prints one result.
package protocol WasmeCommand: AsyncParsableCommand {
    func run(in context: CommandContext) async throws
}

/// `wasme` and its verbs.
package struct Wasme: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "wasme",
        abstract: "Build, share and deploy WebAssembly filters for Envoy.",
        discussion: """
            From nothing to a live filter:
              wasme init add-header --language swift
              wasme build add-header -t localhost:5000/acme/add-header:v1
              wasme test add-header
              wasme check localhost:5000/acme/add-header:v1 --target 'istio>=1.27'
              wasme push localhost:5000/acme/add-header:v1
              wasme deploy envoy localhost:5000/acme/add-header:v1 --run
            """,
        version: Release.version,
        subcommands: [
            Init.self, Build.self, Check.self, TestCommand.self, Run.self, Dev.self, Bench.self,
            DoctorCommand.self, Inspect.self, List.self, TagImage.self,
            Remove.self,
            Prune.self, Push.self, Pull.self, Copy.self, Save.self, Load.self, Attach.self, Discover.self,
            Search.self, Open.self, Login.self, Logout.self, Deploy.self, Undeploy.self, Rollback.self,
            History.self, Status.self, Diff.self, Migrate.self, Envoy.self, Completion.self,
            Version.self,
        ])

    package init() {}

    /// Parses a command line, runs it, and reports what went wrong.
    /// - Parameters:
    ///   - arguments: the command line without the program's name.
    ///   - context: the surroundings.
    /// - Returns: the exit status.
    package static func main(_ arguments: [String], in context: CommandContext) async -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            if let verb = command as? any WasmeCommand {
                try await verb.run(in: context)
            } else if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch is CancellationError {
            // The terminal has shown "^C" in the line at hand.
            context.terminal.note(context.terminal.showsProgress ? "\ninterrupted" : "interrupted")
            return DiagnosticCategory.interrupted.rawValue
        } catch {
            if Self.isParserError(error) {
                let text = fullMessage(for: error, columns: context.terminal.columns)
                let status = exitCode(for: error)
                if status.isSuccess {
                    context.terminal.writeOutput(text + "\n")
                } else if !text.isEmpty {
                    context.terminal.note(Self.lowercasedError(text))
                }
                return status.rawValue
            }
            context.terminal.note(render(error))
            return ((error as? any Diagnostic)?.category ?? .failed).rawValue
        }
    }

    /// Whether ArgumentParser made this error, or it asks for help, the version or a completion script.
    private static func isParserError(_ error: any Error) -> Bool {
        if error is ExitCode || error is ValidationError || error is CleanExit { return true }
        return !(error is any Diagnostic) && exitCode(for: error) != .failure
    }

    /// The parser writes `Error: …`; all of our errors start in lower case.
    private static func lowercasedError(_ text: String) -> String {
        text.hasPrefix("Error: ") ? "error: " + text.dropFirst(7) : text
    }
}
