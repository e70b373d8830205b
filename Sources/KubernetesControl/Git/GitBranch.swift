// SPDX-License-Identifier: Apache-2.0

package import Deployment
private import Files
import Programs
package import SystemPackage

/// A branch whose files are at hand, in the user's own checkout or in one that was made for a moment.
package struct GitBranch: Sendable {
    package let name: String
    let git: Git
    /// Where its files are.
    let root: FilePath
    let place: FilePath
    /// The user's checkout.
    let repository: FilePath

    /// The folder of the objects.
    package var folder: FilePath { root.appending(place.components) }

    /// A file relative to the root.
    package func path(_ change: FileChange) -> String {
        var path = change.path
        _ = path.removePrefix(root)
        return path.string
    }

    /// Refuses files that somebody has changed and not committed: whose changes they are, nobody could tell afterwards.
    package func refuseUncommitted(_ changes: [FileChange]) async throws {
        guard !changes.isEmpty else { return }
        let status = try await status(of: changes)
        guard !status.isEmpty else { return }
        let names = status.map { "\"\($0)\"" }.joined(separator: ", ")
        throw KubernetesError(
            .git, "not committed in \"\(repository)\": \(names)",
            hint: "commit or undo that first; 'git -C \(repository) status' shows it")
    }

    /// The files among these that differ from the last commit.
    private func status(of changes: [FileChange]) async throws -> [String] {
        let outcome = try await run(
            ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--"] + changes.map(path)
        )
        guard outcome.succeeded else {
            throw KubernetesError(
                .git, "cannot see what is committed in \"\(repository)\": \(Git.reason(outcome.stderr))")
        }
        // "XY PATH" (git-status(1), "Porcelain Format Version 1").
        return outcome.text.split(separator: "\0").map { String($0.dropFirst(3)) }
    }

    /// Writes files and commits these, and nothing else that is changed or staged.
    /// - Parameters:
    ///   - changes: the files.
    ///   - message: the commit's.
    /// - Returns: the commit; nil if all is committed already.
    /// - Throws: `KubernetesError` with code `git`; the files are as they were then.
    package func commit(_ changes: [FileChange], message: String) async throws -> String? {
        let changes = changes.filter { $0.kind != .unchanged }
        guard !changes.isEmpty else { return nil }
        try await refuseUncommitted(changes)
        let before = try await head()
        let made = missingFolders
        do {
            for change in changes { try change.carryOut() }
            let new = changes.filter { $0.before == nil }.map(path)
            if !new.isEmpty {
                let added = try await run(["add", "--intent-to-add", "--"] + new)
                guard added.succeeded else { throw refused(added.stderr) }
            }
            // Line ends may be git's to choose: what it sees as the same is the same.
            if before != nil,
                try await run(["diff", "--name-only", "HEAD", "--"] + changes.map(path)).text.isEmpty
            {
                await takeBack(changes, made)
                return nil
            }
            let committed = try await run(
                ["commit", "--quiet", "--message=\(message)", "--only", "--"] + changes.map(path))
            guard committed.succeeded else { throw refused(committed.stderr + committed.text) }
            return try await head()
        } catch {
            // Also for somebody who is interrupted.
            await Task.detached { [self] in
                guard let now = try? await head(), now == before else { return }
                await takeBack(changes, made)
            }.value
            throw error
        }
    }

    private func head() async throws -> String? {
        let outcome = try await run(["rev-parse", "--verify", "--quiet", "HEAD"])
        return outcome.succeeded ? GitCheckout.line(outcome.text) : nil
    }

    /// The folders that writing makes, the deepest first.
    private var missingFolders: [FilePath] {
        var folders: [FilePath] = []
        var folder = folder
        while folder != root, Files.kind(folder) == nil {
            folders.append(folder)
            folder.removeLastComponent()
        }
        return folders
    }

    private func takeBack(_ changes: [FileChange], _ folders: [FilePath]) async {
        for change in changes.reversed() { try? change.takeBack() }
        let new = changes.filter { $0.before == nil }.map(path)
        if !new.isEmpty {
            _ = try? await run(["rm", "--cached", "--quiet", "--force", "--ignore-unmatch", "--"] + new)
        }
        for folder in folders where (try? Files.contents(folder))?.isEmpty == true {
            try? Files.remove(folder)
        }
    }

    private func refused(_ output: String) -> KubernetesError {
        let lines = output.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("hint: ") }
        let isUnknown = lines.contains { $0.contains("tell me who you are") || $0.contains("empty ident") }
        let reason =
            lines.contains { $0.hasPrefix("fatal: ") } || lines.isEmpty
            ? Git.reason(output) : lines.suffix(3).joined(separator: " ").filter { $0 != "\u{1B}" }
        return KubernetesError(
            .git, "git does not commit to \"\(name)\" in \"\(repository)\": \(reason)",
            hint: isUnknown
                ? "say who you are: git config --global user.name NAME, and user.email"
                : "nothing was committed, and the files are as they were")
    }

    /// What would change, as git shows it.
    package func difference(_ changes: [FileChange]) async throws -> String {
        let parent = git.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : FilePath($0) } ?? "/tmp"
        let scratch = parent.appending("wasme-git-\(Files.randomName())")
        defer { try? Files.remove(scratch) }
        for (side, content) in [("a", \FileChange.before), ("b", \FileChange.after)] {
            try Files.createDirectory(scratch.appending(side))
            for change in changes {
                guard let bytes = change[keyPath: content] else { continue }
                let file = scratch.appending(side).pushing(FilePath(path(change)))
                try Files.createDirectory(file.removingLastComponent())
                try Files.replace(file, with: bytes)
            }
        }
        let outcome = try await GitCheckout.run(
            git,
            ["diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-prefix", "a", "b"],
            in: scratch)
        guard outcome.stderr.isEmpty || !outcome.stdout.isEmpty else {
            throw KubernetesError(.git, "cannot show the difference: \(Git.reason(outcome.stderr))")
        }
        return outcome.text
    }

    /// The command that brings the branch to where others, and controllers, see it; nil if there is no remote.
    package func pushCommand() async throws -> String? {
        let chosen = try await run(["config", "--get", "branch.\(name).remote"])
        let all = try await run(["remote"]).text.split(separator: "\n").map { String($0) }
        let usual = all.contains("origin") ? "origin" : all.first
        let remote = chosen.succeeded ? GitCheckout.line(chosen.text) : usual
        return remote.map { "git -C \(repository) push \($0) \(name)" }
    }

    private func run(_ arguments: [String]) async throws -> Program.Outcome {
        try await GitCheckout.run(git, arguments, in: root)
    }
}
