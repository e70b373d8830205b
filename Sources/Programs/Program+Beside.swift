// SPDX-License-Identifier: Apache-2.0

import Subprocess
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

extension Program {
    /// A program ended before the work beside it could begin.
    package struct EarlyEnd: Error {
        package let stderr: String
    }

    /// Runs a program beside some work, without a terminal, and ends it with the work.
    /// - Parameters:
    ///   - program: where it is.
    ///   - arguments: what is asked of it.
    ///   - environment: its variables, and no others.
    ///   - folder: where it runs.
    ///   - time: how long it may take until the work can begin.
    ///   - begin: is given its whole lines so far until it says that the work can begin.
    ///   - work: what to do meanwhile.
    /// - Returns: what the work gave.
    /// - Throws: `EarlyEnd` if the program ends before; what the work throws.
    package static func beside<Begun: Sendable, Result: Sendable>(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        within time: Duration, begin: @escaping @Sendable (Substring) -> Begun?,
        work: @escaping @Sendable (Begun) async throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments), environment: self.environment(environment),
            workingDirectory: folder, platformOptions: options(hasTerminal: false), input: .none,
            output: .sequence, error: .bytes(limit: 1 << 20)
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
            throw EarlyEnd(stderr: String(decoding: result.standardError, as: UTF8.self))
        }
        return try value.get()
    }
}
