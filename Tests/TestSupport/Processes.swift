// SPDX-License-Identifier: Apache-2.0

import Foundation
private import Synchronization
package import SystemPackage

/// What a finished process left.
package struct ProcessOutcome: Sendable {
    /// The exit status, or the number of the signal that ended it, negative.
    package let status: Int32
    package let stdout: String
    package let stderr: String
}

/// Runs a program to its end, with nothing on its standard input unless `input` is given.
package func run(
    _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
    in folder: FilePath? = nil,
    input: String? = nil
) async throws -> ProcessOutcome {
    let process = try BackgroundProcess(
        program, arguments, environment: environment, in: folder, input: input)
    try process.start()
    return await process.wait()
}

/// A program that runs beside a test; it is ended by its pid when the value goes.
///
/// Its output goes to files, not to pipes: a pipe's write end leaks into whatever another test starts at the same
/// moment, and then stays open as long as that lives. Nothing here blocks a thread that tasks run on.
package final class BackgroundProcess: Sendable {
    private let process: Process
    private let scratch: ScratchDirectory
    private let ending = Mutex(Ending())

    private struct Ending {
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Prepares a process.
    /// - Parameters:
    ///   - program: the executable.
    ///   - arguments: what follows its name.
    ///   - environment: variables beside those of the tests.
    ///   - folder: where it starts.
    ///   - input: what it reads; nothing if nil.
    /// - Throws: `SystemError` if there is no room for its output.
    package init(
        _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
        in folder: FilePath? = nil, input: String? = nil
    ) throws {
        scratch = try ScratchDirectory("process")
        process = Process()
        process.executableURL = URL(filePath: program.string)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(filePath: folder.string) }
        process.standardOutput = try FileHandle(
            forWritingTo: URL(filePath: try scratch.write("stdout", "").string))
        process.standardError = try FileHandle(
            forWritingTo: URL(filePath: try scratch.write("stderr", "").string))
        process.standardInput =
            if let input {
                try FileHandle(forReadingFrom: URL(filePath: try scratch.write("stdin", input).string))
            } else {
                FileHandle.nullDevice
            }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    package func start() throws {
        process.terminationHandler = { [weak self] _ in
            let waiting = self?.ending.withLock { ending in
                ending.isOver = true
                defer { ending.waiting = [] }
                return ending.waiting
            }
            for continuation in waiting ?? [] { continuation.resume() }
        }
        try process.run()
    }

    package var pid: Int32 { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    package var stdout: String { text("stdout") }
    package var stderr: String { text("stderr") }

    private func text(_ name: String) -> String {
        String(
            decoding: FileManager.default.contents(atPath: scratch.appending(name).string) ?? Data(),
            as: UTF8.self)
    }

    /// Sends a signal.
    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Sends a signal and waits for the end.
    @discardableResult
    package func stop(_ number: Int32 = SIGTERM) async -> Int32 {
        signal(number)
        return await wait().status
    }

    /// Waits for the end.
    package func wait() async -> ProcessOutcome {
        await withCheckedContinuation { continuation in
            let isOver = ending.withLock { ending in
                if !ending.isOver { ending.waiting.append(continuation) }
                return ending.isOver
            }
            if isOver { continuation.resume() }
        }
        let status =
            process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return ProcessOutcome(status: status, stdout: stdout, stderr: stderr)
    }

    /// Waits until the standard output holds a line that fits.
    /// - Parameters:
    ///   - seconds: after how long to give up.
    ///   - match: gives what was looked for, or nil.
    /// - Returns: what `match` gave.
    /// - Throws: `ProcessFailure` if the process ends or takes too long.
    package func line<Found>(
        within seconds: Double = 120, _ match: (Substring) -> Found?
    ) async throws -> Found {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let running = process.isRunning
            let output = stdout
            // A line that has no end yet may be cut off.
            for line in output.prefix(upTo: output.lastIndex(of: "\n") ?? output.startIndex).split(
                separator: "\n")
            {
                if let found = match(line) { return found }
            }
            guard running, ContinuousClock.now < deadline else {
                throw ProcessFailure(description: "no such line; stdout: \(output)\nstderr: \(stderr)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A process did not do what a test waits for.
package struct ProcessFailure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}
