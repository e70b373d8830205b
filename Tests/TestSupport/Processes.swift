// SPDX-License-Identifier: Apache-2.0

import Foundation
package import SystemPackage
private import Synchronization

/// What a finished process left.
package struct ProcessOutcome: Sendable {
    package let status: Int32
    package let stdout: String
    package let stderr: String
}

/// Runs a program to its end, with nothing on its standard input.
package func run(
    _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
    in folder: FilePath? = nil,
    input: String? = nil
) async throws -> ProcessOutcome {
    let process = BackgroundProcess(program, arguments, environment: environment, in: folder, input: input)
    try process.start()
    return await process.wait()
}

/// A program that runs beside a test; it is ended by its pid when the value goes.
package final class BackgroundProcess: @unchecked Sendable {
    private let process = Process()
    private let output = Mutex<(out: Data, err: Data)>((Data(), Data()))
    private let changed = DispatchSemaphore(value: 0)
    private let input: String?
    private let pipes = (out: Pipe(), err: Pipe(), in: Pipe())
    private let closed = DispatchGroup()

    package init(
        _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
        in folder: FilePath? = nil,
        input: String? = nil
    ) {
        process.executableURL = URL(filePath: program.string)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(filePath: folder.string) }
        self.input = input
        process.standardInput = input == nil ? FileHandle.nullDevice : pipes.in
        process.standardOutput = pipes.out
        process.standardError = pipes.err
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    package func start() throws {
        for (pipe, field) in [
            (pipes.out, \(out: Data, err: Data).out), (pipes.err, \(out: Data, err: Data).err),
        ] {
            closed.enter()
            pipe.fileHandleForReading.readabilityHandler = { [self] handle in
                let data = handle.availableData
                if data.isEmpty {
                    handle.readabilityHandler = nil
                    closed.leave()
                } else {
                    output.withLock { $0[keyPath: field].append(data) }
                }
            }
        }
        try process.run()
        if let input {
            pipes.in.fileHandleForWriting.write(Data(input.utf8))
            try pipes.in.fileHandleForWriting.close()
        }
    }

    package var pid: Int32 { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    package var stdout: String { output.withLock { String(decoding: $0.out, as: UTF8.self) } }
    package var stderr: String { output.withLock { String(decoding: $0.err, as: UTF8.self) } }

    /// Sends a signal.
    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end.
    package func wait() async -> ProcessOutcome {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                process.waitUntilExit()
                closed.wait()
                continuation.resume()
            }
        }
        return ProcessOutcome(status: process.terminationStatus, stdout: stdout, stderr: stderr)
    }

    /// Waits until the standard output holds a line that fits.
    /// - Parameters:
    ///   - seconds: after how long to give up.
    ///   - match: gives what was looked for, or nil.
    /// - Returns: what `match` gave.
    /// - Throws: `ProcessFailure` if the process ends or takes too long.
    package func line<Found>(
        within seconds: Double = 60, _ match: (Substring) -> Found?
    ) async throws -> Found {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let running = process.isRunning
            for line in stdout.split(separator: "\n") {
                if let found = match(line) { return found }
            }
            guard running, ContinuousClock.now < deadline else {
                throw ProcessFailure(description: "no such line; stdout: \(stdout)\nstderr: \(stderr)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A process did not do what a test waits for.
package struct ProcessFailure: Error, CustomStringConvertible {
    package let description: String
}
