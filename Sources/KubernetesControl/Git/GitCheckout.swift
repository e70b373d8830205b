// SPDX-License-Identifier: Apache-2.0

private import Files
import Programs
package import SystemPackage

/// A folder in a checkout of git, whose commits a controller brings into clusters.
///
/// It is the user's own repository: its settings, its hooks and its words count. Nothing of it is changed but what a commit
/// names, and nothing is pushed.
package struct GitCheckout: Sendable {
    let git: Git
    /// The checkout's own folder.
    package let root: FilePath
    /// Where in it the objects are, relative to the root; empty for the root itself.
    package let place: FilePath

    /// Finds the checkout that a folder lies in.
    /// - Parameters:
    ///   - folder: an absolute path; the folder itself need not be there yet.
    ///   - environment: the variables of this process.
    /// - Throws: `KubernetesError` with code `git` if there is no git, or no checkout.
    package init(of folder: FilePath, environment: [String: String]) async throws {
        var base = folder
        var below: [FilePath.Component] = []
        while Files.kind(base) == nil, let name = base.lastComponent, base.removeLastComponent() {
            below.insert(name, at: 0)
        }
        guard Files.kind(base) == .directory else {
            throw KubernetesError(.git, "\"\(base)\" is no folder", hint: "name a folder in a git checkout")
        }
        guard let git = Git(environment: environment, in: base) else {
            throw KubernetesError(
                .git, "cannot commit to \"\(folder)\": there is no git in PATH",
                hint: "install git, or write the files with --output and commit them yourself")
        }
        self.git = git
        let kind = try await Self.run(
            git, ["rev-parse", "--is-bare-repository", "--is-inside-work-tree"], in: base)
        guard kind.succeeded else {
            let reason = Git.reason(kind.stderr)
            throw KubernetesError(
                .git,
                reason.hasPrefix("not a git repository")
                    ? "\"\(folder)\" is in no git checkout" : "\"\(folder)\" cannot be used: \(reason)",
                hint: "clone the repository first, or write the files with --output")
        }
        let answers = kind.text.split(separator: "\n")
        guard answers != ["true", "false"] else {
            throw KubernetesError(
                .git, "\"\(folder)\" is in a bare repository, which has no files",
                hint: "name a folder in a clone of it, or in one of 'git worktree add'")
        }
        guard answers == ["false", "true"] else {
            throw KubernetesError(
                .git, "\"\(folder)\" is in git's own folder, not in a checkout",
                hint: "name a folder beside the .git")
        }
        let root = try await Self.run(git, ["rev-parse", "--show-toplevel"], in: base)
        let prefix = try await Self.run(git, ["rev-parse", "--show-prefix"], in: base)
        self.root = FilePath(Self.line(root.text))
        place = FilePath(Self.line(prefix.text)).appending(below)
    }

    /// Does something with the files of a branch.
    ///
    /// A branch that is not checked out is, in a folder of its own that is removed afterwards; one that is not there begins at
    /// the branch of the same name that a remote has, or else at the commit that is checked out.
    /// - Parameters:
    ///   - name: nil for the branch that is checked out.
    ///   - isDryRun: leave no branch that was not there.
    ///   - work: what to do.
    /// - Returns: what the work gave.
    /// - Throws: `KubernetesError` with code `git` if the branch cannot be had; what the work throws.
    package func onBranch<Result>(
        _ name: String?, isDryRun: Bool = false, _ work: (GitBranch) async throws -> Result
    ) async throws -> Result {
        let current = try await answer(["symbolic-ref", "--quiet", "--short", "HEAD"])
        guard let name, name != current else {
            try await refuseUnfinished()
            guard let current else {
                throw KubernetesError(
                    .git, "no branch is checked out in \"\(root)\": a commit there would belong to none",
                    hint: "name one with --branch, or check one out: git -C \(root) switch NAME")
            }
            return try await work(
                GitBranch(name: current, git: git, root: root, place: place, repository: root))
        }
        return try await inWorktree(of: name, isDryRun: isDryRun, work)
    }

    /// Refuses a commit that would end something that somebody is in the middle of.
    private func refuseUnfinished() async throws {
        let folder = FilePath(try await answer(["rev-parse", "--absolute-git-dir"]) ?? "")
        let signs = [
            "MERGE_HEAD": "merge", "rebase-merge": "rebase", "rebase-apply": "rebase",
            "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert",
        ]
        for (sign, action) in signs.sorted(by: { $0.key < $1.key })
        where Files.kind(folder.appending(sign)) != nil {
            throw KubernetesError(
                .git, "a \(action) is going on in \"\(root)\"",
                hint: "end it first, with 'git \(action) --continue' or --abort")
        }
    }

    // MARK: - Asking

    /// What git answers, without the line end; nil if it says no.
    func answer(_ arguments: [String]) async throws -> String? {
        let outcome = try await Self.run(git, arguments, in: root)
        return outcome.succeeded ? Self.line(outcome.text) : nil
    }

    /// Runs git; hooks of the user's own may take their time.
    static func run(
        _ git: Git, _ arguments: [String], in folder: FilePath
    ) async throws -> Program.Outcome {
        do {
            return try await git.run(
                // A name is a name, whatever characters it has.
                ["--literal-pathspecs", "-c", "core.quotePath=false"] + arguments, in: folder,
                limit: 64 << 20, within: .seconds(600))
        } catch let failure as Program.Failure {
            let command = "git \(arguments.first ?? "")"
            switch failure {
            case .notRun(let cause):
                throw KubernetesError(.git, "cannot run \"\(git.program)\"", cause: cause)
            case .tookTooLong:
                throw KubernetesError(
                    .git, "\(command) took longer than 10 minutes in \"\(folder)\"",
                    hint: "see whether a hook of the repository waits for something")
            case .tooMuch: throw KubernetesError(.git, "\(command) printed far too much in \"\(folder)\"")
            }
        }
    }

    static func line(_ text: String) -> String { text.hasSuffix("\n") ? String(text.dropLast()) : text }
}
