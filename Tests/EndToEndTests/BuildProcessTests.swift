// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme build` as a process: stopped in the middle, and left to watch.
@Suite struct BuildProcessTests {
    private func project(_ newcomer: Newcomer, _ script: String) throws {
        let file = try newcomer.scratch.write("p/make.sh", "#!/bin/sh\n\(script)\n")
        try #require(chmod(file.string, 0o755) == 0)
        try newcomer.scratch.write(
            "p/wasme.yaml",
            "name: tiny\nlanguage: c\nversion: 1.0.0\nmodule: {rootIds: [r]}\nbuild: {command: [./make.sh], output: out.wasm, inputs: [make.sh, in.wasm]}\n"
        )
        try Files.replace(newcomer.scratch.path.pushing("p/in.wasm"), with: TinyFilter().bytes)
    }

    private func start(_ newcomer: Newcomer, _ arguments: String...) throws -> BackgroundProcess {
        let process = try BackgroundProcess(
            buildFolder.appending("wasme"), ["build"] + arguments, environment: newcomer.environment,
            in: newcomer.scratch.path)
        try process.start()
        return process
    }

    private func wait(_ what: String, until isSo: () throws -> Bool) async throws {
        for _ in 0..<3000 where try !isSo() { try await Task.sleep(for: .milliseconds(10)) }
        try #require(try isSo(), "\(what)")
    }

    private func isAlive(_ pid: pid_t) -> Bool {
        guard kill(pid, 0) == 0 else { return false }
        let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return status?.contains(") Z ") != true
    }

    @Test(.timeLimit(.minutes(2)), arguments: [SIGINT, SIGTERM])
    func `a build that is stopped takes its children along and stores nothing`(signal: Int32) async throws {
        let newcomer = try Newcomer()
        // A tree of three, one of which does not care for polite signals; the module is half there.
        try project(
            newcomer,
            """
            sh -c 'trap "" TERM INT; echo $$ > stubborn; while :; do sleep 1; done' &
            sh -c 'sleep 300 & echo $! > leaf; wait' &
            echo $$ > parent
            head -c 20 in.wasm > out.wasm
            wait
            """)
        let process = try start(newcomer, "p")
        func pid(_ name: String) -> pid_t? {
            (try? Files.read(newcomer.scratch.path.pushing(FilePath("p/\(name)")))).flatMap {
                pid_t(String(decoding: $0, as: UTF8.self).filter(\.isNumber))
            }
        }
        let names = ["stubborn", "leaf", "parent"]
        try await wait("the children run") { names.allSatisfy { pid($0) != nil } }
        let pids = names.compactMap(pid)
        let status = await process.stop(signal)
        #expect(status == 130)
        #expect(process.stderr.hasSuffix("interrupted\n"))
        try await wait("the children end") { pids.allSatisfy { !isAlive($0) } }
        #expect(Files.kind(newcomer.scratch.path.pushing("p/.wasme")) == nil)
        let listed = try await newcomer.does("list", "--format", "json")
        #expect(!listed.contains("tiny"))
        // The next build is a whole one.
        try project(newcomer, "cp in.wasm out.wasm")
        #expect(try await newcomer.does("build", "p").hasPrefix("built tiny:1.0.0\n"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `watching builds at each change, goes on after errors and ends at Ctrl-C`() async throws {
        let newcomer = try Newcomer()
        try project(newcomer, "cp in.wasm out.wasm")
        let process = try start(newcomer, "p", "--watch", "--no-check")
        func lines() -> [Substring] { process.stdout.split(separator: "\n") }
        func isWaiting(_ times: Int) -> Bool {
            process.stderr.components(separatedBy: "watching ").count == times + 1
        }
        try await wait("the first build") { isWaiting(1) }
        #expect(lines().count == 1)
        #expect(lines()[0].hasPrefix("built tiny:1.0.0, "))
        try Files.replace(
            newcomer.scratch.path.pushing("p/in.wasm"), with: TinyFilter(value: "another one").bytes)
        try await wait("the second build") { isWaiting(2) }
        #expect(lines().count == 2)
        #expect(lines().last?.contains(" B since the last build, ") == true, "\(process.stdout)")
        // What the command does not read is no reason to build.
        try newcomer.scratch.write("p/notes.txt", "x")
        try project(newcomer, "echo 'a.c:1:2: error: wrong'; exit 1")
        try await wait("the error") { isWaiting(3) }
        #expect(lines().count == 2)
        #expect(
            process.stderr.contains(
                "error: the build of \"tiny\" failed: \"./make.sh\" ended with exit code 1: a.c:1:2"))
        // A manifest that cannot be read is an error like any other.
        try newcomer.scratch.write("p/wasme.yaml", "name: [")
        try await wait("the broken manifest") { isWaiting(4) }
        try project(newcomer, "cp in.wasm out.wasm; echo >> other")
        try await wait("the last build") { lines().count == 3 }
        #expect(await process.stop(SIGINT) == 130)
    }
}
