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

/// Runs the programs that clusters are reached with.
enum Executable {
    /// What a finished program left.
    struct Outcome: Sendable {
        let succeeded: Bool
        let stdout: [UInt8]
        let stderr: String
    }

    /// Why there is no outcome.
    enum Failure: Error {
        case notRun(any Error)
        case tookTooLong
        case tooMuch
    }

    /// A program ended before it should.
    struct Ending: Error {
        let stderr: String
    }

    /// Finds a program: a name in the environment's PATH, or a path relative to a folder.
    static func find(_ name: String, environment: [String: String], in folder: FilePath) -> FilePath? {
        if name.contains("/") {
            let path = folder.pushing(FilePath(name)).lexicallyNormalized()
            return isExecutable(path) ? path : nil
        }
        return (environment["PATH"] ?? "").split(separator: ":").lazy
            .map { folder.pushing(FilePath(String($0))).appending(name) }
            .first(where: isExecutable)
    }

    private static func isExecutable(_ path: FilePath) -> Bool {
        Files.kind(path) == .file && access(path.string, X_OK) == 0
    }

    /// Runs a program to its end, without a terminal: nobody sees what it would ask there.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what is asked of it.
    ///   - input: what it reads.
    ///   - environment: its variables.
    ///   - folder: where it runs.
    ///   - limit: bytes that it may print.
    ///   - time: how long it may take.
    /// - Returns: what it printed, and whether it ended well.
    /// - Throws: `Failure`, or `CancellationError`; the program has ended then, with all that it started.
    static func run(
        _ program: FilePath, _ arguments: [String], input: [UInt8] = [], environment: [String: String],
        in folder: FilePath, limit: Int, within time: Duration
    ) async throws -> Outcome {
        try Task.checkCancellation()
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                do {
                    let result = try await Subprocess.run(
                        .path(program), arguments: Arguments(arguments),
                        environment: self.environment(environment), workingDirectory: folder,
                        platformOptions: options, input: .array(input), output: .bytes(limit: limit),
                        error: .bytes(limit: 1 << 20))
                    return Outcome(
                        succeeded: result.terminationStatus.isSuccess, stdout: result.standardOutput,
                        stderr: String(decoding: result.standardError, as: UTF8.self))
                } catch let error as SubprocessError {
                    try Task.checkCancellation()
                    throw error.code == .outputLimitExceeded ? Failure.tooMuch : Failure.notRun(error)
                }
            }
            group.addTask {
                try await Task.sleep(for: time)
                return nil
            }
            defer { group.cancelAll() }
            let outcome: Outcome?
            do {
                outcome = try await group.next() ?? nil
            } catch {
                try Task.checkCancellation()
                throw error
            }
            try Task.checkCancellation()
            guard let outcome else { throw Failure.tookTooLong }
            return outcome
        }
    }

    /// Runs a program beside some work, and ends it with the work.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what is asked of it.
    ///   - environment: its variables.
    ///   - folder: where it runs.
    ///   - time: how long it may take until the work can begin.
    ///   - begin: is given its whole lines so far until it says that the work can begin.
    ///   - work: what to do meanwhile.
    /// - Returns: what the work gave.
    /// - Throws: `Ending` if the program ends before; what the work throws.
    static func beside<Begun: Sendable, Result: Sendable>(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        within time: Duration, begin: @escaping @Sendable (Substring) -> Begun?,
        work: @escaping @Sendable (Begun) async throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments), environment: self.environment(environment),
            workingDirectory: folder, platformOptions: options, input: .none, output: .sequence,
            error: .bytes(limit: 1 << 20)
        ) { execution -> Swift.Result<Result, any Error>? in
            let pid = execution.processIdentifier.value
            // Reading goes on until the program ends: it must.
            let watchdog = Task {
                try await Task.sleep(for: time)
                kill(-pid, SIGTERM)
            }
            defer {
                watchdog.cancel()
                kill(-pid, SIGTERM)
            }
            var text = ""
            for try await buffer in execution.standardOutput {
                text += buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                let lines = text.prefix(upTo: text.lastIndex(of: "\n") ?? text.startIndex)
                guard let begun = begin(lines) else { continue }
                watchdog.cancel()
                do {
                    return .success(try await work(begun))
                } catch {
                    return .failure(error)
                }
            }
            return nil
        }
        try Task.checkCancellation()
        guard let value = result.closureResult else {
            throw Ending(stderr: String(decoding: result.standardError, as: UTF8.self))
        }
        return try value.get()
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
        // A session of its own has no terminal, and is a process group.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        return options
    }
}
