// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// A real repository of git in a folder of a test's own, with nobody's settings but its own.
struct Repository: Sendable {
    let root: FilePath
    let environment: [String: String]

    /// Makes one with a commit, on the branch `main`.
    static func make(in scratch: ScratchDirectory, _ name: String = "fleet") async throws -> Repository {
        let repository = Repository(
            root: FilePath(try real(scratch.path)).appending(name), environment: surroundings(scratch))
        try Files.createDirectory(repository.root)
        try await repository.git("init", "--quiet", "--initial-branch=main")
        try await repository.git("config", "user.name", "Anna")
        try await repository.git("config", "user.email", "anna@example.com")
        try repository.write("README.md", "fleet\n")
        try await repository.git("add", "README.md")
        try await repository.git("commit", "--quiet", "-m", "first")
        return repository
    }

    /// Variables in which git finds no settings of the machine, and keeps what it makes for a moment in the scratch folder.
    static func surroundings(_ scratch: ScratchDirectory) -> [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": scratch.path.string,
            "XDG_CONFIG_HOME": scratch.path.string, "GIT_CONFIG_NOSYSTEM": "1", "EMAIL": "",
            "TMPDIR": scratch.appending("tmp").string,
        ]
    }

    private static func real(_ path: FilePath) throws -> String {
        try #require(realpath(path.string, nil).map { String(cString: $0) })
    }

    @discardableResult
    func git(_ arguments: String...) async throws -> String {
        try await git(arguments)
    }

    @discardableResult
    func git(_ arguments: [String]) async throws -> String {
        let outcome = try await run(
            try #require(Tool.git.path), arguments, environment: environment, in: root)
        guard outcome.status == 0 else {
            throw ProcessFailure(description: "git \(arguments.joined(separator: " ")): \(outcome.stderr)")
        }
        return outcome.stdout
    }

    func write(_ name: String, _ text: String) throws {
        let file = root.pushing(FilePath(name))
        try Files.createDirectory(file.removingLastComponent())
        try Files.replace(file, with: Array(text.utf8))
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Files.read(root.pushing(FilePath(name))), as: UTF8.self)
    }

    /// Paths of the last commit of a branch, with how they changed.
    func changes(_ branch: String = "HEAD") async throws -> [String] {
        try await git("show", "--format=", "--name-status", "--no-renames", branch)
            .split(separator: "\n").map { String($0).replacing("\t", with: " ") }
    }

    func message(_ branch: String = "HEAD") async throws -> String {
        try await git("log", "-1", "--format=%B", branch).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func count(_ branch: String = "HEAD") async throws -> Int {
        try #require(
            Int(try await git("rev-list", "--count", branch).trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// A hook of the repository.
    func hook(_ name: String, _ script: String) throws {
        let path = root.pushing(FilePath(".git/hooks/\(name)"))
        try Files.createDirectory(path.removingLastComponent())
        try Files.replace(
            path, with: Array("#!/bin/sh\n\(script)\n".utf8), permissions: [.ownerReadWriteExecute])
    }
}

extension Repository {
    /// Commits two files with a text, or takes them out.
    /// - Returns: the commit, or the difference of a dry run; nil if all was there.
    @discardableResult
    func commit(
        _ text: String?, to folder: FilePath, branch: String? = nil, isDryRun: Bool = false,
        environment: [String: String]? = nil
    ) async throws -> String? {
        try await GitCheckout(of: folder, environment: environment ?? self.environment)
            .onBranch(branch, isDryRun: isDryRun) { branch in
                let changes = try ["a.yaml", "with space é.yaml"].map { name in
                    let path = branch.folder.appending(name)
                    return FileChange(
                        path, before: Files.kind(path) == nil ? nil : try Files.read(path),
                        after: text.map { Array($0.utf8) })
                }
                if isDryRun { return try await branch.difference(changes) }
                return try await branch.commit(changes, message: "Deploy \"it\" é")
            }
    }

    /// Why a commit is refused.
    func refusal(
        _ folder: FilePath, branch: String? = nil, environment: [String: String]? = nil
    ) async throws -> KubernetesError {
        try #require(
            await #expect(throws: KubernetesError.self) {
                try await commit("x\n", to: folder, branch: branch, environment: environment)
            })
    }

    /// No worktree and no folder stays.
    func expectNothingLeft(in scratch: ScratchDirectory) async throws {
        let worktrees = try await git("worktree", "list", "--porcelain")
        #expect(worktrees.split(separator: "\n").count { $0.hasPrefix("worktree ") } == 1)
        #expect(try Files.contents(scratch.appending("tmp")) == [])
    }
}
