// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport

/// The real `wasme-hub` as a process.
final class HubProcess: Sendable {
    let client: Client
    private let process: BackgroundProcess

    /// The program that was built next to these tests.
    static let program = buildFolder.appending("wasme-hub")

    /// Starts a hub on a free port and waits until it says that it listens.
    ///
    /// `fileSizeLimit` is the largest file it may write, in KiB; `openFiles` are the most it may have open.
    /// `tracing` are options of strace, which then watches it.
    init(
        data: FilePath, fileSizeLimit: Int? = nil, openFiles: Int? = nil, tracing: [String] = [],
        options: [String] = [], environment: [String: String] = [:]
    ) async throws {
        let limit =
            (fileSizeLimit.map { "ulimit -f \($0); " } ?? "") + (openFiles.map { "ulimit -n \($0); " } ?? "")
        // With -D the hub keeps the process that is started here, and strace is a child of it.
        let tracer = tracing.isEmpty ? [] : [Tool.strace.path?.string ?? "strace", "-D", "-f"] + tracing
        process = try BackgroundProcess(
            FilePath("/bin/bash"),
            ["-c", "\(limit)exec \"$0\" \"$@\""] + tracer + [
                Self.program.string, "serve", "--listen", "127.0.0.1:0",
                "--data", data.string,
            ] + options, environment: environment)
        try process.start()
        let port = try await process.line { line in
            line.wholeMatch(of: /listening on https?:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) }
        }
        client = Client(port: port)
    }

    var pid: Int32 { process.pid }

    /// Sends a signal and waits for the end.
    /// - Returns: the exit status, or the number of the signal that ended it, negative.
    @discardableResult
    func stop(_ signal: Int32) async -> Int32 { await process.stop(signal) }

    /// What it wrote to standard error.
    var errorText: String { process.stderr }

    /// Runs the program to its end, with no folder of its own but what the variables say.
    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> ProcessOutcome
    {
        try await TestSupport.run(
            program, arguments, environment: ["HOME": "", "XDG_DATA_HOME": ""].merging(environment) { $1 })
    }
}
