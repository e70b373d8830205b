// SPDX-License-Identifier: Apache-2.0

import Diagnostics
private import Foundation

/// A program `docker-credential-<name>` that keeps credentials, as in a desktop's key ring.
///
/// It is asked with `get`: the server's name goes to its input, JSON comes from its output.
struct CredentialHelper {
    let name: String
    let environment: [String: String]

    /// What a helper prints, on its output, for a server it does not know.
    private static let unknown = "credentials not found"
    /// The user name that says that the secret is an identity token.
    private static let tokenUser = "<token>"

    func credential(for server: String) async throws -> Credential? {
        let output = try await run(input: server)
        if output.status != 0 {
            let said = shownText(String(decoding: output.bytes, as: UTF8.self), limit: 200)
            if said.lowercased().contains(Self.unknown) { return nil }
            throw failure(said.isEmpty ? "it ended with status \(output.status)" : said)
        }
        let reply: Reply
        do {
            reply = try JSONDecoder().decode(Reply.self, from: output.bytes)
        } catch {
            // The decoder's own words could repeat the secret.
            throw failure("its answer is not the JSON that was expected")
        }
        guard !reply.secret.isEmpty else { return nil }
        return reply.username == Self.tokenUser
            ? .identityToken(reply.secret) : .password(username: reply.username, password: reply.secret)
    }

    private func run(input: String) async throws -> (status: Int32, bytes: Data) {
        let process = Process()
        process.executableURL = URL(filePath: try executable())
        process.arguments = ["get"]
        process.environment = environment
        let stdin = Self.pipe()
        let stdout = Self.pipe()
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        // Fits into the pipe before anybody reads; written later, a helper that is gone would raise SIGPIPE.
        try stdin.fileHandleForWriting.write(contentsOf: Data("\(input)\n".utf8))
        try stdin.fileHandleForWriting.close()
        let child = Child(process)
        let status = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
                child.start { done.resume(with: $0) }
            }
        } onCancel: {
            child.stop()
        }
        try Task.checkCancellation()
        return (status, Self.waiting(in: stdout.fileHandleForReading))
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
    private static func waiting(in handle: FileHandle) -> Data {
        _ = fcntl(handle.fileDescriptor, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(handle.fileDescriptor, &bytes, bytes.count)
        return Data(bytes.prefix(max(count, 0)))
    }

    private func executable() throws -> String {
        let file = "docker-credential-\(name)"
        guard !name.isEmpty, !name.contains("/") else { throw failure("that is no helper's name") }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        guard
            let path = folders.map({ "\($0)/\(file)" })
                .first(where: FileManager.default.isExecutableFile(atPath:))
        else { throw failure("\"\(file)\" is not in PATH") }
        return path
    }

    private func failure(_ why: String) -> RegistryError {
        RegistryError(
            .credentials, "cannot ask the credential helper \"\(name)\": \(why)",
            hint: "check \"credsStore\" and \"credHelpers\" in docker's config.json", category: .usage)
    }

    private struct Reply: Decodable {
        let username: String
        let secret: String

        enum CodingKeys: String, CodingKey {
            case username = "Username"
            case secret = "Secret"
        }
    }
}

/// A process that is started once and may be stopped from elsewhere; Foundation's own is not Sendable.
private final class Child: @unchecked Sendable {
    private let process: Process
    private let lock = NSLock()
    private var isStopped = false

    init(_ process: Process) { self.process = process }

    func start(_ done: @escaping @Sendable (Result<Int32, any Error>) -> Void) {
        lock.withLock {
            guard !isStopped else { return done(.failure(CancellationError())) }
            process.terminationHandler = { done(.success($0.terminationStatus)) }
            do { try process.run() } catch { done(.failure(error)) }
        }
    }

    func stop() {
        lock.withLock {
            isStopped = true
            // Not SIGTERM: children of the concurrency threads inherit it blocked. A helper that reads has nothing to
            // tidy up.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }
}
