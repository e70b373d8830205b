// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Synchronization

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Where a command reads and writes.
package struct Terminal: Sendable {
    /// Whether a person can answer questions.
    package var isInteractive: Bool
    /// Whether progress and colour may be shown on standard error.
    package var showsProgress: Bool
    /// Whether the result may be coloured.
    package var showsColour: Bool
    /// Whether progress may be coloured.
    package var showsNoteColour: Bool
    /// Characters in a line of help; nil leaves it to the real terminal.
    package var columns: Int?
    /// Columns and rows at this moment; nil while the terminal belongs to another job.
    package var size: @Sendable () -> (columns: Int, rows: Int)?
    /// Whether the result is shown to a person, and not kept or passed on.
    package var outputIsTerminal: Bool
    /// Writes the result.
    package var writeOutput: @Sendable (String) -> Void
    /// Writes a result that is no text; fails if nobody takes it.
    package var writeBytes: @Sendable (UnsafeRawBufferPointer) throws -> Void
    /// Writes notes, progress and errors.
    package var writeError: @Sendable (String) -> Void
    /// Reads one line of an answer; nil at the end of the input.
    ///
    /// Cancelling the task ends the wait.
    package var readAnswer: @Sendable () throws -> String?
    /// Reads one line of an answer that is not shown while it is typed; nil at the end of the input.
    package var readSecret: @Sendable () throws -> String?
    /// Reads the whole input, which is expected to be short.
    package var readInput: @Sendable () throws -> [UInt8]

    package init(
        isInteractive: Bool, showsProgress: Bool, showsColour: Bool = false, showsNoteColour: Bool = false,
        columns: Int? = nil,
        size: @escaping @Sendable () -> (columns: Int, rows: Int)? = { (80, 24) },
        outputIsTerminal: Bool = false,
        writeOutput: @escaping @Sendable (String) -> Void,
        writeBytes: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void = { _ in },
        writeError: @escaping @Sendable (String) -> Void,
        readAnswer: @escaping @Sendable () throws -> String?,
        readSecret: (@Sendable () throws -> String?)? = nil,
        readInput: @escaping @Sendable () throws -> [UInt8] = { [] }
    ) {
        self.isInteractive = isInteractive
        self.showsProgress = showsProgress
        self.showsColour = showsColour
        self.showsNoteColour = showsNoteColour
        self.columns = columns
        self.size = size
        self.outputIsTerminal = outputIsTerminal
        self.writeOutput = writeOutput
        self.writeBytes = writeBytes
        self.writeError = writeError
        self.readAnswer = readAnswer
        self.readSecret = readSecret ?? readAnswer
        self.readInput = readInput
    }

    /// The terminal, pipe or file that the process was started with.
    package static func standard(environment: [String: String]) -> Terminal {
        let dumb = environment["TERM"] == "dumb"
        let colourful = !dumb && (environment["NO_COLOR"] ?? "").isEmpty
        return Terminal(
            isInteractive: isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
            showsProgress: isatty(STDERR_FILENO) == 1 && !dumb,
            showsColour: isatty(STDOUT_FILENO) == 1 && colourful,
            showsNoteColour: isatty(STDERR_FILENO) == 1 && colourful,
            size: { size(of: STDERR_FILENO) },
            outputIsTerminal: isatty(STDOUT_FILENO) == 1,
            writeOutput: { write($0, to: STDOUT_FILENO) },
            writeBytes: { try writeAll($0, to: STDOUT_FILENO) },
            writeError: { write($0, to: STDERR_FILENO) },
            readAnswer: {
                try waitForInput()
                return readLine(strippingNewline: true)
            },
            readSecret: {
                try withoutEcho {
                    try waitForInput()
                    return readLine(strippingNewline: true)
                }
            },
            readInput: { try readAll(limit: 1 << 20) })
    }

    /// The size of a terminal; nil while another job than ours is in front of it.
    private static func size(of descriptor: Int32) -> (columns: Int, rows: Int)? {
        let front = tcgetpgrp(descriptor)
        guard front < 0 || front == getpgrp() else { return nil }
        var size = winsize()
        // Some terminals know their size no better than we do.
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Writes unbuffered, so that what a script waits for is there at once; a reader that has gone is no error of ours.
    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { try? writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
        var rest = bytes
        while !rest.isEmpty {
            #if canImport(Glibc)
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            #elseif canImport(Musl)
                let count = Musl.write(descriptor, rest.baseAddress, rest.count)
            #else
                let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
            #endif
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw SystemError("write", "standard output", errno: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes a line for people.
    package func note(_ line: String) { writeError(line + "\n") }
}
