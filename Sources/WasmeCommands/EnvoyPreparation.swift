// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import Files
import SystemPackage

/// Puts a slot into a bootstrap: the resources first, so that Envoy can start with it, then the bootstrap.
struct EnvoyPreparation {
    let options: PrepareOptions
    let choice: BootstrapInsertion.Choice
    let slot: FilePath
    /// Where the bootstrap goes; nil for in place, `-` for the standard output.
    let out: String?
    let isDryRun: Bool
    let output: OutputOptions

    /// A bootstrap as it was read.
    private enum Source {
        case file(BootstrapFile)
        case standardInput(String)

        var text: String {
            switch self {
            case .file(let file): file.text
            case .standardInput(let text): text
            }
        }
    }

    func run(_ bootstrap: String, in context: CommandContext) async throws {
        let name = bootstrap == "-" ? "standard input" : bootstrap
        let source = try read(bootstrap, in: context)
        let planned = try SlotFolder.planned(
            at: slot, name: options.slotName ?? "wasme", kind: options.network ? .network : .http,
            places: options.places ?? 4, seenAs: options.slotAs.map { FilePath($0) })
        let result = try patch(source.text, with: planned.seenPlaces, of: planned, named: name)
        for note in result.notes { output.note("note: \(note)", in: context) }

        if isDryRun {
            return try output.print(
                Previewed(bootstrap: name, slot: Files.kind(slot) == nil ? slot : nil, result), in: context)
        }
        if case .file(let file) = source, out == nil, result.text != source.text {
            try file.requireWritable()
        }
        let isNewFolder = Files.kind(slot) == nil
        let prepared: Prepared
        do {
            let made = try SlotFolder.create(
                at: slot, name: planned.name, kind: planned.kind, places: planned.places.count,
                seenAs: options.slotAs.map { FilePath($0) })
            let version = try await tryOut(source.text, result, made, named: name, in: context)
            let backup = try write(result.text, over: source, in: context)
            prepared = Prepared(
                bootstrap: out ?? bootstrap, backup: backup, slot: made, slotAs: options.slotAs, result,
                isChanged: result.text != source.text, triedWith: version)
        } catch {
            // Nothing refers to it yet.
            if isNewFolder { try? Files.remove(slot) }
            throw error
        }
        if writesToOutput {
            if output.format == .json {
                try output.print(prepared, in: context)
            } else {
                context.terminal.writeOutput(result.text)
            }
        } else {
            try output.print(prepared, in: context)
        }
    }

    private var writesToOutput: Bool { out == "-" || (out == nil && options.prepare == "-") }

    private func read(_ bootstrap: String, in context: CommandContext) throws -> Source {
        bootstrap == "-"
            ? .standardInput(try BootstrapFile.text(bootstrap, in: context))
            : .file(try BootstrapFile(reading: context.path(bootstrap)))
    }

    private func patch(
        _ text: String, with places: [EnvoySlot], of slot: SlotFolder, named name: String
    ) throws -> EnvoyBootstrap.PatchResult {
        try EnvoyBootstrap.patch(
            text, with: BootstrapInsertion(places: places, of: slot.name, choice: choice), named: name)
    }

    /// Lets a local Envoy read the result, if there is one.
    /// - Returns: the Envoy's version; nil if nothing was tried.
    private func tryOut(
        _ before: String, _ result: EnvoyBootstrap.PatchResult, _ made: SlotFolder, named name: String,
        in context: CommandContext
    ) async throws -> String? {
        guard result.isBootstrap, let envoy = try? context.envoy(), let version = try? await envoy.version()
        else { return nil }
        // Envoy looks whether the slot's files are there; it may see them elsewhere than we do.
        let text =
            made.seenAs == made.path
            ? result.text : try patch(before, with: made.places, of: made, named: name).text
        do {
            try await envoy.validate(.text(text))
            return version
        } catch let refusal as EnvoyError where refusal.code == .rejected || refusal.code == .timedOut {
            do {
                try await envoy.validate(.text(before))
            } catch let earlier as EnvoyError {
                output.note(
                    "note: Envoy \(version) refuses \"\(name)\" also without the slot, so the result was not tried: \(earlier.reasons.first ?? earlier.message)",
                    in: context)
                return nil
            }
            throw CommandError(
                .failed,
                "Envoy \(version) refuses \"\(name)\" with the slot in it, and takes it without; nothing was changed",
                cause: refusal, hint: "choose other chains with --listener or --stat-prefix, or another slot")
        }
    }

