// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Single keys of the terminal that we were started from, as long as it is ours.
final class DevKeyboard: Sendable {
    /// How the terminal was before.
    private let before: termios
    private let isOver = Mutex(false)

    /// - Returns: nil if standard input is no terminal.
    init?() {
        var mode = termios()
        guard tcgetattr(STDIN_FILENO, &mode) == 0 else { return nil }
        before = mode
    }

    /// Waits for a key.
    func key() async throws -> Character {
        while true {
            try await Task.sleep(for: .milliseconds(30))
            // After a stop and in the background the terminal is somebody else's.
            guard tcgetpgrp(STDIN_FILENO) == getpgrp() else { continue }
            takeKeys()
            var wait = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 0) == 1 else { continue }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1 else {
                // The terminal has gone; the signal that says so ends us.
                try await Task.sleep(for: .seconds(1))
                continue
            }
            return Character(UnicodeScalar(byte))
        }
    }

    /// Has the terminal hand over each key at once, and not show it; Ctrl-C stays what it is.
    private func takeKeys() {
        isOver.withLock { isOver in
            var mode = termios()
            guard !isOver, tcgetattr(STDIN_FILENO, &mode) == 0, mode.c_lflag & tcflag_t(ICANON) != 0 else {
                return
            }
            mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
            withUnsafeMutableBytes(of: &mode.c_cc) { keys in
                keys[Int(VMIN)] = 1
                keys[Int(VTIME)] = 0
                // This one would end us at once, and leave the terminal as it is now.
                keys[Int(VQUIT)] = 0
            }
            _ = tcsetattr(STDIN_FILENO, TCSANOW, &mode)
        }
    }

    /// Puts the terminal back as it was.
    func restore() {
        isOver.withLock { isOver in
            guard !isOver else { return }
            isOver = true
            guard tcgetpgrp(STDIN_FILENO) == getpgrp() else { return }
            var mode = before
            _ = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode)
        }
    }
}
