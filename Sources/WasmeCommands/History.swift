// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import OCI
import SystemPackage

/// `wasme history`: a verb for each target.
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what was deployed when, and by whom.",
        subcommands: [
            HistoryEnvoy.self, HistoryKubernetes<IstioVerbs>.self, HistoryKubernetes<EnvoyGatewayVerbs>.self,
            HistoryKubernetes<GlooVerbs>.self, HistoryKubernetes<HigressVerbs>.self,
            HistoryKubernetes<KumaVerbs>.self, HistoryKubernetes<ConsulVerbs>.self,
            HistoryKubernetes<CiliumVerbs>.self,
        ])
}

/// `wasme history envoy`.
struct HistoryEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Show what was deployed to Envoys that stand alone.",
        discussion: """
            The history lies in the slot: no Envoy is asked. --format json has \
            everything of each revision, also its configuration.

            Examples:
              wasme history envoy --slot /etc/envoy/slot
              wasme history envoy add-header --slot /etc/envoy/slot --format json
            """)

    @Argument(help: ArgumentHelp("Of this deployment alone.", valueName: "id"))
    var id: String?

    @OptionGroup(title: "Envoys") var envoys: EnvoyFleetOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        var slots: [HistoryResult.Slot] = []
        for named in try envoys.fleets(in: context) {
            let deployer = try EnvoyChangeOptions.parse([]).deployer(named, quiet: true, in: context)
            for (member, history) in zip(named.fleet.members, try deployer.histories()) {
                if let id, !history.ids.contains(id) {
                    throw CommandError(
                        .usage, "there never was a deployment \"\(id)\" in \"\(member.slot)\"",
                        hint: history.ids.isEmpty
                            ? "nothing was deployed there yet"
                            : "there were: \(history.ids.joined(separator: ", "))")
                }
                if history.damagedLines > 0 {
                    output.note(
                        "warning: \(history.damagedLines) \(history.damagedLines == 1 ? "line" : "lines") of \"\(history.file)\" cannot be read",
                        in: context)
                }
                let revisions = id.map { history.revisions(of: $0) } ?? history.revisions
                slots.append(
                    HistoryResult.Slot(
                        slot: member.slot.string,
                        revisions: revisions.map { revision in
                            HistoryResult.Revision(
                                revision, isLive: history.current(revision.id)?.number == revision.number)
                        }))
            }
        }
        try output.print(HistoryResult(slots: slots), in: context)
    }
}

/// What was deployed.
struct HistoryResult: CommandResult {
    /// One slot, and what was done in it, oldest first.
    struct Slot: Encodable {
        let slot: String
        let revisions: [Revision]
    }

    /// One change.
    struct Revision: Encodable {
        let id: String
        let revision: Int
        let time: String
        let who: String
        let action: String
        /// The revision that a rollback went back to.
        let source: Int?
        let outcome: String
        let because: String?
        /// Whether it is what is live.
        let live: Bool
        let place: Int?
        let image: String?
        let digest: Digest?
        /// The SHA-256 of the module.
        let module: String?
        let rootID: String?
        let configuration: String?
        let failurePolicy: String?
        let priority: Int?

        init(_ revision: SlotRevision, isLive: Bool) {
            id = revision.id
            self.revision = revision.number
            time = revision.time
            who = revision.who
            action = revision.action.rawValue
            source = revision.source
            outcome = revision.outcome.name
            because = revision.outcome.reason
            live = isLive
            place = revision.place
            image = revision.deployment?.image.map { "\($0)" }
            digest = revision.deployment?.digest
            module = revision.module
            rootID = revision.deployment?.rootID
            configuration = revision.deployment?.configuration
            failurePolicy = revision.deployment.map { ($0.failurePolicy ?? .reload).word }
            priority = revision.deployment?.priority
        }

        fileprivate var row: [String] {
            [
                live ? "*" : "", id, "\(revision)", time, who, action + (source.map { " to \($0)" } ?? ""),
                outcome, image ?? "", digest?.short ?? "",
            ]
        }
    }

    let slots: [Slot]

    var text: String {
        slots.map { slot in
            let title = slots.count > 1 ? "\(slot.slot)\n" : ""
            guard !slot.revisions.isEmpty else { return title + "nothing was deployed to \(slot.slot) yet" }
            let rows = table(
                ["", "ID", "REV", "WHEN", "WHO", "WHAT", "OUTCOME", "IMAGE", "DIGEST"],
                slot.revisions.map(\.row))
            let reasons = slot.revisions.compactMap { revision in
                revision.because.map { "\(revision.id) \(revision.revision) \(revision.outcome): \($0)" }
            }
            return title + ([rows] + reasons).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    var brief: String { slots.flatMap(\.revisions).map { "\($0.id) \($0.revision)" }.joined(separator: "\n") }
}
