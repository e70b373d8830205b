// SPDX-License-Identifier: Apache-2.0

private import Files
import Programs
import SystemPackage

extension GitCheckout {
    /// Does something with a branch that is not checked out here, in a folder of its own.
    func inWorktree<Result>(
        of name: String, isDryRun: Bool, _ work: (GitBranch) async throws -> Result
    ) async throws -> Result {
        guard try await answer(["check-ref-format", "--branch", name]) == name else {
            throw KubernetesError(
                .git, "\"\(name)\" cannot be the name of a branch", hint: "as in --branch filters/add-header")
        }
        if let elsewhere = try await worktree(of: name) {
            throw KubernetesError(
                .git, "the branch \"\(name)\" is checked out in \"\(elsewhere)\"",
                hint: "name the folder there: --git \(elsewhere.appending(place.components))")
        }
        let start = try await start(of: name)
        let parent = git.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : FilePath($0) } ?? "/tmp"
        let folder = parent.appending("wasme-git-\(Files.randomName())")
        let way =
            if isDryRun {
                ["--detach", folder.string, start.commit]
            } else if start.isNew {
                [start.remote == nil ? "--no-track" : "--track", "-b", name, folder.string]
                    + [start.remote ?? start.commit]
            } else {
                [folder.string, name]
            }
        let result: Swift.Result<Result, any Error>
        do {
            let outcome = try await Self.run(git, ["worktree", "add", "--quiet"] + way, in: root)
            guard outcome.succeeded else {
                throw KubernetesError(
                    .git, "cannot check out \"\(name)\" beside \"\(root)\": \(Git.reason(outcome.stderr))",
                    hint: "see what 'git -C \(root) worktree list' and 'git branch' say")
            }
            result = .success(
                try await work(
                    GitBranch(name: name, git: git, root: folder, place: place, repository: root)))
        } catch {
            result = .failure(error)
        }
        // Also for somebody who is interrupted: what was made for a moment does not stay.
        let unused = start.isNew && !isDryRun ? (name: name, commit: start.commit) : nil
        await Task.detached { [self] in await remove(folder, unused: unused) }.value
        return try result.get()
    }

    /// The folder in which a branch is checked out.
    private func worktree(of branch: String) async throws -> FilePath? {
        var folder: Substring?
        for line in (try await answer(["worktree", "list", "--porcelain"]) ?? "").split(separator: "\n") {
            if line.hasPrefix("worktree ") { folder = line.dropFirst(9) }
            if line == "branch refs/heads/\(branch)" { return folder.map { FilePath(String($0)) } }
        }
        return nil
    }

    /// Where a branch is, or begins if it is not there.
    private func start(
        of name: String
    ) async throws -> (commit: String, isNew: Bool, remote: String?) {
        if let commit = try await answer(["rev-parse", "--verify", "--quiet", "refs/heads/\(name)^{commit}"])
        {
            return (commit, false, nil)
        }
        let remotes =
            try await answer(["for-each-ref", "--format=%(refname)", "refs/remotes/*/\(name)"]) ?? ""
        let found = remotes.split(separator: "\n").map { String($0) }
        if found.count == 1, let commit = try await answer(["rev-parse", "--verify", "--quiet", found[0]]) {
            return (commit, true, String(found[0].dropFirst("refs/remotes/".count)))
        }
        guard let commit = try await answer(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) else {
            throw KubernetesError(
                .git, "\"\(root)\" has no commit that \"\(name)\" could begin at",
                hint: "commit something first, or leave out --branch")
        }
        return (commit, true, nil)
    }

    /// Removes a worktree, and a branch that nothing was committed to.
    private func remove(_ folder: FilePath, unused: (name: String, commit: String)?) async {
        // Twice: one that was not finished is locked.
        _ = try? await Self.run(
            git, ["worktree", "remove", "--force", "--force", folder.string], in: root)
        // What git did not know yet when it was interrupted.
        try? Files.remove(folder)
        guard let unused,
            (try? await answer(["rev-parse", "--verify", "--quiet", "refs/heads/\(unused.name)"]))
                == .some(.some(unused.commit))
        else { return }
        _ = try? await Self.run(git, ["branch", "--quiet", "-D", unused.name], in: root)
    }
}
