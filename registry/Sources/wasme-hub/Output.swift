// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation

/// How a result is written.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// How the result of a command is written.
struct FormatOption: ParsableArguments {
    @Option(help: "How to write the result: text or json.")
    var format = OutputFormat.text
}

/// What commands say: results to standard output, everything else to standard error.
///
/// If nobody listens any more, the hub goes on without them.
enum Output {
    static func result(_ text: String) { write(text, to: .standardOutput) }

    static func note(_ text: String) { write(text, to: .standardError) }

    /// Writes a result as one line of JSON, or as text.
    static func result(_ value: some Encodable, _ format: OutputFormat, text: String) throws {
        guard format == .json else { return result(text) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        result(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Runs a command; an error is explained, and decides the exit status.
    static func reporting(_ command: () async throws -> Void) async throws {
        do {
            try await command()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            note(render(error))
            throw ExitCode(
                (error as? any Diagnostic)?.category.rawValue ?? DiagnosticCategory.failed.rawValue)
        }
    }
}
