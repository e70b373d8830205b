// SPDX-License-Identifier: Apache-2.0

import Files
import Programs
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Real programs: shells that obey, and some that do not.
@Suite struct ProgramTests {
    private let scratch: ScratchDirectory
    private let environment = ["PATH": "/usr/bin:/bin"]

    init() throws { scratch = try ScratchDirectory("programs") }

    private func shell(
        _ script: String, hasTerminal: Bool = false, limit: Int = 4 << 20, within time: Duration? = nil,
        input: [UInt8] = []
    ) async throws -> Program.Outcome {
        try await Program.run(
            "/bin/sh", ["-c", script], input: input, environment: environment, in: scratch.path,
            hasTerminal: hasTerminal, limit: limit, within: time)
    }

    /// The pid that a script has written, once it has.
    private func pid(in name: String) async throws -> pid_t {
        while true {
            if let text = try? String(decoding: Files.read(scratch.appending(name)), as: UTF8.self),
                text.hasSuffix("\n"), let pid = pid_t(text.dropLast())
            {
                return pid
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Whether a process is there that runs: one that nobody has waited for yet does not.
    private func runs(_ pid: pid_t) -> Bool {
        guard kill(pid, 0) == 0 else { return false }
        let status = try? String(decoding: Files.read(FilePath("/proc/\(pid)/stat")), as: UTF8.self)
        return status?.contains(") Z ") == false
    }

    @Test func `a program reads, prints to both sides and says how it ended`() async throws {
        let good = try await shell("cat; echo two >&2", input: Array("one".utf8))
        #expect(good.succeeded)
        #expect(good.text == "one")
        #expect(good.stderr == "two\n")
        #expect(try await shell("exit 3").succeeded == false)
    }

    @Test func `a program need not read what it is given`() async throws {
        // As every program does that writes to others.
        signal(SIGPIPE, SIG_IGN)
        let much = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let outcome = try await shell("exec <&-; echo no >&2; exit 3", input: much)
        #expect(!outcome.succeeded)
        #expect(outcome.stderr == "no\n")
        #expect(try await shell("wc -c", input: much).text.contains("\(1 << 20)"))
    }

    @Test func `it gets these variables and this folder, and no others`() async throws {
        let outcome = try await Program.run(
            "/usr/bin/env", [], environment: ["ONLY": "this"], in: scratch.path)
        #expect(outcome.text == "ONLY=this\n")
        let folder = try await shell("pwd -P").text.dropLast()
        #expect(folder.hasSuffix(scratch.path.lastComponent?.string ?? "?"))
    }

    @Test func `a program is found by name in PATH, or by a path from a folder`() throws {
        let tool = try scratch.write("tool", "#!/bin/sh\n")
        _ = try scratch.write("plain", "no program")
        let variables = ["PATH": ":\(scratch.path)"]
        #expect(Program.find("tool", environment: variables, in: "/") == nil)
        try Files.setPermissions([.ownerReadWriteExecute], of: tool)
        #expect(Program.find("tool", environment: variables, in: "/") == tool)
        #expect(Program.find("./tool", environment: [:], in: scratch.path) == tool)
        #expect(Program.find("plain", environment: variables, in: "/") == nil)
        #expect(Program.find("tool", environment: [:], in: scratch.path) == nil)
    }

    @Test func `who prints more than the limit is ended`() async throws {
        let failure = await #expect(throws: Program.Failure.self) {
            try await shell("while :; do echo line; done", limit: 10_000)
        }
        guard case .tooMuch? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(try await shell("echo line", limit: 5).text == "line\n")
    }

    @Test func `who takes too long is ended, with all that it started`() async throws {
        let failure = await #expect(throws: Program.Failure.self) {
            // Neither cares for a polite signal.
            try await shell("trap '' TERM; sleep 600 & echo $! >child; wait", within: .milliseconds(500))
        }
        guard case .tookTooLong? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(!runs(try await pid(in: "child")))
    }

    @Test(arguments: [false, true]) func `cancelling ends it, with all that it started`(
        hasTerminal: Bool
    ) async throws {
        let task = Task {
            try await shell(
                "trap '' TERM; sleep 600 & echo $! >child; wait; sleep 600", hasTerminal: hasTerminal)
        }
        let child = try await pid(in: "child")
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!runs(child))
    }

    @Test func `without a terminal a program has none to ask on`() async throws {
        // A session without a terminal is led by the program itself.
        let session = try await shell("ps -o sid= -p $$; echo $$").text.split(whereSeparator: \.isWhitespace)
        #expect(session.count == 2)
        #expect(session.first == session.last)
        #expect(try await shell("exec 3</dev/tty").succeeded == false)
        let shared = try await shell("ps -o sid= -p $$; echo $$", hasTerminal: true).text
            .split(whereSeparator: \.isWhitespace)
        #expect(shared.count == 2)
        #expect(shared.first != shared.last)
    }

    @Test func `what is printed goes to a descriptor, and the ending tells of signals`() async throws {
        let path = scratch.appending("output")
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        func ending(_ script: String) async throws -> Program.Ending {
            try await Program.run(
                "/bin/sh", ["-c", script], environment: environment, in: scratch.path, output: file)
        }
        #expect(try await ending("echo out; echo err >&2; exit 7") == .exited(7))
        #expect(try await ending("kill -9 $$") == .killed(SIGKILL))
        try file.close()
        #expect(try Files.read(path) == Array("out\nerr\n".utf8))
    }

    @Test func `a program runs beside some work and ends with it`() async throws {
        let value = try await Program.beside(
            "/bin/sh", ["-c", "echo ready 42; echo $$ >leader; sleep 600"], environment: environment,
            in: scratch.path, within: .seconds(30),
            begin: { $0.contains("ready") ? Int($0.split(separator: " ").last ?? "") : nil },
            work: { $0 })
        #expect(value == 42)
        let ended = try await #require(
            throws: Program.EarlyEnd.self,
            performing: {
                try await Program.beside(
                    "/bin/sh", ["-c", "echo no >&2; exit 1"], environment: environment, in: scratch.path,
                    within: .seconds(30), begin: { _ in Optional<Int>.none }, work: { $0 })
            })
        #expect(ended.stderr == "no\n")
    }
}
