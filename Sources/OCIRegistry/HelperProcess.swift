// SPDX-License-Identifier: Apache-2.0

import Diagnostics

private import Foundation

/// One run of a program that is given a little input and says a little.
///
/// The input never appears among its arguments, which every user of the machine can read.
final class HelperProcess: Sendable {
    private let child: Child
    private let output: FileHandle

    /// What fits into a pipe before anybody reads it.
    private static let capacity = 60 << 10

    init(_ executable: String, _ argument: String, environment: [String: String], input: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = [argument]
        process.environment = environment
        let stdin = Self.pipe()
        let stdout = Self.pipe()
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        let bytes = Data(input.utf8)
        guard bytes.count <= Self.capacity else {
            throw RegistryError(
                .credentials, "the secret has more than \(Self.capacity) bytes", hint: "check what was read",
                category: .usage)
        }
        // Written before anybody reads; later, a helper that is gone would raise SIGPIPE.
        try stdin.fileHandleForWriting.write(contentsOf: bytes)
        try stdin.fileHandleForWriting.close()
        child = Child(process)
        output = stdout.fileHandleForReading
    }

    /// Runs it to its end.
    /// - Parameter limit: how long it may take; then it is killed.
    /// - Returns: the status and what it said, or nil if it took too long.
    /// - Throws: `CancellationError` when the task is cancelled; the program is killed then, too.
    func run(limit: Duration) async throws -> (status: Int32, output: [UInt8])? {
        let watch = Task { [child] in
            try await Task.sleep(for: limit)
            child.stop(because: .limit)
        }
        defer { watch.cancel() }
        let status = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
                child.start { done.resume(with: $0) }
            }
        } onCancel: {
            child.stop(because: .cancellation)
        }
        try Task.checkCancellation()
        return child.reason == .limit ? nil : (status, Self.waiting(in: output))
    }

    /// The first executable file of a name in the folders of a PATH.
    static func find(_ file: String, in path: String) -> String? {
        path.split(separator: ":").map { "\($0)/\(file)" }
            .first(where: FileManager.default.isExecutableFile(atPath:))
    }

    /// A pipe whose ends other children do not inherit: one that kept them open would keep the helper reading.
    private static func pipe() -> Pipe {
        let pipe = Pipe()
        for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        return pipe
    }

    /// What a helper that has ended left in the pipe; no more than the pipe holds, and without waiting for its end.
    private static func waiting(in handle: FileHandle) -> [UInt8] {
        _ = fcntl(handle.fileDescriptor, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(handle.fileDescriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(count, 0)))
    }
}

/// A process that is started once and may be stopped from elsewhere; Foundation's own is not Sendable.
private final class Child: @unchecked Sendable {
    enum Reason { case limit, cancellation }

    private let process: Process
    private let lock = NSLock()
    private var stopped: Reason?

    init(_ process: Process) { self.process = process }

    /// Why it was stopped; nil if it came to its own end.
    var reason: Reason? { lock.withLock { stopped } }

    func start(_ done: @escaping @Sendable (Result<Int32, any Error>) -> Void) {
        lock.withLock {
            guard stopped == nil else { return done(.failure(CancellationError())) }
            process.terminationHandler = { done(.success($0.terminationStatus)) }
            do { try process.run() } catch { done(.failure(error)) }
        }
    }

    func stop(because reason: Reason) {
        lock.withLock {
            guard stopped == nil, process.isRunning || reason == .cancellation else { return }
            stopped = reason
            // Not SIGTERM: children of the concurrency threads inherit it blocked. Nothing of ours needs tidying up.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }
}
