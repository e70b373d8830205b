// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCILayout

/// `wasme prune`.
struct Prune: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Free the space of what no name leads to.",
        discussion: """
            Collects images without a name, blobs of no image, and what broken-off
            transfers and killed processes left. What a running command needs stays, and
            so do the signatures and bills of materials of images that stay.

            Examples:
              wasme prune --dry-run
              wasme prune --older-than 7d
              wasme prune --all --yes
            """)

    @Flag(help: "Remove images that have names, too; asks first on a terminal.")
    var all = false

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Option(help: ArgumentHelp("Only what is older than this, as in 90m, 36h, 7d or 2w.", valueName: "age"))
    var olderThan: Age?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let store = try store.open(in: context)
        if all, !yes, !dryRun, context.terminal.isInteractive, try !isAgreed(store, in: context) {
            output.note("nothing was removed", in: context)
            return
        }
        let removal = try store.prune(named: all, olderThan: olderThan?.duration, dryRun: dryRun)
        try output.print(Result(removal: RemovalResult(removal, dryRun: dryRun)), in: context)
    }

    /// Asks whether images may go that have names, if there are any.
    private func isAgreed(_ store: ImageStore, in context: CommandContext) throws -> Bool {
        let removal = try store.prune(named: true, olderThan: olderThan?.duration, dryRun: true)
        guard !removal.names.isEmpty else { return true }
        for name in removal.names { context.terminal.note("  \(name)") }
        return try Questions(context).agree(
            "Remove \(removal.names.count == 1 ? "this image" : "these \(removal.names.count) images")",
            suggestion: "no") ?? false
    }

    /// What was collected.
    struct Result: CommandResult {
        let removal: RemovalResult

        func encode(to encoder: any Encoder) throws { try removal.encode(to: encoder) }
        var text: String { removal.isEmpty ? "nothing to prune" : removal.text }
        var brief: String { removal.brief }
    }
}

/// A span of time as people write it: a number and `s`, `m`, `h`, `d` or `w`.
struct Age: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Int64(argument.dropLast()),
            (0...36_500).contains(number)
        else { return nil }
        duration = .seconds(number * unit)
    }
}
