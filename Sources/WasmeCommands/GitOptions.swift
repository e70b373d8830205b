// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl

/// Where a change of clusters is committed, for a controller that brings it there.
struct GitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Commit the objects to this folder of a git checkout, and change no cluster.", valueName: "dir"))
    var git: String?

    @Option(
        help: ArgumentHelp(
            "The branch to commit to (default: the one that is checked out); made if it is not there.",
            valueName: "name"))
    var branch: String?

    init() {}

    func validate() throws {
        if branch != nil, git == nil { throw ValidationError("--branch belongs to --git, which is missing") }
    }

    /// The options as they are given.
    var given: [String] {
        [git.map { _ in "--git" }, branch.map { _ in "--branch" }].compactMap { $0 }
    }

    /// Refuses options that would be without effect, as no cluster is asked.
    func check(_ change: ClusterChangeOptions, _ others: [String]) throws {
        guard git != nil else { return }
        if change.dryRun == .server {
            throw CommandError(
                .usage, "--dry-run server asks a cluster, and --git asks none",
                hint: "--dry-run client shows what would be committed")
        }
        if let option = others.filter({ $0 != "--namespace" }).first {
            throw CommandError(
                .usage, "\(option) is for clusters, and --git asks none", hint: "leave it out")
        }
    }

    /// The message of a commit: its first line names the deployments, or says how many there are.
    /// - Parameters:
    ///   - verb: as in "Deploy".
    ///   - ids: the deployments.
    ///   - lines: what is said of each.
    /// - Returns: the message.
    static func message(_ verb: String, _ ids: [String], _ lines: [String]) -> String {
        guard lines.count != 1 else { return "\(verb) \(lines[0])" }
        let names = "\(verb) \(ids.joined(separator: ", "))"
        let title = names.count <= 72 ? names : "\(verb) \(ids.count) filters"
        return ([title, ""] + lines).joined(separator: "\n")
    }

    /// Commits what is to become of a folder, and prints what became of it; a dry run shows the difference.
    func commit(
        _ ids: [String], _ message: String, isDryRun: Bool, _ output: OutputOptions,
        in context: CommandContext,
        _ changes: (KubernetesFolder) throws -> [FileChange]
    ) async throws {
        let checkout = try await GitCheckout(
            of: context.path(git ?? ""), environment: context.environment)
        let result = try await checkout.onBranch(branch, isDryRun: isDryRun) { branch in
            let changes = try changes(KubernetesFolder(branch.folder))
            try await branch.refuseUncommitted(changes)
            var result = GitChangeResult(ids, branch, changes)
            if isDryRun {
                result.difference = try await branch.difference(changes)
            } else {
                result.commit = try await branch.commit(changes, message: message)
            }
            if result.commit != nil {
                let command = try await branch.pushCommand()
                output.note(
                    command.map { "note: nothing is pushed; do it with: \($0)" }
                        ?? "note: nothing is pushed, and \"\(checkout.root)\" has no remote to push to",
                    in: context)
            }
            return result
        }
        try output.print(result, in: context)
    }
}

/// What was committed.
struct GitChangeResult: CommandResult {
    /// One file.
    struct File: Encodable {
        /// Relative to the checkout.
        let path: String
        /// `created`, `changed`, `unchanged` or `removed`.
        let change: String
    }

    let ids: [String]
    let branch: String
    let files: [File]
    /// Nil if there was nothing to commit.
    var commit: String?
    /// What would change; nil if something was to.
    var difference: String?

    init(_ ids: [String], _ branch: GitBranch, _ changes: [FileChange]) {
        self.ids = ids
        self.branch = branch.name
        files = changes.map { File(path: branch.path($0), change: $0.kind.rawValue) }
    }

    var text: String {
        if let difference, !difference.isEmpty { return String(difference.trimmingSuffix("\n")) }
        guard let commit else {
            let names = ids.map { "\"\($0)\"" }.joined(separator: ", ")
            guard !files.isEmpty else { return "unchanged: \"\(branch)\" has nothing of \(names)" }
            return "unchanged: \"\(branch)\" has all of \(names)"
        }
        let lines = files.filter { $0.change != "unchanged" }.map { "\($0.path) \($0.change)" }
        return (lines + ["committed \(commit.prefix(12)) to \(branch)"]).joined(separator: "\n")
    }
    var brief: String { commit ?? "" }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> Substring {
        hasSuffix(suffix) ? dropLast(suffix.count) : self[...]
    }
}
