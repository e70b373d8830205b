// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Each trouble gives a clear error with a next step and its exit status, and leaves nothing half-written.
@Suite struct BadInputTests {
    /// Checks the shape of an error: what failed, then what to do.
    func expectError(
        _ outcome: ProcessOutcome, _ status: Int32, _ words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == status, "\(outcome.stderr)", sourceLocation: sourceLocation)
        #expect(outcome.stdout.isEmpty, sourceLocation: sourceLocation)
        // Blobs that came across before have their lines.
        #expect(
            "\n\(outcome.stderr)".contains("\nerror: "), "\(outcome.stderr)", sourceLocation: sourceLocation)
        #expect(outcome.stderr.contains("\n  help: "), "\(outcome.stderr)", sourceLocation: sourceLocation)
        for word in words {
            #expect(outcome.stderr.contains(word), "\(outcome.stderr)", sourceLocation: sourceLocation)
        }
    }

    @Test func `a reference that does not parse`() async throws {
        let newcomer = try Newcomer()
        expectError(
            try await newcomer.wasme("push", "Bad/Reference:v1"), 64, "Bad/Reference:v1", "upper-case")
        expectError(try await newcomer.wasme("pull", "localhost:5000/x@sha256:12"), 64, "sha256:12")
    }

    @Test func `a registry that is down`() async throws {
        let newcomer = try Newcomer()
        let (hub, address) = try await newcomer.startHub()
        hub.signal(SIGTERM)
        _ = await hub.wait()
        expectError(try await newcomer.wasme("pull", "\(address)/demo/x:v1"), 69, address)
        #expect(try await newcomer.does("list", "-q").isEmpty)
    }

    @Test func `an image that the registry does not have`() async throws {
        let newcomer = try Newcomer()
        let (hub, address) = try await newcomer.startHub()
        expectError(try await newcomer.wasme("pull", "\(address)/demo/x:v1"), 1, "\(address)/demo/x:v1")
        expectError(try await newcomer.wasme("push", "\(address)/demo/x:v1"), 1, "\(address)/demo/x:v1")
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test(.requires(.swift)) func `a blob whose digest is wrong`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "damaged")
        let image = "\(address)/demo/damaged:v1"
        // The module as it is: what is smaller lies in the hub's database.
        try await newcomer.does("copy", "add-header:v1", image, "--variant", "artifact")
        // A disk that returns other bytes than were written: the hub's own file is changed behind its back.
        let blobs = newcomer.scratch.appending("damaged")
        let files = try #require(FileManager.default.enumerator(atPath: blobs.string))
        var damaged = 0
        for case let name as String in files where name.contains("blobs/") {
            let file = blobs.pushing(FilePath(name))
            guard Files.kind(file) == .file, var bytes = try? Files.read(file), bytes.count > 4000 else {
                continue
            }
            bytes[2000] ^= 1
            try Data(bytes).write(to: URL(filePath: file.string))
            damaged += 1
        }
        #expect(damaged > 0)
        let store = newcomer.scratch.appending("untouched")
        let outcome = try await newcomer.wasme("pull", image, "--store", store.string)
        expectError(outcome, 1, "sha256:", "digest")
        #expect(try await newcomer.does("list", "-q", "--store", store.string).isEmpty)
        #expect(try Files.contents(store.appending("ingest")).isEmpty)
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test(.requires(.swift), .requires(.unshare)) func `a full disk`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "full-disk-hub")
        let image = "\(address)/demo/full:v1"
        try await newcomer.does("tag", "add-header:v1", image)
        try await newcomer.does("push", image)
        let disk = newcomer.scratch.appending("disk")
        try Files.createDirectory(disk)
        // A file system of a few pages, seen by this one command only.
        let script = """
            mount -t tmpfs -o size=16k tmpfs '\(disk)' || exit 99
            '\(buildFolder.appending("wasme"))' pull '\(image)' --store '\(disk)/store'
            status=$?
            ls -A '\(disk)/store/ingest' | sed 's/^/left: /'
            exit $status
            """
        let outcome = try await run(
            try #require(Tool.unshare.path), Tool.privateMount + ["sh", "-c", script],
            environment: newcomer.environment)
        try #require(outcome.status != 99, "no tmpfs can be mounted here")
        expectError(outcome, 1, "no space left on device", disk.string)
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test func `a folder that is no project`() async throws {
        let newcomer = try Newcomer()
        let folder = newcomer.scratch.appending("empty")
        try Files.createDirectory(folder)
        expectError(
            try await newcomer.wasme("build", "-t", "x:v1", in: folder), 64, "wasme.yaml", "wasme init")
        #expect(try Files.contents(folder).isEmpty)
    }

    @Test func `a folder that holds something`() async throws {
        let newcomer = try Newcomer()
        try newcomer.scratch.write("taken/notes.txt", "mine")
        expectError(try await newcomer.wasme("init", "taken", "--language", "swift"), 64, "taken", "--force")
        #expect(try Files.contents(newcomer.scratch.appending("taken")) == ["notes.txt"])
        try await newcomer.does("init", "taken", "--language", "swift", "--force")
        #expect(try Files.read(newcomer.scratch.appending("taken/notes.txt")) == Array("mine".utf8))
    }

    @Test func `a name that cannot be one, and a language that is not there`() async throws {
        let newcomer = try Newcomer()
        expectError(
            try await newcomer.wasme("init", "x", "--language", "swift", "--name", "Bad Name"), 64, "Bad Name"
        )
        #expect(try await newcomer.wasme("init", "x", "--language", "cobol").status == 64)
        #expect(try await newcomer.wasme("init", "x").status == 64)
        #expect(Files.kind(newcomer.scratch.appending("x")) == nil)
    }

    @Test func `a port in use`() async throws {
        let newcomer = try Newcomer()
        let (hub, address) = try await newcomer.startHub()
        let other = try await run(
            buildFolder.appending("wasme-hub"),
            ["serve", "--data", newcomer.scratch.appending("other").string, "--listen", address])
        expectError(other, 1, address, "--listen")
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test(.requires(.swift), .requires(.envoy)) func `a listener port in use`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "port-hub")
        let outcome = try await newcomer.wasme(
            "deploy", "envoy", "add-header:v1", "--run", "--listen", address)
        expectError(outcome, 1, address, "--listen")
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test(.requires(.swift)) func `a missing Envoy`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let nowhere = newcomer.scratch.appending("nowhere/envoy").string
        let outcome = try await newcomer.wasme(
            "deploy", "envoy", "add-header:v1", "--run", environment: ["WASME_ENVOY": nowhere])
        expectError(outcome, 1, "nowhere/envoy", "WASME_ENVOY")
        let none = try await newcomer.wasme(
            "deploy", "envoy", "add-header:v1", "--run",
            environment: ["WASME_ENVOY": "", "PATH": "/nonexistent"])
        expectError(none, 1, "Envoy", "WASME_ENVOY")
    }

    @Test(.requires(.swift)) func `a missing Swift toolchain`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "project", "--language", "swift")
        let outcome = try await newcomer.wasme(
            "build", "project", "-t", "x:v1", environment: ["PATH": "/nonexistent"])
        expectError(outcome, 1, "swift", "swift.org")
        #expect(try await newcomer.does("list", "-q").isEmpty)
    }

    @Test(.requires(.swift)) func `sources that do not compile`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "project", "--language", "swift")
        try newcomer.scratch.write("project/Sources/Project/Broken.swift", "let x: Int = \"text\"\n")
        let outcome = try await newcomer.wasme("build", "project", "-t", "x:v1")
        #expect(outcome.status == 1)
        // The compiler's own words, then ours.
        #expect(outcome.stderr.contains("Broken.swift:1:"), "\(outcome.stderr)")
        #expect(outcome.stderr.contains("\nerror: "), "\(outcome.stderr)")
        #expect(try await newcomer.does("list", "-q").isEmpty)
    }

    @Test func `an unknown verb and a missing argument`() async throws {
        let newcomer = try Newcomer()
        #expect(try await newcomer.wasme("frobnicate").status == 64)
        #expect(try await newcomer.wasme("push").status == 64)
        #expect(try await newcomer.wasme("--help").status == 0)
        #expect(try await newcomer.wasme("--version").stdout.isEmpty == false)
    }
}
