// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

@Suite struct BuildOutputTests {
    private func scan(_ text: String, root: FilePath = "/p", traps: [BuildTrap] = []) -> OutputScan {
        var scan = OutputScan(traps: traps, root: root)
        scan.take(text.utf8)
        scan.finish()
        return scan
    }

    @Test(arguments: [
        // Text, what is read of it.
        ("/p/a.c:3:5: error: expected ';'\n", ["a.c:3:5: expected ';'"]),
        ("./a.c:3:5: fatal error: 'x.h' file not found\n", ["a.c:3:5: 'x.h' file not found"]),
        (
            "/q/my dir/b.swift:7:1: error: cannot find 'f' in scope\n",
            ["/q/my dir/b.swift:7:1: cannot find 'f' in scope"]
        ),
        ("a.c:3:5: warning: unused\nIn file included from a.c:1:\n", []),
        ("wasm-ld: error: a.o: undefined symbol: f\n", ["wasm-ld: a.o: undefined symbol: f"]),
        ("<unknown>:0: error: missing required module 'M'\n", ["missing required module 'M'"]),
        (
            "error[E0425]: cannot find value `x` in this scope\n  --> src/lib.rs:3:5\n   |\n3  |     x\n",
            ["src/lib.rs:3:5: cannot find value `x` in this scope"]
        ),
        (
            "error: no matching package named `nope` found\nlocation searched: crates.io index\n",
            ["no matching package named `nope` found"]
        ),
        (
            "error: one\nwarning: unused\n --> src/lib.rs:9:9\nerror: could not compile `a` (lib) due to 1 previous error\n",
            ["one"]
        ),
        (
            "# example.com/a\n./main.go:5:2: undefined: x\n\t./other.go:1:1: no\n",
            ["main.go:5:2: undefined: x"]
        ),
        ("main.go:3:8: package foo is not in std\n", ["main.go:3:8: package foo is not in std"]),
        (
            "src/main.zig:3:5: error: use of undeclared identifier 'x'\n",
            ["src/main.zig:3:5: use of undeclared identifier 'x'"]
        ),
        (
            "ERROR TS2304: Cannot find name 'x'.\n   :\n 3 │ x();\n   │ ^\n   └─ in assembly/index.ts(3,1)\n",
            ["assembly/index.ts:3:1: Cannot find name 'x'."]
        ),
        ("\u{1B}[1m/p/a.c:3:5: \u{1B}[0m\u{1B}[0;1;31merror: \u{1B}[0mno\u{1B}[K\r\n", ["a.c:3:5: no"]),
        ("/p/a.c:1:1: error: x\n/p/a.c:1:1: error: x\n", ["a.c:1:1: x"]),
        ("make: *** [all] Error 1\nerror: link command failed with exit code 1\n", []),
        // The last line may have no end.
        ("a.c:1:1: error: x", ["a.c:1:1: x"]),
    ])
    func `errors are read in the form of each toolchain`(text: String, errors: [String]) {
        let scan = scan(text)
        #expect(scan.errors.map(\.description) == errors)
        #expect(scan.errorCount == errors.count)
    }

    @Test func `many errors are counted and few are kept`() {
        let scan = scan((1...5000).map { "a.c:\($0):1: error: x\n" }.joined())
        #expect(scan.errorCount == 5000)
        #expect(scan.errors.count == 20)
        #expect(scan.errors.first?.place == "a.c:1:1")
    }

