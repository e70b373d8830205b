// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// What git and people do not let happen: it is said, and nothing of it stays.
@Suite(.requires(.git)) struct GitRefusalTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory("git")
        try Files.createDirectory(scratch.appending("tmp"))
    }

    @Test func `where no commit can be made, that is said`() async throws {
        let fleet = try await Repository.make(in: scratch)
        let variables = fleet.environment
        let outside = try await fleet.refusal(scratch.appending("nowhere"))
        #expect(outside.message.hasSuffix("\" is in no git checkout"))
        let inside = try await fleet.refusal(fleet.root.pushing(".git/objects"))
        #expect(inside.message.hasSuffix("is in git's own folder, not in a checkout"))
        let bare = fleet.root.removingLastComponent().appending("bare.git")
        try await fleet.git("clone", "--quiet", "--bare", fleet.root.string, bare.string)
        #expect(try await fleet.refusal(bare).message.contains("bare repository"))
        let file = try await fleet.refusal(fleet.root.pushing("README.md/deploy"))
        #expect(file.message.hasSuffix("README.md\" is no folder"))
        var without = variables
        without["PATH"] = "/nowhere"
        #expect(
            try await fleet.refusal(fleet.root, environment: without).message.hasSuffix(
                "there is no git in PATH"))
    }

    @Test func `what somebody is in the middle of is not ended`() async throws {
        let fleet = try await Repository.make(in: scratch)
        try await fleet.git("switch", "--quiet", "-c", "other")
        try fleet.write("README.md", "theirs\n")
        try await fleet.git("commit", "--quiet", "-am", "theirs")
        try await fleet.git("switch", "--quiet", "main")
        try fleet.write("README.md", "ours\n")
        try await fleet.git("commit", "--quiet", "-am", "ours")
        for action in ["merge", "rebase", "cherry-pick"] {
            await #expect(throws: ProcessFailure.self) { try await fleet.git(action, "other") }
            let error = try await fleet.refusal(fleet.root)
            #expect(error.message.hasPrefix("a \(action) is going on"), "\(error)")
            // Another branch has no part in it.
            #expect(
                try await fleet.commit(
                    "\(action)\n", to: fleet.root, branch: "third") != nil)
            try await fleet.git(action, "--abort")
        }
        try await fleet.git("switch", "--quiet", "--detach")
        let detached = try await fleet.refusal(fleet.root)
        #expect(detached.message.hasPrefix("no branch is checked out in"))
        #expect(detached.hint?.hasPrefix("name one with --branch") == true)
        #expect(
            try await fleet.commit("x\n", to: fleet.root, branch: "third") != nil)
    }

    @Test func `files with changes that nobody has committed are named and stay`() async throws {
        let fleet = try await Repository.make(in: scratch)
        try await fleet.commit("one\n", to: fleet.root)
        for isStaged in [false, true] {
            try fleet.write("a.yaml", "mine\n")
            if isStaged { try await fleet.git("add", "a.yaml") }
            let error = try await fleet.refusal(fleet.root)
            #expect(error.message == "not committed in \"\(fleet.root)\": \"a.yaml\"")
            #expect(try fleet.text("a.yaml") == "mine\n")
        }
        try await fleet.git("reset", "--quiet", "--hard")
        try fleet.write("deploy/a.yaml", "not yet known\n")
        let error = try await fleet.refusal(fleet.root.appending("deploy"))
        #expect(error.message == "not committed in \"\(fleet.root)\": \"deploy/a.yaml\"")
        #expect(Files.kind(fleet.root.pushing("deploy/with space é.yaml")) == nil)
    }

    @Test func `a commit that git, a hook or an ignored path refuses leaves everything as it was`()
        async throws
    {
        let fleet = try await Repository.make(in: scratch)
        try await fleet.commit("one\n", to: fleet.root)
        try fleet.write("staged.txt", "staged\n")
        try await fleet.git("add", "staged.txt")
        let before = try await fleet.git("status", "--porcelain")
        func expectRefused(_ words: String, to folder: FilePath, _ variables: [String: String]) async throws {
            for branch in [nil, "other"] as [String?] {
                let error = try await fleet.refusal(folder, branch: branch)
                #expect(error.message.contains(words), "\(error)")
                #expect(try await fleet.git("status", "--porcelain") == before)
                #expect(try fleet.text("a.yaml") == "one\n")
                #expect(try await fleet.git("branch", "--format=%(refname:short)") == "main\n")
                #expect(try await fleet.count() == 2)
                try await fleet.expectNothingLeft(in: scratch)
            }
            #expect(Files.kind(fleet.root.appending("deploy")) == nil)
        }
        try fleet.hook("pre-commit", "echo 'policy: ask Bea first' >&2; exit 1")
        try await expectRefused("policy: ask Bea first", to: fleet.root, fleet.environment)
        try await expectRefused(
            "policy: ask Bea first", to: fleet.root.pushing("deploy/x"), fleet.environment)
        try Files.remove(fleet.root.pushing(".git/hooks/pre-commit"))
        try await fleet.git("config", "--unset", "user.name")
        try await fleet.git("config", "--unset", "user.email")
        try await fleet.git("config", "user.useConfigOnly", "true")
        try await expectRefused("auto-detection is disabled", to: fleet.root, fleet.environment)
        try await fleet.git("config", "user.name", "Anna")
        try await fleet.git("config", "user.email", "anna@example.com")
        try fleet.write(".git/info/exclude", "deploy/\n")
        try await expectRefused("ignored", to: fleet.root.appending("deploy"), fleet.environment)
    }

    @Test func `a branch that is checked out elsewhere, or has no name that git takes, is refused`()
        async throws
    {
        let fleet = try await Repository.make(in: scratch)
        let other = fleet.root.removingLastComponent().appending("other")
        try await fleet.git("worktree", "add", "--quiet", "-b", "busy", other.string)
        let busy = try await fleet.refusal(
            fleet.root.appending("deploy"), branch: "busy")
        #expect(busy.message == "the branch \"busy\" is checked out in \"\(other)\"")
        #expect(busy.hint == "name the folder there: --git \(other)/deploy")
        #expect(try await fleet.commit("x\n", to: other.appending("deploy")) != nil)
        for name in ["a..b", "-x", "a b", "", "@{-1}"] {
            let error = try await fleet.refusal(fleet.root, branch: name)
            #expect(error.message == "\"\(name)\" cannot be the name of a branch")
        }
    }

    @Test func `who is interrupted in a hook has everything as it was`() async throws {
        let fleet = try await Repository.make(in: scratch)
        let mark = scratch.appending("mark")
        try fleet.hook("pre-commit", "echo x >'\(mark)'; exec sleep 600")
        for branch in [nil, "other"] as [String?] {
            let task = Task {
                try await fleet.commit(
                    "x\n", to: fleet.root.appending("deploy"), branch: branch)
            }
            while Files.kind(mark) == nil { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try Files.remove(mark)
            #expect(try await fleet.git("status", "--porcelain") == "")
            #expect(Files.kind(fleet.root.appending("deploy")) == nil)
            #expect(Files.kind(fleet.root.pushing(".git/index.lock")) == nil)
            #expect(try await fleet.git("branch", "--format=%(refname:short)") == "main\n")
            #expect(try await fleet.count() == 1)
            try await fleet.expectNothingLeft(in: scratch)
        }
    }
}
