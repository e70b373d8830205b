// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

@Suite struct SwiftToolchainTests {
    /// A folder with a `swift` and a `swiftc` that answers like a compiler.
    private func toolchain(
        _ scratch: ScratchDirectory, version: String, hasLibrary: Bool = true, knowsTriple: Bool = true
    ) throws -> FilePath {
        let resources = scratch.path.pushing("lib/swift")
        if hasLibrary {
            try scratch.write("lib/swift/embedded/wasm32-unknown-none-wasm/libswiftUnicodeDataTables.a", "")
        }
        let info =
            #"{"compilerVersion": "Swift version \#(version) (swift-RELEASE)", "paths": {"runtimeResourcePath": "\#(resources)"}}"#
        try scratch.script(
            "bin/swiftc",
            knowsTriple
                ? "echo '\(info)'"
                : "test \"$1\" = --version || { echo 'error: unknown target' >&2; exit 1; }\necho 'Swift version \(version) (swift-RELEASE)'"
        )
        return try scratch.script("bin/swift", "echo \"swift $*\"; exit ${SWIFT_ENDS_WITH:-0}")
    }

    private func failure(_ environment: [String: String], option: String? = nil) async -> ProjectError? {
        await #expect(throws: ProjectError.self) {
            _ = try await SwiftToolchain.find(
                option: option, in: ToolSurroundings(environment: environment, folder: "/"))
        }
    }

    @Test func `the variable comes before the project's choice and that before PATH`() async throws {
        let folders = try (0..<3).map { _ in try ScratchDirectory("toolchain") }
        let swifts = try zip(folders, ["6.2", "6.3.1", "7.0"]).map { try toolchain($0, version: $1) }
        let path = "\(swifts[2].removingLastComponent()):/usr/bin:/bin"
        func version(_ environment: [String: String], _ option: String?) async throws -> String {
            try await SwiftToolchain.find(
                option: option,
                in: ToolSurroundings(environment: environment.merging(["PATH": path]) { $1 }, folder: "/")
            ).version
        }
        #expect(try await version([:], nil) == "7.0")
        #expect(try await version([:], swifts[1].string) == "6.3.1")
        #expect(try await version(["WASME_SWIFT": swifts[0].string], swifts[1].string) == "6.2")
        #expect(try await version(["WASME_SWIFT": ""], nil) == "7.0")
    }

    @Test func `a missing toolchain says what to install`() async throws {
        let scratch = try ScratchDirectory("toolchain")
        let none = await failure(["PATH": scratch.path.string])
        #expect(none?.code == .noToolchain)
        #expect(none?.message == "cannot build: there is no \"swift\" in PATH")
        #expect(none?.hint?.contains("https://www.swift.org/install") == true)
        #expect(none?.hint?.contains("WASME_SWIFT") == true)
        let variable = await failure(["WASME_SWIFT": "/no/such/swift"])
        #expect(variable?.message == "cannot build: WASME_SWIFT is \"/no/such/swift\", which is no program")
        let lone = try scratch.script("bin/swift", "exit 0")
        #expect(await failure([:], option: lone.string)?.message.contains("no swiftc beside") == true)
    }

    @Test(arguments: ["5.10.1", "6.1.3"], [true, false])
    func `a toolchain that is too old is named with its version`(
        version: String, knowsTriple: Bool
    ) async throws {
        let scratch = try ScratchDirectory("toolchain")
        let swift = try toolchain(scratch, version: version, knowsTriple: knowsTriple)
        let error = await failure(["PATH": "/usr/bin:/bin"], option: swift.string)
        #expect(
            error?.message == "cannot build: \"\(swift)\" is Swift \(version), and filters need 6.2 or later")
    }

    @Test func `a toolchain without the library for bare wasm32 says so`() async throws {
        let scratch = try ScratchDirectory("toolchain")
        let swift = try toolchain(scratch, version: "6.3", hasLibrary: false)
        let error = await failure(["PATH": "/usr/bin:/bin"], option: swift.string)
        #expect(error?.message.contains("lacks the Embedded standard library") == true)
    }

    @Test func `a failed build reports the exit code and leaves the compiler's words alone`() async throws {
        let scratch = try ScratchDirectory("toolchain")
        let swift = try toolchain(scratch, version: "6.3")
        try scratch.write(
            "p/wasme.yaml", "name: a-b\nlanguage: swift\nmodule: {rootIds: [r]}\nbuild: {product: X}\n")
        let project = try FilterProject(root: scratch.appending("p"))
        let log = try BuildLog(scratch)
        let catalog = try TemplateCatalog.locate(environment: [:])
        func failure(endingWith code: Int) async -> ProjectError? {
            await #expect(throws: ProjectError.self) {
                try await SwiftBuildDriver().build(
                    project,
                    log.context(
                        ["WASME_SWIFT": swift.string, "SWIFT_ENDS_WITH": "\(code)"], catalog: catalog))
            }
        }
        #expect(await failure(endingWith: 3)?.message.contains("has no Package.swift") == true)
        try scratch.write("p/Package.swift", "")
        let failed = await failure(endingWith: 3)
        #expect(failed?.message == "the build of \"X\" failed: swift build ended with exit code 3")
        #expect(log.output.hasPrefix("swift build -c release --triple wasm32-unknown-none-wasm --toolset "))
        #expect(log.output.contains("libswiftUnicodeDataTables.a"))
        #expect(await failure(endingWith: 0)?.message.contains("left no module") == true)
    }

    @Test func `what was built in another folder does not stop the build in this one`() async throws {
        let scratch = try ScratchDirectory("toolchain")
        let swift = try toolchain(scratch, version: "6.3")
        try scratch.write(
            "p/wasme.yaml", "name: a-b\nlanguage: swift\nmodule: {rootIds: [r]}\nbuild: {product: X}\n")
        try scratch.write("p/Package.swift", "")
        let project = try FilterProject(root: scratch.appending("p"))
        let target = ".build/wasm32-unknown-none-wasm/release"
        try scratch.write("p/\(target)/X.wasm", "")
        let module = project.root.pushing(FilePath("\(target)/ModuleCache/x.pcm"))
        for (place, isKept) in [("/elsewhere", false), ("\(project.root)", true)] {
            try scratch.write("p/\(target)/ModuleCache/x.pcm", "")
            try scratch.write("p/.build/release.yaml", "outputs: [\"\(place)/.build/release/x\"]\n")
            let log = try BuildLog(scratch)
            let context = log.context(
                ["WASME_SWIFT": swift.string], catalog: try TemplateCatalog.locate(environment: [:]))
            _ = try await SwiftBuildDriver().build(project, context)
            #expect((Files.kind(module) != nil) == isKept, "\(place)")
            #expect(log.progress.contains { $0.contains("built in another folder") } != isKept)
        }
    }

    @Test func `the compiler's own words for a missing library are recognised`() async throws {
        let scratch = try ScratchDirectory("toolchain")
        let swift = try await SwiftToolchain.find(
            in: ToolSurroundings(environment: ProcessInfo.processInfo.environment, folder: "/"))
        let source = try scratch.write("a.swift", "")
        // One of the targets that no toolchain has.
        let target = "riscv64-none-none-elf"
        let answer = try await run(
            swift.swift.removingLastComponent().appending("swiftc"),
            [
                "-enable-experimental-feature", "Embedded", "-wmo", "-target", target, "-c", source.string,
                "-o",
                scratch.appending("a.o").string,
            ], in: scratch.path)
        #expect(answer.status != 0)
        let words = answer.stderr.replacing(target, with: SwiftToolchain.triple)
        #expect(traps(.swift, in: words) == ["no-embedded-library"], "\(answer.stderr)")
    }
}
