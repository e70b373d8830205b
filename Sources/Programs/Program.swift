// SPDX-License-Identifier: Apache-2.0

private import Files
import Subprocess
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Runs other programs of this machine: none outlives the task that it was started for, nor does what it started itself.
package enum Program {
    /// What a finished program left.
    package struct Outcome: Sendable {
        package let succeeded: Bool
        package let stdout: [UInt8]
        package let stderr: String
        /// Its standard output as text.
        package var text: String { String(decoding: stdout, as: UTF8.self) }
    }

    /// How a program ended whose output went elsewhere.
    package enum Ending: Hashable, Sendable {
        case exited(Int32)
        /// By a signal.
        case killed(Int32)
    }

    /// Why there is no outcome.
    package enum Failure: Error {
        case notRun(any Error)
        case tookTooLong
        case tooMuch
    }

    /// Finds a program: a name in the environment's PATH, or a path relative to a folder.
    package static func find(
        _ name: String, environment: [String: String], in folder: FilePath
    ) -> FilePath? {
        if name.contains("/") {
            let path = folder.pushing(FilePath(name)).lexicallyNormalized()
            return isExecutable(path) ? path : nil
        }
        return (environment["PATH"] ?? "").split(separator: ":").lazy
            // An empty entry means the current folder, which is nobody's intention here.
            .map { folder.pushing(FilePath(String($0))).appending(name) }
            .first(where: isExecutable)
    }

    private static func isExecutable(_ path: FilePath) -> Bool {
        Files.kind(path) == .file && access(path.string, X_OK) == 0
    }

    /// Runs a program to its end, and takes what it prints.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what is asked of it.
    ///   - input: what it reads.
    ///   - environment: its variables, and no others.
    ///   - folder: where it runs.
    ///   - hasTerminal: whether it could reach the user's terminal, to ask something there.
    ///   - limit: bytes that it may print.
    ///   - time: how long it may take; nil for as long as it wants.
    /// - Returns: what it printed, and whether it ended well.
    /// - Throws: `Failure`, or `CancellationError`; the program has ended then, with all that it started.
    package static func run(
        _ program: FilePath, _ arguments: [String], input: [UInt8] = [], environment: [String: String],
        in folder: FilePath, hasTerminal: Bool = false, limit: Int = 4 << 20, within time: Duration? = nil
    ) async throws -> Outcome {
        try Task.checkCancellation()
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                do {
                    let result = try await Subprocess.run(
                        .path(program), arguments: Arguments(arguments),
                        environment: self.environment(environment), workingDirectory: folder,
                        platformOptions: options(hasTerminal: hasTerminal), input: Input(bytes: input),
                        output: .bytes(limit: limit), error: .bytes(limit: 4 << 20))
                    if Task.isCancelled { endGroup(result.processIdentifier.value) }
                    return Outcome(
                        succeeded: result.terminationStatus.isSuccess, stdout: result.standardOutput,
                        stderr: String(decoding: result.standardError, as: UTF8.self))
                } catch let error as SubprocessError {
                    try Task.checkCancellation()
                    throw error.code == .outputLimitExceeded ? Failure.tooMuch : Failure.notRun(error)
                }
            }
            if let time {
                group.addTask {
                    try await Task.sleep(for: time)
                    return nil
                }
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

    /// Runs a program to its end; everything it prints goes to a descriptor as it comes.
    ///
    /// The descriptor is handed to the program itself: if it is a terminal, the program sees one, colours and all.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what is asked of it.
    ///   - environment: its variables, and no others.
    ///   - folder: where it runs.
    ///   - output: what it prints to.
    /// - Returns: how it ended.
    /// - Throws: `Failure`, or `CancellationError`; the program has ended then, with all that it started.
    package static func run(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        output: FileDescriptor
    ) async throws -> Ending {
        try Task.checkCancellation()
        do {
            let result = try await Subprocess.run(
                .path(program), arguments: Arguments(arguments), environment: self.environment(environment),
                workingDirectory: folder, platformOptions: options(hasTerminal: true), input: .none,
                output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                error: .fileDescriptor(output, closeAfterSpawningProcess: false))
            if Task.isCancelled { endGroup(result.processIdentifier.value) }
            try Task.checkCancellation()
            switch result.terminationStatus {
            case .exited(let code): return .exited(code)
            case .signaled(let signal): return .killed(signal)
            }
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw Failure.notRun(error)
        }
    }

    /// Bytes for a program that may end before it has read them: how it ended says more than that they were not read.
    private struct Input: InputProtocol {
        let bytes: [UInt8]

        func write(with writer: StandardInputWriter) async throws { _ = try? await writer.write(bytes) }
    }

    /// Ends what is left of a group whose leader has ended: some do not care for a polite signal.
    ///
    /// They got it with their leader, and have a second to clean up after themselves. A killed process is there until it
    /// runs again to end, and after that for whoever inherits it: on a machine where nobody does, it is not waited for.
    private static func endGroup(_ leader: pid_t) {
        for wait in 0..<100 {
            guard kill(-leader, 0) == 0 else { return }
            if wait >= 50 { kill(-leader, SIGKILL) }
            poll(nil, 0, 20)
        }
    }

    static func environment(_ variables: [String: String]) -> Environment {
        var custom: [Environment.Key: String] = [:]
        for (name, value) in variables {
            if let key = Environment.Key(rawValue: name) { custom[key] = value }
        }
        return .custom(custom)
    }

    /// A process group of its own in any case; a session of its own has no terminal, and is a group, too.
    static func options(hasTerminal: Bool) -> PlatformOptions {
        var options = PlatformOptions()
        if hasTerminal { options.processGroupID = 0 } else { options.createSession = true }
        options.teardownSequence = [
            .send(
                signal: .terminate, toProcessGroup: true,
                allowedDurationToNextStep: .seconds(hasTerminal ? 5 : 2))
        ]
        return options
    }
}
