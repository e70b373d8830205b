// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct SourceRevisionTests {
    let scratch: ScratchDirectory
    private let environment = [
        "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": "/nonexistent",
    ]

    init() throws { scratch = try ScratchDirectory("revision") }

    /// A repository with one commit of 2001-09-09.
    private func repository() async throws -> FilePath {
        let folder = scratch.appending("repository")
        try scratch.write("repository/filter.swift", "one")
        try await git("init", "-q", "-b", "main")
        try await git("add", ".")
        try await git("commit", "-q", "-m", "first")
        return folder
    }

    @discardableResult
    private func git(_ arguments: String...) async throws -> String {
        let program = try #require(Tool.git.path)
        let outcome = try await run(
            program, ["-c", "user.name=x", "-c", "user.email=x@example.com"] + arguments,
            environment: [
                "GIT_AUTHOR_DATE": "1000000000 +0000", "GIT_COMMITTER_DATE": "1000000000 +0000",
                "GIT_CONFIG_GLOBAL": "/dev/null",
            ], in: scratch.appending("repository"))
        try #require(outcome.status == 0, "git \(arguments): \(outcome.stderr)")
        return outcome.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(.requires(.git)) func `a clean commit is named with its time`() async throws {
        let folder = try await repository()
        try await git("remote", "add", "origin", "git@github.com:acme/filters.git")
        let revision = try await SourceRevision.read(of: folder, environment: environment)
        #expect(
            revision.annotations == [
                "org.opencontainers.image.source": "https://github.com/acme/filters.git",
                "org.opencontainers.image.revision": try await git("rev-parse", "HEAD"),
                "org.opencontainers.image.created": "2001-09-09T01:46:40Z",
            ])
    }

    @Test(.requires(.git)) func `what differs from the commit is dirty and has no time`() async throws {
        let folder = try await repository()
        let commit = try await git("rev-parse", "HEAD")
        try scratch.write("repository/filter.swift", "two")
        var revision = try await SourceRevision.read(of: folder, environment: environment)
        #expect(revision == SourceRevision(revision: "\(commit)-dirty"))
        var later = environment
        later["SOURCE_DATE_EPOCH"] = "0"
        revision = try await SourceRevision.read(of: folder, environment: later)
        #expect(revision.created == "1970-01-01T00:00:00Z")
    }

    @Test(.requires(.git)) func `another folder's changes are not the project's`() async throws {
        let folder = try await repository()
        try scratch.write("repository/project/wasme.yaml", "x")
        try await git("add", ".")
        try await git("commit", "-q", "-m", "second")
        try scratch.write("repository/filter.swift", "two")
        let revision = try await SourceRevision.read(
            of: folder.appending("project"), environment: environment)
        #expect(revision.revision == (try await git("rev-parse", "HEAD")))
    }

    @Test func `outside a repository there is nothing to say`() async throws {
        let notes = Notes()
        let revision = try await SourceRevision.read(
            of: scratch.path, environment: environment, note: notes.add)
        #expect(revision == SourceRevision())
        #expect(notes.all.isEmpty)
    }

    @Test(.requires(.git)) func `without git, or a commit, the build goes on`() async throws {
        let folder = try await repository()
        #expect(
            try await SourceRevision.read(of: folder, environment: ["PATH": "/nonexistent"])
                == SourceRevision())
        try scratch.write("empty/.git/HEAD", "ref: refs/heads/main\n")
        let notes = Notes()
        let revision = try await SourceRevision.read(
            of: scratch.appending("empty"), environment: environment, note: notes.add)
        #expect(revision == SourceRevision())
        #expect(notes.all.count == 1)
        #expect(notes.all.first?.contains("does not say what it was built from") == true)
    }

    /// Every program that a repository's own files can name for these questions writes a file when it runs.
    @Test(.requires(.git)) func `nothing that the repository names is run`() async throws {
        let folder = try await repository()
        let trap = try scratch.write("trap", "#!/bin/sh\necho run >> '\(scratch.path)/sprung'\ncat\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: trap.string)
        for (key, value) in [
            ("core.fsmonitor", trap.string), ("core.pager", trap.string), ("diff.external", trap.string),
            ("filter.evil.clean", trap.string), ("filter.evil.smudge", trap.string),
            ("filter.a=b.clean", trap.string), ("filter.proc.process", trap.string),
            ("core.sshCommand", trap.string),
            ("log.showSignature", "true"), ("gpg.program", trap.string),
            ("core.hooksPath", scratch.path.string),
        ] {
            try await git("config", key, value)
        }
        try scratch.write(
            "repository/.gitattributes", "*.swift filter=evil\n*.txt filter=a=b\n*.md filter=proc\n")
        for hook in ["post-index-change", "pre-commit", "reference-transaction"] {
            let path = try scratch.write(hook, try String(contentsOfFile: trap.string, encoding: .utf8))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.string)
        }
        try scratch.write("repository/a.txt", "x")
        try scratch.write("repository/a.md", "x")
        try await git("-c", "filter.evil.clean=", "-c", "core.fsmonitor=false", "add", ".gitattributes")
        try scratch.write("repository/filter.swift", "two and more")
        try? FileManager.default.removeItem(atPath: scratch.appending("sprung").string)
        let revision = try await SourceRevision.read(of: folder, environment: environment)
        #expect(revision.revision?.hasSuffix("-dirty") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.appending("sprung").string))
        // The trap is one: git itself would have run it.
        _ = try? await git("status")
        #expect(FileManager.default.fileExists(atPath: scratch.appending("sprung").string))
    }

    @Test(
        .requires(.git),
        arguments: [
            ("https://me:secret@example.com/a/b.git", "https://example.com/a/b.git"),
            ("https://token@example.com/a/b?x=y#z", "https://example.com/a/b"),
            ("ssh://git@example.com:2222/a/b.git", "https://example.com/a/b.git"),
            ("git@github.com:acme/filters.git", "https://github.com/acme/filters.git"),
            ("git://example.com/a", "https://example.com/a"),
            ("http://example.com/a", "http://example.com/a"),
            ("/srv/git/a.git", nil), ("../a", nil), ("file:///srv/a", nil), ("ext::sh -c x", nil),
            ("a\u{202e}b", nil),
        ])
    func `a remote is told as others can follow it`(_ remote: String, _ url: String?) async throws {
        let folder = try await repository()
        try await git("config", "remote.origin.url", remote)
        #expect(try await SourceRevision.read(of: folder, environment: environment).source == url)
    }
}

/// What a build tells.
private final class Notes: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []
    var all: [String] { lock.withLock { lines } }
    @Sendable func add(_ line: String) { lock.withLock { lines.append(line) } }
}
