// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Where a new password comes from: never from the command line, which others can see.
struct PasswordOption: ParsableArguments {
    @Flag(help: "Read the password from standard input instead of asking for it.")
    var passwordStdin = false

    func password() throws -> String {
        if passwordStdin {
            guard let line = readLine(), !line.isEmpty else {
                throw HubError(.passwordInvalid, "standard input holds no password", category: .usage)
            }
            return line
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw HubError(
                .passwordInvalid, "there is no terminal to ask for the password",
                hint: "send it to standard input with --password-stdin", category: .usage)
        }
        let first = try Self.ask("Password: ")
        guard try Self.ask("Again: ") == first else {
            throw HubError(.passwordInvalid, "the two passwords differ", category: .usage)
        }
        return first
    }

    /// Reads a line that the terminal does not show.
    private static func ask(_ prompt: String) throws -> String {
        FileHandle.standardError.write(Data(prompt.utf8))
        var old = termios()
        tcgetattr(STDIN_FILENO, &old)
        var quiet = old
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &old)
            FileHandle.standardError.write(Data("\n".utf8))
        }
        guard let line = readLine() else {
            throw HubError(.passwordInvalid, "no password was given", category: .usage)
        }
        return line
    }
}
