// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import Files
import Foundation
import SystemPackage

extension EnvoyFleet.Order: ExpressibleByArgument {}

/// Which Envoys that stand alone a command is about.
struct EnvoyFleetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The slot: the folder that --prepare has made, or one file that Envoy watches.",
            valueName: "dir|file"))
    var slot: String?

    @Option(
        help: ArgumentHelp(
            "The admin interface of an Envoy that reads the slot, as in 127.0.0.1:9901 or :9901; may be repeated.",
            valueName: "host:port"))
    var admin: [String] = []

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            "A FilterDeployment file with slots and Envoys, in place of --slot and --admin; - reads standard input.",
            valueName: "file"))
    var file: String?

    init() {}

    func validate() throws {
        if file != nil, slot != nil || !admin.isEmpty {
            throw ValidationError("--file names the slots and Envoys itself: leave out --slot and --admin")
        }
        if slot == nil, !admin.isEmpty {
            throw ValidationError("--admin needs the --slot that the Envoy reads")
        }
    }

    /// Whether anything is said of Envoys that run.
    var isGiven: Bool { slot != nil || file != nil }

    /// The fleets that are meant, each with the document that names it.
    func fleets(in context: CommandContext) throws -> [NamedFleet] {
        if let file { return try NamedFleet.read(file, in: context) }
        guard let slot else {
            throw CommandError(
                .usage, "it is not said which Envoys are meant",
                hint: "name their slot and admin address, as in --slot /etc/envoy/slot --admin 127.0.0.1:9901"
            )
        }
        let member = EnvoyFleet.Member(
            slot: context.path(slot), admins: try admin.map { try HostPort(admin: $0) })
        return [NamedFleet(fleet: EnvoyFleet([member]), file: nil)]
    }
}

/// Slots and Envoys, from a command line or a file.
struct NamedFleet {
    var fleet: EnvoyFleet
    /// The document that names it.
    var file: FilterDeploymentFile?
    var timeout: Duration?
    var probes: [String] = []

    init(fleet: EnvoyFleet, file: FilterDeploymentFile?) {
        self.fleet = fleet
        self.file = file
    }

    /// Reads a file of `FilterDeployment`s.
    /// - Throws: a `Diagnostic` that names what is wrong; an error of usage if one is not for Envoys that stand alone.
    static func read(_ name: String, in context: CommandContext) throws -> [NamedFleet] {
        try FilterDeploymentFile.load(name, in: context).map { file in
            guard let named = NamedFleet(file, from: name, in: context) else {
                throw CommandError(
                    .usage,
                    "\"\(name)\" deploys \"\(file.id)\" to \(file.target.name), which this command is not for",
                    hint: "write spec.deployment.envoy for Envoys that stand alone")
            }
            return named
        }
    }

    /// The fleet that a document of a file names; nil if it is for something else than Envoys that stand alone.
    init?(_ file: FilterDeploymentFile, from name: String, in context: CommandContext) {
        guard case .envoy(let target) = file.target else { return nil }
        // Paths are meant as the file's author sees them.
        let folder = name == "-" ? context.workingDirectory : context.path(name).removingLastComponent()
        fleet = target.fleet
        fleet.members = fleet.members.map { member in
            EnvoyFleet.Member(
                slot: folder.pushing(member.slot).lexicallyNormalized(), admins: member.admins)
        }
        self.file = file
        timeout = target.timeout
        probes = target.probes
    }
}

extension FilterDeploymentFile {
    /// Reads the documents of a file; `-` is standard input.
    static func load(_ name: String, in context: CommandContext) throws -> [FilterDeploymentFile] {
        let title = name == "-" ? "standard input" : name
        let bytes =
            try name == "-" ? context.terminal.readInput() : Files.read(context.path(name), limit: 16 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(
                .usage, "\"\(title)\" is not UTF-8 text", hint: "name a FilterDeployment in YAML")
        }
        return try read(text, file: title)
    }
}

/// How a change of Envoys that stand alone is made.
struct EnvoyChangeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long each Envoy may take to take the change and to load it (default: 10s).",
            valueName: "time"))
    var timeout: String?

    @Option(
        help: ArgumentHelp(
            "How long to look afterwards whether the filter traps (default: 1s).", valueName: "time"))
    var watch: String?

    @Option(
        help: ArgumentHelp(
            "Slots of a file one after another, or all at once: sequential or parallel.", valueName: "order"))
    var order: EnvoyFleet.Order?

    @Flag(help: "All slots of a file go back if one Envoy does not take it.")
    var atomic = false

    @Flag(help: "Replace what others have put into the slot.")
    var replace = false

    init() {}

    func validate() throws {
        for (name, text) in [("--timeout", timeout), ("--watch", watch)] {
            if let text, DurationText.parse(text) == nil {
                throw ValidationError("\(name) is \"\(text)\": write a time, as in 500ms, 10s or 2m")
            }
        }
    }

    /// Makes what carries changes out.
    func deployer(
        _ named: NamedFleet, probes: [String] = [], isInline: Bool = false, quiet: Bool,
        in context: CommandContext
    ) throws -> EnvoyDeployer {
        var fleet = named.fleet
        if let order { fleet.order = order }
        if atomic { fleet.isAtomic = true }
        var options = EnvoyDeployer.Options(who: context.who)
        options.timeout = timeout.flatMap { DurationText.parse($0) } ?? named.timeout ?? options.timeout
        options.watch = watch.flatMap { DurationText.parse($0) } ?? options.watch
        options.probes = try (named.probes + probes).map { try EnvoyProbe($0) }
        options.isInline = isInline
        options.replacesForeign = replace
        options.binary = try? context.envoy()
        let narrator = EnvoyNarrator(terminal: context.terminal, quiet: quiet)
        return EnvoyDeployer(
            fleet, options: options, connect: context.admin, progress: { narrator.tell($0) })
    }
}

extension CommandContext {
    /// Who changes something, as in `anna@build-1`; `WASME_WHO` says it where accounts have no names.
    var who: String {
        if let who = environment["WASME_WHO"], !who.isEmpty { return who }
        let user = environment["USER"] ?? environment["LOGNAME"] ?? ""
        return "\(user.isEmpty ? NSUserName() : user)@\(ProcessInfo.processInfo.hostName)"
    }

    /// The admin interface at an address.
    var admin: @Sendable (HostPort) -> EnvoyAdmin {
        let makeTransport = makeTransport
        return { EnvoyAdmin($0, transport: makeTransport()) }
    }
}