    /// - Returns: where the old bootstrap is now.
    private func write(_ text: String, over source: Source, in context: CommandContext) throws -> FilePath? {
        if writesToOutput { return nil }
        if let out {
            try DeploymentPlan(summary: "", files: [.init(context.path(out), text: text)]).write(to: .apply)
            return nil
        }
        guard case .file(let file) = source, text != file.text else { return nil }
        return try file.replace(with: text)
    }
}

/// A bootstrap with a slot in it.
struct Prepared: CommandResult {
    let bootstrap: String
    let backup: String?
    let slot: String
    let name: String
    let places: [String]
    /// Where they begin in the bootstrap.
    let lines: [Int]
    /// The number of routes that pass them; nil if all do.
    let routes: Int?
    let admin: String?
    let changed: Bool
    /// The Envoy that has read the result.
    let triedWith: String?
    private let isBootstrap: Bool

    private enum CodingKeys: CodingKey {
        case bootstrap, backup, slot, name, places, lines, routes, admin, changed, triedWith
    }

    init(
        bootstrap: String, backup: FilePath?, slot: SlotFolder, slotAs: String?,
        _ result: EnvoyBootstrap.PatchResult, isChanged: Bool, triedWith: String?
    ) {
        self.bootstrap = bootstrap
        self.backup = backup?.string
        self.slot = slot.path.string
        name = slot.name
        places = slot.places.map(\.name)
        lines = result.places
        routes = result.routes == 0 ? nil : result.routes
        admin = result.admin?.description
        changed = isChanged
        self.triedWith = triedWith
        isBootstrap = result.isBootstrap
    }

    var text: String {
        let range = places.count == 1 ? places[0] : "\(places.first ?? "") … \(places.last ?? "")"
        let at = lines.prefix(8).map(String.init).joined(separator: ", ")
        var text = [
            changed
                ? "prepared \(bootstrap)" + (backup.map { " (before: \($0))" } ?? "")
                : "\(bootstrap) was prepared already",
            "slot \(slot): \(range)\(lines.isEmpty ? "" : ", at line \(at)\(lines.count > 8 ? " …" : "")")"
                + (routes.map { ", for \($0) \($0 == 1 ? "route" : "routes")" } ?? ""),
        ]
        if let triedWith { text.append("Envoy \(triedWith) takes it") }
        let deploy =
            "wasme deploy envoy REF --slot \(slot)" + (admin.map { " --admin \($0)" } ?? " --admin HOST:PORT")
        if !changed {
            text.append("next: \(deploy)")
        } else if isBootstrap {
            text += ["next: start or restart Envoy once with it, and from then on", "  \(deploy)"]
        } else {
            text += [
                "next: an Envoy that watches this file has taken it, if its bootstrap names a node; from now on",
                "  \(deploy)",
            ]
        }
        if admin == nil, isBootstrap {
            text.append(
                "  no fixed admin address is in it; without one nothing can be proved: admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}"
            )
        }
        return text.joined(separator: "\n")
    }
    var brief: String { slot }
}

/// What would change in a bootstrap.
struct Previewed: CommandResult {
    let bootstrap: String
    /// The slot that would be made.
    let newSlot: String?
    /// Lines, as in a unified difference without context.
    let difference: [String]

    init(bootstrap: String, slot: FilePath?, _ result: EnvoyBootstrap.PatchResult) {
        self.bootstrap = bootstrap
        newSlot = slot?.string
        difference =
            result.differences.isEmpty
            ? [] : ["--- \(bootstrap)", "+++ \(bootstrap)"] + result.differences.flatMap(\.lines)
    }

    var text: String {
        let changes = difference.isEmpty ? ["\(bootstrap) would stay as it is"] : difference
        return (changes + (newSlot.map { ["would make the slot \($0)"] } ?? [])).joined(separator: "\n")
    }
    var brief: String { difference.joined(separator: "\n") }
}

extension BootstrapFile {
    /// The text of a bootstrap as the user named it; `-` is the standard input.
    static func text(_ name: String, in context: CommandContext) throws -> String {
        guard name == "-" else { return try BootstrapFile(reading: context.path(name)).text }
        guard let text = String(validating: try context.terminal.readInput(), as: UTF8.self) else {
            throw noText("standard input")
        }
        return text
    }
}
