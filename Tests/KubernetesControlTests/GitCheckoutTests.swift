// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// Commits of real git in repositories as people leave them.
@Suite(.requires(.git)) struct GitCheckoutTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory("git")
        try Files.createDirectory(scratch.appending("tmp"))
    }

    @Test func `exactly these files are committed, whatever else is changed or staged`() async throws {
        let fleet = try await Repository.make(in: scratch)
        try fleet.write("README.md", "changed\n")
        try fleet.write("staged.txt", "staged\n")
        try await fleet.git("add", "staged.txt")
        try fleet.write("untracked.txt", "new\n")
        let before = try await fleet.git("status", "--porcelain")
        let made = try await fleet.commit(
            "one\n", to: fleet.root.pushing("deploy/shop"))
        #expect(made == (try await fleet.git("rev-parse", "HEAD").dropLast()).description)
        #expect(
            Set(try await fleet.git("show", "--format=", "--name-status", "-z").split(separator: "\0")) == [
                "A", "deploy/shop/a.yaml", "deploy/shop/with space é.yaml",
            ])
        #expect(try await fleet.message() == "Deploy \"it\" é")
        #expect(try await fleet.git("status", "--porcelain") == before)
        // The same again is nothing, and what changes is a commit again.
        #expect(
            try await fleet.commit("one\n", to: fleet.root.pushing("deploy/shop"))
                == nil)
        #expect(try await fleet.count() == 2)
        try await fleet.commit("two\n", to: fleet.root.pushing("deploy/shop"))
        try await fleet.commit(nil, to: fleet.root.pushing("deploy/shop"))
        #expect(try await fleet.count() == 4)
        #expect(try await fleet.changes().allSatisfy { $0.hasPrefix("D ") })
        #expect(try await fleet.git("status", "--porcelain") == before)
    }

    @Test func `the first commit of a repository, and one through a link to a folder`() async throws {
        let fleet = try await Repository.make(in: scratch)
        let empty = fleet.root.appending("inner")
        try await fleet.git("init", "--quiet", "--initial-branch=trunk", empty.string)
        try await fleet.git("-C", empty.string, "config", "user.name", "Anna")
        try await fleet.git("-C", empty.string, "config", "user.email", "anna@example.com")
        let link = scratch.appending("link")
        try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: empty.string)
        #expect(try await fleet.commit("x\n", to: link) != nil)
        #expect(try await fleet.git("-C", empty.string, "rev-list", "--count", "trunk") == "1\n")
        #expect(try await fleet.count() == 1)
    }

    @Test func `a branch that is not checked out gets the commit, and the checkout stays as it is`()
        async throws
    {
        let fleet = try await Repository.make(in: scratch)
        try fleet.write("README.md", "changed\n")
        let before = try await fleet.git("status", "--porcelain")
        let folder = fleet.root.appending("deploy")
        let made = try await fleet.commit(
            "one\n", to: folder, branch: "filters/new")
        #expect(try await fleet.git("rev-parse", "filters/new").dropLast() == made ?? "")
        #expect(
            try await fleet.git("merge-base", "main", "filters/new")
                == (try await fleet.git("rev-parse", "main")))
        // The branch is there now.
        try await fleet.commit("two\n", to: folder, branch: "filters/new")
        #expect(
            try await fleet.commit("two\n", to: folder, branch: "filters/new")
                == nil)
        #expect(try await fleet.count("filters/new") == 3)
        #expect(try await fleet.count("main") == 1)
        #expect(try await fleet.git("status", "--porcelain") == before)
        #expect(try await fleet.git("branch", "--show-current") == "main\n")
        #expect(Files.kind(folder) == nil)
        try await fleet.expectNothingLeft(in: scratch)
        // The branch that is checked out needs no folder of its own.
        try await fleet.commit("three\n", to: folder, branch: "main")
        #expect(try fleet.text("deploy/a.yaml") == "three\n")
    }

    @Test func `a branch that a remote has begins there`() async throws {
        let hub = try await Repository.make(in: scratch, "hub")
        try await hub.git("switch", "--quiet", "-c", "live")
        try hub.write("live.txt", "x\n")
        try await hub.git("add", "live.txt")
        try await hub.git("commit", "--quiet", "-m", "live")
        try await hub.git("switch", "--quiet", "main")
        let fleet = Repository(
            root: hub.root.removingLastComponent().appending("clone"), environment: hub.environment)
        try await hub.git("clone", "--quiet", hub.root.string, fleet.root.string)
        try await fleet.git("config", "user.name", "Anna")
        try await fleet.git("config", "user.email", "anna@example.com")
        try await fleet.commit("x\n", to: fleet.root, branch: "live")
        #expect(try await fleet.git("rev-parse", "live^") == (try await hub.git("rev-parse", "live")))
        let push = try await GitCheckout(of: fleet.root, environment: fleet.environment)
            .onBranch("live") { try await $0.pushCommand() }
        #expect(push == "git -C \(fleet.root) push origin live")
    }

    @Test func `a dry run shows the difference and leaves nothing`() async throws {
        let fleet = try await Repository.make(in: scratch)
        try await fleet.commit("one\n", to: fleet.root.appending("deploy"))
        for branch in [nil, "other"] as [String?] {
            let difference = try await fleet.commit(
                "two\n", to: fleet.root.appending("deploy"), branch: branch, isDryRun: true)
            #expect(
                difference?.contains("--- a/deploy/a.yaml\n+++ b/deploy/a.yaml\n@@ -1 +1 @@\n-one\n+two\n")
                    == true,
                "\(difference ?? "")")
        }
        #expect(try await fleet.git("branch", "--format=%(refname:short)") == "main\n")
        #expect(try await fleet.count() == 2)
        #expect(try await fleet.git("status", "--porcelain") == "")
        try await fleet.expectNothingLeft(in: scratch)
    }

    @Test func `line ends that git chooses are no change`() async throws {
        let fleet = try await Repository.make(in: scratch)
        try await fleet.git("config", "core.autocrlf", "true")
        try await fleet.commit("one\ntwo\n", to: fleet.root)
        // As git writes it on a fresh checkout.
        try Files.remove(fleet.root.appending("a.yaml"))
        try await fleet.git("checkout", "--quiet", "--", "a.yaml")
        #expect(try fleet.text("a.yaml") == "one\r\ntwo\r\n")
        #expect(try await fleet.commit("one\ntwo\n", to: fleet.root) == nil)
        #expect(try await fleet.count() == 2)
    }
}