    @Test(.requires(.clang)) func `a real clang is understood`() async throws {
        let scratch = try ScratchDirectory("clang")
        let clang = try #require(Tool.clang.path)
        let file = try scratch.write("bad.c", "#include \"none.h\"\nint f(void) { return x; }\n")
        for options in [[], ["-fcolor-diagnostics", "-fansi-escape-codes"]] {
            let outcome = try await run(
                clang, ["-c", file.string, "-o", "/dev/null"] + options, in: scratch.path)
            let scan = scan(outcome.stderr, root: scratch.path)
            #expect(
                scan.errors.map(\.description) == ["bad.c:1:10: 'none.h' file not found"], "\(outcome.stderr)"
            )
        }
        let object = try scratch.write("good.c", "int g(void); int f(void) { return g(); }\n")
        let linked = try await run(
            clang,
            ["--target=wasm32", "-nostdlib", object.string, "-Wl,--no-entry,--export-all", "-o", "a.wasm"],
            in: scratch.path)
        let errors = scan(linked.stderr).errors.map(\.message)
        #expect(errors.count == 1)
        #expect(errors.first?.contains("undefined symbol: g") == true, "\(linked.stderr)")
    }

    @Test func `traps show in a line, once, and others do not`() {
        let traps = [
            BuildTrap("a", "a", advice: "a", signs: .output(["old target", "wasm32-wasi"])),
            BuildTrap("b", "b", advice: "b", signs: .output(["never"])),
        ]
        let shown = scan("the old\ntarget wasm32-wasi\n", traps: traps).shown.map(\.name)
        #expect(shown.isEmpty)
        let both = scan("an old target: wasm32-wasi\nan old target: wasm32-wasi\n", traps: traps).shown
        #expect(both.map(\.name) == ["a"])
    }

    // MARK: As it comes

    @Test func `at a terminal the toolchain has one too, of the same size`() async throws {
        let scratch = try ScratchDirectory("terminal")
        try scratch.script(
            "make.sh",
            #"test -t 1 && test -t 2 && echo terminal; stty size <&1; printf '\033[31mred\033[0m\n'; cp in out.wasm"#
        )
        try scratch.write("in", "x")
        let project = try scratch.commandProject("[./make.sh]")
        var ends: (Int32, Int32) = (-1, -1)
        var size = winsize(ws_row: 33, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0)
        try #require(openpty(&ends.0, &ends.1, nil, nil, &size) == 0)
        let screen = FileDescriptor(rawValue: ends.0)
        let terminal = FileDescriptor(rawValue: ends.1)
        defer { try? screen.close() }
        let context = BuildContext(
            environment: ProcessInfo.processInfo.environment, catalog: .init(root: "/nowhere"),
            output: terminal)
        _ = try await project.buildDriver().build(project, context)
        try terminal.close()
        var shown: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
        defer { buffer.deallocate() }
        // A terminal whose other end is closed is an error at the end of what was written.
        while let count = try? screen.read(into: buffer), count > 0 { shown += buffer[..<count] }
        #expect(
            String(decoding: shown, as: UTF8.self) == "terminal\r\n33 77\r\n\u{1B}[31mred\u{1B}[0m\r\n")
    }

    @Test func `output comes while the command runs, and what it leaves running holds nothing up`()
        async throws
    {
        let scratch = try ScratchDirectory("live")
        // The command waits until its first line has been seen; the sleeper keeps the pipe open.
        try scratch.script(
            "make.sh",
            "sleep 300 & echo $! > sleeper; echo first; while [ ! -f seen ]; do sleep 0.05; done; echo x > out.wasm; echo last"
        )
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject("[./make.sh]")
        let build = Task { try await project.buildDriver().build(project, log.context()) }
        for _ in 0..<1000 where log.output != "first\n" { try await Task.sleep(for: .milliseconds(10)) }
        #expect(log.output == "first\n")
        try scratch.write("seen", "")
        _ = try await build.value
        #expect(log.output == "first\nlast\n")
        let sleeper = try #require(
            pid_t(
                String(decoding: Files.read(scratch.appending("sleeper")), as: UTF8.self).filter(\.isNumber)))
        kill(sleeper, SIGKILL)
    }

    @Test(arguments: [(0, ""), (1, "noise\n")])
    func `in quiet the output is shown only after a failure`(status: Int, shown: String) async throws {
        let scratch = try ScratchDirectory("quiet")
        try scratch.write("out.wasm", "x")
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject("[sh, -c, \"echo noise; exit \(status)\"]")
        var context = log.context()
        context.showsOutput = false
        do {
            _ = try await project.buildDriver().build(project, context)
            #expect(status == 0)
        } catch is ProjectError {
            #expect(status == 1)
        }
        #expect(log.output == shown)
    }

    @Test func `a failed build ends with a summary, and the advice of the trap it shows`() async throws {
        let scratch = try ScratchDirectory("summary")
        let project = try scratch.commandProject(
            "[sh, -c, \"echo '\(scratch.path)/a.c:1:2: error: one'; echo 'b.c:3:4: error: two'; kill -9 $$\"]"
        )
        let log = try BuildLog(scratch)
        let error = await #expect(throws: ProjectError.self) {
            try await project.buildDriver().build(project, log.context())
        }
        #expect(log.progress.suffix(3) == ["2 errors:", "  a.c:1:2: one", "  b.c:3:4: two"])
        #expect(
            error?.message.hasSuffix("was killed with signal 9: 2 errors, the first at a.c:1:2") == true,
            "\(error?.message ?? "")")
        #expect(error?.hint?.contains("short of memory") == true)
        let moved = "error: x.pcm was compiled with module cache path /old, but the path is currently /new"
        try scratch.write("swift/Package.swift", "")
        let trap = try #require(
            Language.swift.traps.first { $0.shows(inOutput: moved) })
        #expect(trap.advice.contains("--clean"))
    }
}
