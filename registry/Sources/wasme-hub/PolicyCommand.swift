// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Hub
import OCI

/// `wasme-hub policy`: what holds for repositories.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Decide what holds for repositories.",
        discussion: """
            A policy belongs to a repository (acme/proxy), to all below a name (acme/*) or to all ('*'); the narrowest \
            that says something holds, and every quota does. Works on the data folder, whether or not a hub serves it, \
            and counts at once.

            EXAMPLES
              wasme-hub policy set acme/proxy --immutable 'v*'
              wasme-hub policy set 'acme/*' --keep-tags 20 --untagged-days 14 --quota 50G
              wasme-hub policy list
              wasme-hub policy rm acme/proxy
            """, subcommands: [Set.self, List.self, Remove.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decide about a scope; what is not named stays as it was.")
        @OptionGroup var data: DataOption
        @Argument(help: "A repository, NAME/* or '*'.")
        var scope: String
        @Option(
            help: ArgumentHelp(
                "A pattern of tags that never move and are never deleted, as in 'v*'; may be repeated.",
                valueName: "pattern"))
        var immutable: [String] = []
        @Flag(help: "Let all tags move again.")
        var noImmutable = false
        @Option(help: "How many tags stay when the hub collects, the newest.")
        var keepTags: Int?
        @Option(help: "Days that a manifest without a tag stays.")
        var untaggedDays: Int?
        @Option(help: "Bytes that all repositories of the scope may hold; 500M and 50G are understood.")
        var quota: String?
        @Flag(inversion: .prefixedNo, help: "Whether manifests may name content that is not here.")
        var sparse: Bool?

        func validate() throws {
            guard !(noImmutable && !immutable.isEmpty) else {
                throw ValidationError("--immutable and --no-immutable contradict each other")
            }
            guard untaggedDays ?? 0 <= 36500 else {
                throw ValidationError("--untagged-days is at most 36500")
            }
        }

        func run() async throws {
            try await Output.reporting {
                let scope = try PolicyScope(scope)
                try await HubFolder.policies(try data.folder()) { store in
                    var policy = try await store.policy(for: scope) ?? RepositoryPolicy()
                    if noImmutable { policy.immutableTags = [] }
                    if !immutable.isEmpty { policy.immutableTags = immutable }
                    policy.keepTags = keepTags ?? policy.keepTags
                    if let untaggedDays { policy.untaggedLifetime = Int64(untaggedDays) * 86400 }
                    policy.allowsSparse = sparse ?? policy.allowsSparse
                    if let quota { policy.quota = try Self.bytes(quota) }
                    try policy.validate()
                    try await store.setPolicy(policy, for: scope)
                }
            }
        }

        private static func bytes(_ text: String) throws -> Int64 {
            do {
                return try HubConfiguration.bytes(text)
            } catch {
                throw HubError(.policyInvalid, "--quota: \(error.text)", category: .usage)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what was decided.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let policies = try await HubFolder.policies(try data.folder()) { try await $0.policies() }
                if policies.isEmpty, output.format == .text { return Output.note("note: no policies") }
                let lines = policies.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value.summary)" }
                try Output.result(policies, output.format, text: lines.joined(separator: "\n"))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Lift all that was decided about a scope.")
        @OptionGroup var data: DataOption
        @Argument(help: "A repository, NAME/* or '*'.")
        var scope: String

        func run() async throws {
            try await Output.reporting {
                let scope = try PolicyScope(scope)
                try await HubFolder.policies(try data.folder()) { try await $0.setPolicy(nil, for: scope) }
            }
        }
    }
}

extension RepositoryPolicy {
    /// For people.
    fileprivate var summary: String {
        [
            immutableTags.map { $0.isEmpty ? "no immutable tags" : "immutable \($0.joined(separator: " "))" },
            keepTags.map { "keep \($0) tags" }, untaggedLifetime.map { "untagged \($0 / 86400) days" },
            allowsSparse.map { $0 ? "sparse" : "not sparse" }, quota.map { "quota \($0) bytes" },
        ].compactMap(\.self).joined(separator: ", ")
    }
}
