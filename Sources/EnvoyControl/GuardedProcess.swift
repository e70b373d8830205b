// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
private import Foundation
private import Synchronization
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A child process that does not outlive us, whatever ends us, and whose pid is never signalled after its end.
///
/// The child holds the reading end of a pipe whose writing end only we have. A watcher beside it waits on that pipe:
/// when we vanish, also by SIGKILL, the system closes the pipe and the watcher kills the child. This needs nothing
/// but a POSIX shell, and unlike Linux' PR_SET_PDEATHSIG it does not depend on which thread started the child.
final class GuardedProcess: Sendable {
    /// How a process ended.
    enum Exit: Hashable, Sendable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .status(let status): "exit status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    private struct State {
        var exit: Exit?
        var waiting: [CheckedContinuation<Exit, Never>] = []
    }

    /// Starts the watcher, then becomes the child.
    ///
    /// The child replaces the shell, so that the shell's pid is the child's. The watcher starts before, so that there
    /// is no moment in which the child runs unwatched. A line on the pipe dismisses the watcher; its end is our end.
    private static let script = """
        folder=$1
        shift
        (trap '' HUP INT TERM; read -r line || { kill -KILL $$; rm -rf -- "$folder"; }) <&3 3<&- >/dev/null 2>&1 &
        exec "$@" 3<&-
        """

    let pid: Int32
    private let state = Mutex(State())

    /// Starts a program in a process group of its own, with nothing on its standard input.
    /// - Parameters:
    ///   - program: an absolute path.
    ///   - arguments: what follows the name of the program.
    ///   - folder: the child's own, which also goes if we vanish; it may hold secrets.
    ///   - output: the file that gets standard output and standard error.
    /// - Throws: `SystemError`.
    init(_ program: FilePath, _ arguments: [String], folder: FilePath, output: FilePath) throws {
        let ends = try Self.pipe()
        do {
            pid = try Self.spawn(
                ["/bin/sh", "-c", Self.script, "sh", folder.string, program.string] + arguments,
                watching: ends.reading,
                output: output)
        } catch {
            close(ends.reading)
            close(ends.writing)
            throw error
        }
        Thread.detachNewThread { [self] in reap(ends) }
    }

    /// How the child ended; nil while it runs.
    var exit: Exit? { state.withLock { $0.exit } }

    /// Waits for the end.
    ///
    /// Cancelling the task does not end the waiting: whoever cancels also stops the process.
    func waitForExit() async -> Exit {
        await withCheckedContinuation { continuation in
            let exit = state.withLock { state in
                if state.exit == nil { state.waiting.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Asks the child to end, and ends it by force if it has not after `grace` seconds.
    ///
    /// Returns at once.
    func beginStop(grace: Double) {
        signal(SIGTERM)
        DispatchQueue.global().asyncAfter(deadline: .now() + grace) { [self] in signal(SIGKILL) }
    }

    /// Ends the child and waits until it is gone, also in a cancelled task.
    @discardableResult
    func stop(grace: Double) async -> Exit {
        beginStop(grace: grace)
        return await waitForExit()
    }

    private func signal(_ number: Int32) {
        state.withLock { state in
            // Under the lock the child is either running or at least not reaped: the pid is its own.
            if state.exit == nil { _ = kill(pid, number) }
        }
    }

    /// Waits for the child in a thread of its own.
    private func reap(_ ends: (reading: Int32, writing: Int32)) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (exit, waiting) = state.withLock { state in
            // Dismissed while the pid still belongs to the dead child, the watcher can kill nobody else. We hold both
            // ends, so writing cannot raise SIGPIPE.
            _ = write(ends.writing, "\n", 1)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let exit: Exit = status & 0x7f == 0 ? .status((status >> 8) & 0xff) : .signal(status & 0x7f)
            state.exit = exit
            defer { state.waiting = [] }
            return (exit, state.waiting)
        }
        close(ends.writing)
        close(ends.reading)
        for continuation in waiting { continuation.resume(returning: exit) }
    }

    /// A pipe that no other child inherits.
    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let code = Darwin.pipe(&ends)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        #else
            // Sockets can be born close-on-exec; pipe2(2) is hidden from Swift.
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let code = socketpair(AF_UNIX, kind, 0, &ends)
        #endif
        guard code == 0 else { throw SystemError("create", "pipe", errno: errno) }
        return (ends[0], ends[1])
    }

    private static func spawn(_ arguments: [String], watching: Int32, output: FilePath) throws -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, watching, 3)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output.string, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        #if !canImport(Darwin)
            // A descriptor that Envoy inherits keeps what it stands for: a lock of ours, a port, the pipe's other end.
            for name in (try? Files.contents("/proc/self/fd")) ?? [] {
                if let number = Int32(name), number > 3 {
                    posix_spawn_file_actions_addclose(&actions, number)
                }
            }
        #endif

        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Its own group: Ctrl-C reaches only us, who then stop it in order. Our threads block and ignore signals
        // that the child must receive.
        var flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        #if canImport(Darwin)
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #endif
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var usual = sigset_t()
        sigemptyset(&usual)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)

        var pid: Int32 = 0
        let code = withCStrings(arguments) { arguments in
            withCStrings(ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }) { environment in
                posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw SystemError("start", "/bin/sh", errno: code) }
        return pid
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
