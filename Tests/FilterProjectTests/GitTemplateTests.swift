// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite(.requires(.git)) struct GitTemplateTests {
    private let scratch: ScratchDirectory
    private let repository: FilePath

    init() async throws {
        scratch = try ScratchDirectory("git")
        repository = scratch.appending("repo")
        try scratch.write("repo/template.json", #"{"language": "c", "kind": "k", "summary": "one"}"#)
        try scratch.write("repo/.gitattributes", "*.c filter=evil\n")
        try scratch.write("repo/a.c", "int a;\n")
        try await git("init", "-q", "-b", "main")
        try await commit()
        try await git("tag", "v1")
        try scratch.write("repo/b.c", "int b;\n")
        try await commit()
    }

    @discardableResult
    private func git(_ arguments: String...) async throws -> String {
        let outcome = try await run(
            try #require(Tool.git.path), ["-c", "user.name=a", "-c", "user.email=a@b"] + arguments,
            in: repository)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        return outcome.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func commit() async throws {
        try await git("add", "-A")
        try await git("commit", "-q", "-m", "x")
    }

    private func fetch(
        _ ref: String = "", environment: [String: String] = [:]
    ) async throws -> (
        content: TemplateContent, commit: String
    ) {
        let template = try #require(try GitTemplate("file://\(repository)\(ref)"))
        let ambient = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": scratch.path.string,
        ]
        return try await template.fetch(
            environment: ambient.merging(environment) { $1 }, scratch: scratch.appending("scratch"))
    }

    @Test func `a branch, a tag and a commit are fetched, and nothing is left behind`() async throws {
        let newest = try await git("rev-parse", "HEAD")
        let tagged = try await git("rev-parse", "v1")
        for (ref, commit, files) in [
            ("", newest, 4), ("#main", newest, 4), ("#v1", tagged, 3), ("#\(tagged)", tagged, 3),
        ] {
            let (content, found) = try await fetch(ref)
            #expect(found == commit, "\(ref)")
            #expect(content.files.count == files, "\(ref): \(content.files.keys)")
        }
        #expect(try Files.contents(scratch.appending("scratch")).isEmpty)
    }

    @Test func `nothing of the repository or the user's settings runs`() async throws {
        let mark = scratch.appending("ran")
        // A filter that the user's own settings define, a hook, and a template of repositories with one.
        try scratch.write(
            "hooks/post-checkout", "#!/bin/sh\ntouch \(mark)\n")
        try scratch.write(
            ".gitconfig",
            """
            [filter "evil"]
                smudge = touch \(mark)
            [core]
                hooksPath = \(scratch.appending("hooks"))
                fsmonitor = touch \(mark)
            """)
        try #require(chmod(scratch.appending("hooks/post-checkout").string, 0o755) == 0)
        let (content, _) = try await fetch()
        #expect(content.files["a.c"] == Array("int a;\n".utf8))
        #expect(Files.kind(mark) == nil)
    }

    @Test func `submodules stay away, and links are refused`() async throws {
        try await git("-c", "protocol.file.allow=always", "submodule", "add", "-q", repository.string, "sub")
        try await commit()
        let (content, _) = try await fetch()
        #expect(!content.files.keys.contains { $0.hasPrefix("sub/") })
        try #require(symlink("/etc/passwd", repository.appending("link").string) == 0)
        try await commit()
        await #expect(throws: FilterImageError.self) { try await fetch() }
    }

    @Test func `files are as they were committed`() async throws {
        try scratch.write(
            "repo/.gitattributes",
            "sub.c export-subst ident text eol=crlf working-tree-encoding=UTF-16\n")
        try await commit()
        let text = "$Id$ $Format:%B$\n"
        // Written past the attributes, as another's git may have done.
        try scratch.write("sub.c", text)
        let blob = try await git("hash-object", "-w", "--no-filters", scratch.appending("sub.c").string)
        try await git("update-index", "--add", "--cacheinfo", "100644,\(blob),sub.c")
        try await git("commit", "-q", "-m", "x")
        #expect(try await fetch().content.files["sub.c"] == Array(text.utf8))
    }

    @Test func `a repository that becomes more than it seems is refused before it is written out`()
        async throws
    {
        // Ten folders in each other, each ten times in the one above it: ten thousand million files.
        var id = try await git("hash-object", "-w", repository.appending("a.c").string)
        var kind = "100644 blob"
        for _ in 0..<10 {
            let entries = (0..<10).map { "\(kind) \(id)\tf\($0)" }.joined(separator: "\n")
            let list = try scratch.write("list", entries + "\n")
            let outcome = try await run(
                FilePath("/bin/sh"), ["-c", "git mktree < \(list)"], in: repository)
            id = outcome.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            kind = "040000 tree"
        }
        let bomb = try await git("commit-tree", "-m", "x", id)
        try await git("update-ref", "refs/heads/bomb", bomb)
        let error = await #expect(throws: ProjectError.self) { try await fetch("#bomb") }
        #expect(error?.message.contains("more than 64 MiB") == true, "\(error?.message ?? "")")
        // And one that is large: what does not compress comes in full.
        var generator = SystemRandomNumberGenerator()
        let noise = (0..<(9 << 20)).map { _ in generator.next() }
        try noise.withUnsafeBytes { try Data($0).write(to: URL(filePath: "\(repository)/noise")) }
        try await commit()
        let large = await #expect(throws: ProjectError.self) { try await fetch() }
        #expect(large?.message.contains("more than 64 MiB") == true, "\(large?.message ?? "")")
        #expect(try Files.contents(scratch.appending("scratch")).isEmpty)
    }

    @Test func `what is not there is said, with what git says`() async throws {
        let error = await #expect(throws: ProjectError.self) { try await fetch("#nope") }
        #expect(error?.code == .noTemplate)
        #expect(error?.message.contains("nope") == true)
        let none = await #expect(throws: ProjectError.self) {
            try await fetch(environment: ["PATH": "/nowhere"])
        }
        #expect(none?.code == .noToolchain)
    }

    @Test(
        arguments: [
            ("http://h/x", "\"http\""), ("git://h/x", "\"git\""), ("ext::sh -c x", nil),
            ("https://u:p@h/x", "password"),
            ("ssh://-oProxyCommand=x/y", "not the address"), ("https://h/x#-x", "is not a branch"),
            ("https://h/x#a..b", "is not a branch"), ("https://h/x#a:b", "is not a branch"),
            ("https://h/x#", "is not a branch"), ("https://h/a b", "not the address"),
            ("ghcr.io/acme/template:v1", nil), ("./folder", nil), ("localhost:5000/t:v1", nil),
        ] as [(String, String?)])
    func `addresses that are none, or not allowed`(text: String, reason: String?) throws {
        guard let reason else {
            #expect(try GitTemplate(text) == nil)
            return
        }
        let error = #expect(throws: ProjectError.self) { try GitTemplate(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("u:p") == false)
    }

    @Test(arguments: [
        "https://h/x", "https://user@h/x#v1.2", "ssh://git@h:22/x", "git@h:acme/x.git#main", "file:///x",
    ])
    func `addresses as people write them`(text: String) throws {
        #expect(try GitTemplate(text)?.description == text)
    }
}
