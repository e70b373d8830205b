// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

/// The real `wasme-hub` as a process.
final class HubProcess: Sendable {
    let client: Client
    let pid: Int32
    private let process: Process
    private let errors: FilePath

    /// The program that was built next to these tests.
    static var program: URL {
        URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent().appending(
            path: "wasme-hub")
    }

    /// Starts a hub on a free port and waits until it says that it listens.
    ///
    /// `fileSizeLimit` is the largest file it may write, in KiB.
    init(data: FilePath, errors: FilePath, fileSizeLimit: Int? = nil) async throws {
        let process = Process()
        let command = [Self.program.path, "serve", "--listen", "127.0.0.1:0", "--data", data.string]
        process.executableURL = URL(filePath: "/bin/bash")
        let limit = fileSizeLimit.map { "ulimit -f \($0); " } ?? ""
        process.arguments = ["-c", "\(limit)exec \"$0\" \"$@\""] + command
        try Data().write(to: URL(filePath: errors.string))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors.string))
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        self.process = process
        self.errors = errors
        pid = process.processIdentifier
        let line = try await onThread { [output] in
            var text: [UInt8] = []
            while text.last != UInt8(ascii: "\n"), case let data = output.fileHandleForReading.availableData,
                !data.isEmpty
            {
                text += data
            }
            return String(decoding: text, as: UTF8.self)
        }
        let prefix = "listening on http://127.0.0.1:"
        guard line.hasPrefix(prefix), let port = Int(line.dropFirst(prefix.count).dropLast()) else {
            throw BrokenConnection(
                reason: "\(line) \(try String(contentsOfFile: errors.string, encoding: .utf8))")
        }
        client = Client(port: port)
    }

    deinit { if process.isRunning { kill(pid, SIGKILL) } }

    /// Sends a signal and waits for the end.
    /// - Returns: the exit status, or the number of the signal that ended it, negative.
    @discardableResult
    func stop(_ signal: Int32) async throws -> Int32 {
        kill(pid, signal)
        return try await onThread { [process] in
            process.waitUntilExit()
            return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        }
    }

    /// What it wrote to standard error.
    func errorText() throws -> String { try String(contentsOfFile: errors.string, encoding: .utf8) }

    /// Runs the program to its end.
    static func run(
        _ arguments: [String], environment: [String: String]? = nil
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await run(program.path, arguments, environment: environment)
    }

    /// Runs any program to its end.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String]? = nil
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await onThread {
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = arguments
            process.environment = environment ?? ProcessInfo.processInfo.environment
            let (output, errors) = (Pipe(), Pipe())
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            // Both are short: neither fills its pipe while the other one is read.
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (process.terminationStatus, text, errorText)
        }
    }
}
