// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import Synchronization
import TestSupport
import Testing
import WasmeTemplates

/// What a build says and prints, for tests.
final class BuildLog: Sendable {
    private let lines = Mutex<[String]>([])
    private let file: FilePath
    let descriptor: FileDescriptor

    init(_ scratch: ScratchDirectory) throws {
        file = scratch.appending("toolchain.log")
        descriptor = try FileDescriptor.open(
            file, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
    }

    deinit { try? descriptor.close() }

    var progress: [String] { lines.withLock { $0 } }
    /// What the toolchain printed.
    var output: String { (try? String(decoding: Files.read(file), as: UTF8.self)) ?? "" }

    func context(
        _ variables: [String: String] = [:], catalog: TemplateCatalog = TemplateCatalog(root: "/nowhere")
    ) -> BuildContext {
        var environment = ProcessInfo.processInfo.environment
        environment.merge(variables) { $1 }
        return BuildContext(environment: environment, catalog: catalog, output: descriptor) { line in
            self.lines.withLock { $0.append(line) }
        }
    }
}

extension ScratchDirectory {
    /// Writes a shell script that can be run.
    @discardableResult
    func script(_ name: String, _ lines: String) throws -> FilePath {
        let file = try write(name, "#!/bin/sh\n\(lines)\n")
        try #require(chmod(file.string, 0o755) == 0)
        return file
    }

    /// Writes a project that builds by a command.
    func commandProject(
        _ command: String, output: String = "out.wasm", build: String = "", config: String = ""
    ) throws -> FilterProject {
        try write(
            "wasme.yaml",
            "name: a\nlanguage: c\nmodule: {rootIds: [r]}\nbuild: {command: \(command), output: \(output)\(build.isEmpty ? "" : ", \(build)")}\n\(config)\n"
        )
        return try FilterProject(root: path)
    }
}

@Suite struct CommandBuildDriverTests {
    @Test func `the command runs in the project with the environment and prints as it goes`() async throws {
        let scratch = try ScratchDirectory("build")
        try scratch.script("make.sh", #"echo "out $1 $GREETING"; echo "err" >&2; pwd > out.wasm"#)
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject(
            "[./make.sh, \"a b\"]", build: "environment: [GREETING]")
        let module = try await project.buildDriver().build(project, log.context(["GREETING": "hello"]))
        #expect(module == scratch.appending("out.wasm"))
        #expect(log.output == "out a b hello\nerr\n")
        #expect(log.progress == ["building a"])
        #expect(try Files.read(module) == Array("\(scratch.path)\n".utf8))
    }

    @Test(arguments: [
        ("[sh, -c, exit 7]", "\"sh -c exit 7\" ended with exit code 7"),
        ("[sh, -c, kill -9 $$]", "was killed with signal 9"),
        ("[\"true\"]", "ended well and left no module"),
        ("[no-such-program-here]", "is not there or cannot be run"),
        ("[./missing.sh]", "is not there or cannot be run"),
    ])
    func `a command that fails says how`(command: String, reason: String) async throws {
        let scratch = try ScratchDirectory("build")
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject(command)
        let error = try #require(
            await #expect(throws: ProjectError.self) {
                try await project.buildDriver().build(project, log.context())
            })
        #expect(error.message.contains(reason), "\(error.message)")
        #expect(error.hint != nil)
    }

    @Test func `a module outside the project is refused`() async throws {
        let scratch = try ScratchDirectory("build")
        let outside = try ScratchDirectory("outside")
        let target = try outside.write("x.wasm", "x")
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject("[ln, -s, \(target), out.wasm]")
        let error = await #expect(throws: ProjectError.self) {
            try await project.buildDriver().build(project, log.context())
        }
        #expect(error?.message.contains("leads out of the project") == true)
    }

    @Test func `cancelling ends the command and what it started`() async throws {
        let scratch = try ScratchDirectory("build")
        try scratch.script("make.sh", "sleep 300 & echo $! > child; echo $$ > parent; wait")
        let log = try BuildLog(scratch)
        let project = try scratch.commandProject("[./make.sh]")
        let build = Task { try await project.buildDriver().build(project, log.context()) }
        func pid(_ name: String) async throws -> pid_t {
            for _ in 0..<1000 {
                let text = (try? Files.read(scratch.appending(name))).map {
                    String(decoding: $0, as: UTF8.self)
                }
                if let pid = text.flatMap({ pid_t($0.filter(\.isNumber)) }) { return pid }
                try await Task.sleep(for: .milliseconds(10))
            }
            throw CancellationError()
        }
        let pids = [try await pid("child"), try await pid("parent")]
        build.cancel()
        await #expect(throws: CancellationError.self) { try await build.value }
        for pid in pids {
            // The grandchild is reaped by the system, a moment later.
            for _ in 0..<500 where kill(pid, 0) == 0 && !isZombie(pid) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(kill(pid, 0) != 0 || isZombie(pid))
        }
    }

    private func isZombie(_ pid: pid_t) -> Bool {
        let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return status?.contains(") Z ") ?? false
    }
}
