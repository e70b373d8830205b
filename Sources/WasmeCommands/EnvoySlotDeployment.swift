// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import ImageTransfer
import OCI

/// What only a deploy to Envoys that run can be told.
struct EnvoySlotOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A request that proves it, as in 'GET /x expect header a: b'; may be repeated.",
            valueName: "probe"))
    var probe: [String] = []

    @Flag(help: "Put the module into the resource, for Envoys that do not see the slot's other files.")
    var inline = false

    @Flag(help: "Deploy also what the Envoys' version is known not to take.")
    var noCheck = false

    @Flag(help: "Print the FilterDeployment file that says the same, and change nothing.")
    var printDeployment = false

    init() {}

    /// The options as they are given.
    var given: [String] {
        [
            probe.isEmpty ? nil : "--probe", inline ? "--inline" : nil, noCheck ? "--no-check" : nil,
            printDeployment ? "--print-deployment" : nil,
        ].compactMap { $0 }
    }
}

/// A deploy to Envoys that run: from an image and options, or as a file says it.
struct EnvoySlotDeployment {
    let change: EnvoyChangeOptions
    let options: EnvoySlotOptions
    let isDryRun: Bool
    let store: StoreOptions
    let access: RegistryAccessOptions
    let output: OutputOptions
    let context: CommandContext

    /// Deploys what the command line says.
    func run(_ reference: String, _ filter: FilterOptions, to named: NamedFleet) async throws {
        let (image, deployment) = try await resolve(reference, filter)
        try await carryOut(image, deployment, to: named)
    }

    /// Deploys what a file says.
    func run(_ named: NamedFleet) async throws {
        guard let (image, deployment) = try await resolve(named) else { return }
        try await carryOut(image, deployment, to: named)
    }

    /// What deploying the command line's filter would change.
    func difference(
        _ reference: String, _ filter: FilterOptions, _ named: NamedFleet
    ) async throws -> SlotDifferenceResult {
        let (image, deployment) = try await resolve(reference, filter)
        return try difference(image, deployment, named)
    }

    /// What deploying a file would change.
    func difference(_ named: NamedFleet) async throws -> SlotDifferenceResult {
        guard let (image, deployment) = try await resolve(named) else {
            throw CommandError(.usage, "the image is missing")
        }
        return try difference(image, deployment, named)
    }

    private func difference(
        _ image: StoredFilter, _ deployment: FilterDeployment, _ named: NamedFleet
    ) throws -> SlotDifferenceResult {
        try image.check(deployment.configuration)
        let deployer = try change.deployer(
            named, probes: options.probe, isInline: options.inline, quiet: output.quiet, in: context)
        return SlotDifferenceResult(
            deployment,
            try deployer.difference(
                deployment, module: image.content.module, build: BuildStamp.id(of: image.content.module)),
            paint: Paint(isActive: context.terminal.showsColour))
    }

    private func resolve(
        _ reference: String, _ filter: FilterOptions
    ) async throws -> (StoredFilter, FilterDeployment) {
        let image = try await StoredFilter.load(
            try context.place(reference), store: store, access: access, quiet: output.quiet, in: context)
        return (image, try filter.deployment(of: image, in: context))
    }

    private func resolve(_ named: NamedFleet) async throws -> (StoredFilter, FilterDeployment)? {
        guard let file = named.file else { return nil }
        return try await file.resolve(store: store, access: access, quiet: output.quiet, in: context)
    }

    /// Prints the file that says the same.
    private func printDeployment(_ deployment: FilterDeployment, _ named: NamedFleet) throws {
        var target = FilterDeploymentFile.EnvoyTarget(fleet: named.fleet)
        if let order = change.order { target.fleet.order = order }
        target.fleet.isAtomic = target.fleet.isAtomic || change.atomic
        target.timeout = change.timeout.flatMap { DurationText.parse($0) } ?? named.timeout
        target.probes = try (named.probes + options.probe).map { try EnvoyProbe($0).description }
        let file = try FilterDeploymentFile.said(deployment, .envoy(target), access)
        context.terminal.writeOutput(file.yaml)
    }

    private func carryOut(
        _ image: StoredFilter, _ deployment: FilterDeployment, to named: NamedFleet
    ) async throws {
        try image.check(deployment.configuration)
        if isDryRun { return try output.print(difference(image, deployment, named), in: context) }
        if options.printDeployment { return try printDeployment(deployment, named) }
        let deployer = try change.deployer(
            named, probes: options.probe, isInline: options.inline, quiet: output.quiet, in: context)
        let check = try HostVersionCheck(image)
        let surveys = try await deployer.survey()
        if !options.noCheck {
            for note in try check.check(surveys) { output.note("warning: \(note)", in: context) }
        }
        let build = BuildStamp.id(of: image.content.module)
        let outcome = try await deployer.deploy(deployment, module: image.content.module, build: build)
        let paint = Paint(isActive: context.terminal.showsColour)
        try output.print(
            EnvoyChangeResult(
                "deployed", deployment.id, outcome, memory: check.memory(surveys), paint: paint), in: context)
    }
}

extension StoredFilter {
    /// In which chain of filters it stands.
    var kind: EnvoyPlugin.Kind {
        content.metadata.type.flatMap(EnvoyPlugin.Kind.init) ?? RunnableFilter.kind(of: content.module)
    }
}
