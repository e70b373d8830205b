// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI
import Synchronization

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Secrets that were typed or read: asked for once, however many registries a command speaks to.
final class SecretInput: Sendable {
    private let known = Mutex<[String: String]>([:])
    private let owner = Mutex<RegistryHost?>(nil)

    /// The registry that the command line's user is for: the first that asks.
    func owner(or host: RegistryHost) -> RegistryHost {
        owner.withLock { owner in
            let first = owner ?? host
            owner = first
            return first
        }
    }

    /// The secret of a name; asked for unless it is known.
    func once(_ name: String, _ ask: () throws -> String?) rethrows -> String? {
        if let secret = known.withLock({ $0[name] }) { return secret }
        guard let secret = try ask() else { return nil }
        known.withLock { $0[name] = secret }
        return secret
    }
}

#if canImport(Darwin)
    private let noKey: UInt8 = 0xff
#else
    private let noKey: UInt8 = 0
#endif

extension Terminal {
    /// Waits for input in short turns, so that Ctrl-C ends the question and not only the next line.
    static func waitForInput() throws {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while poll(&input, 1, 100) <= 0 { try Task.checkCancellation() }
    }

    /// Lets what is typed meanwhile not be shown; the terminal is as before afterwards, also after Ctrl-C.
    static func withoutEcho<Value>(_ read: () throws -> Value) throws -> Value {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return try read() }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        // Keys that would stop or end us without a chance to bring the echo back are plain characters until then.
        withUnsafeMutableBytes(of: &silent.c_cc) { characters in
            for key in [VQUIT, VSUSP] { characters[Int(key)] = noKey }
        }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        return try read()
    }

    /// Everything that is still to come on standard input.
    static func readAll(limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            try waitForInput()
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= limit else {
                throw CommandError(
                    .usage, "standard input holds more than \(limit) bytes", hint: "pipe the secret alone")
            }
            bytes += chunk[..<count]
        }
    }
}
