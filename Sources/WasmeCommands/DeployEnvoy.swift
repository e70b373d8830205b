// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import Files
import FilterImage
import OCI
import OCILayout
import SystemPackage

/// `wasme deploy envoy`.
struct DeployEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Deploy to an Envoy that stands alone.",
        discussion: """
            With --slot, a filter goes live in Envoys that run, without a restart: it is \
            written where they watch, and done when every Envoy of --admin has shown \
            that it runs the filter on all of its threads; otherwise what was there \
            before comes back by itself. --prepare puts the slot into an Envoy's \
            bootstrap, once. A deployment of the same --id is replaced.

            Without --slot, a bootstrap is rendered, or, with --bootstrap, the filter goes \
            into yours, before the router of every HTTP connection manager, and all else \
            stays as it is. The result is printed, written (--out) or run (--run).

            An image that is not in the local store is pulled; what is live is its digest, \
            wherever its tag goes.

            Examples:
              wasme deploy envoy --prepare envoy.yaml --slot /etc/envoy/slot
              wasme deploy envoy add-header:v1 --slot /etc/envoy/slot --admin :9901
              wasme deploy envoy add-header:v2 --slot /etc/envoy/slot --admin :9901 \\
                --config @config.json --probe 'GET / expect header hello: world'
              wasme deploy envoy -f deployment.yaml --dry-run
              wasme deploy envoy localhost:5000/acme/add-header:v1 --run
              wasme deploy envoy add-header:v1 --bootstrap e.yaml --out e.yaml
              wasme deploy envoy add-header:v1 --upstream 127.0.0.1:3000 --run
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String?

    @OptionGroup(title: "The filter") var options: FilterOptions
    @OptionGroup(title: "Envoys that run") var envoys: EnvoyFleetOptions
    @OptionGroup(title: "A change of Envoys that run") var change: EnvoyChangeOptions
    @OptionGroup(title: "A deploy to Envoys that run") var slotOptions: EnvoySlotOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Your own bootstrap, YAML or JSON; - reads standard input.", valueName: "file"))
    var bootstrap: String?

    @Option(help: ArgumentHelp("Where to write the bootstrap; - is standard output.", valueName: "file"))
    var out: String?

    @Flag(
        help: "Write the bootstrap where it was, with what was there before beside it as .bak.")
    var inPlace = false

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @Flag(help: "Run a real Envoy with it until this command is interrupted.")
    var run = false

    @Option(
        help: ArgumentHelp(
            "Where the rendered Envoy listens (default: 127.0.0.1:8080).", valueName: "host:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "Where it sends requests (default: it answers them itself).", valueName: "host:port"))
    var upstream: String?

    @OptionGroup(title: "Choosing the place in your bootstrap") var choice: BootstrapChoiceOptions
    @OptionGroup(title: "Preparing a slot") var preparation: PrepareOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let stray = preparation.strayOption {
            throw ValidationError("\(stray) belongs to --prepare, which is missing")
        }
        if preparation.prepare != nil {
            guard reference == nil else {
                throw ValidationError(
                    "--prepare takes no image: prepare first, then deploy \"\(reference ?? "")\" to the slot")
            }
            guard envoys.slot != nil else {
                throw ValidationError("--prepare needs --slot with the folder that the slot is to be")
            }
            return
        }
        if envoys.isGiven { return try validateSlots() }
        guard reference != nil else { throw ValidationError("the image is missing") }
        if let option = (options.runtimeOptions + slotOptions.given).first {
            throw ValidationError("\(option) is for Envoys that run: add their --slot and --admin")
        }
        if !choice.isEmpty, bootstrap == nil {
            throw ValidationError(
                "--listener, --stat-prefix and --before choose a place in a bootstrap: name it with --bootstrap"
            )
        }
        if dryRun, bootstrap == nil {
            throw ValidationError("--dry-run shows what changes in a bootstrap: name it with --bootstrap")
        }
        if inPlace, bootstrap == nil || bootstrap == "-" || out != nil {
            throw ValidationError("--in-place needs a file that --bootstrap names, and no --out")
        }
        if bootstrap != nil, listen != nil || upstream != nil {
            throw ValidationError(
                "--listen and --upstream shape a rendered bootstrap; yours, named by --bootstrap, has its own"
            )
        }
    }

    func run(in context: CommandContext) async throws {
        if let bootstrap = preparation.prepare, let slot = envoys.slot {
            return try await EnvoyPreparation(
                options: preparation, choice: choice.choice(routes: preparation.route),
                slot: context.path(slot), out: out, isDryRun: dryRun, output: output
            ).run(bootstrap, in: context)
        }
        if envoys.isGiven { return try await deployToSlots(in: context) }
        let reference = reference ?? ""
        let image = try await StoredFilter.load(
            context.place(reference), store: store, access: access, quiet: output.quiet, in: context)
        let configuration = try options.config.map { try context.configuration($0) }
        try image.check(configuration)
        let module = try context.home().appending("modules").appending(
            EnvoyFilter.moduleName(image.content.module))
        var filter = try EnvoyFilter(
            id: options.id ?? image.name,
            rootID: options.rootID ?? image.content.runtime.rootIDs.first ?? "", modulePath: module,
            configuration: configuration, image: image.reference, digest: image.digest)
        filter.failurePolicy = options.failurePolicy ?? .reload
        let patched = try bootstrap.map { try patch($0, with: filter, in: context) }
        if dryRun, let bootstrap, let patched {
            return try output.print(Previewed(bootstrap: bootstrap, slot: nil, patched), in: context)
        }
        let text = try patched?.text ?? render(filter)
        let moduleFile = DeploymentPlan.File(module, bytes: image.content.module)

        if let out, out != "-" {
            let plan = DeploymentPlan.envoy(
                filter, module: image.content.module, bootstrap: context.path(out), text: text)
            try plan.write(to: .apply)
        } else {
            try DeploymentPlan(summary: "the module of \(image.digest)", files: [moduleFile]).write(
                to: .apply)
        }
        if inPlace, let bootstrap {
            let file = try BootstrapFile(reading: context.path(bootstrap))
            if file.text != text {
                let backup = try file.replace(with: text)
                output.note("what was there before is in \"\(backup)\"", in: context)
            }
        }
        if run {
            try await runEnvoy(
                text, filter, build: BuildStamp.id(of: image.content.module), in: context)
        } else if let written = inPlace ? bootstrap : out, written != "-" {
            try output.print(
                Written(
                    bootstrap: written, module: module.string, image: "\(image.place)",
                    digest: image.digest),
                in: context)
        } else if output.format == .json {
            try output.print(
                Rendered(
                    bootstrap: text, module: module.string, image: "\(image.place)",
                    digest: image.digest),
                in: context)
        } else {
            context.terminal.writeOutput(text)
        }
    }

    // MARK: - Envoys that run

    /// Makes sure that what is given belongs together.
    private func validateSlots() throws {
        let stray = [
            bootstrap.map { _ in "--bootstrap" }, out.map { _ in "--out" }, inPlace ? "--in-place" : nil,
            run ? "--run" : nil, listen.map { _ in "--listen" }, upstream.map { _ in "--upstream" },
            choice.isEmpty ? nil : "--listener, --stat-prefix or --before",
        ].compactMap { $0 }
        if let option = stray.first {
            throw ValidationError(
                "\(option) is about a bootstrap, and Envoys that run keep theirs: leave it out")
        }
        guard envoys.file != nil else {
            if reference == nil { throw ValidationError("the image is missing") }
            return
        }
        if let reference {
            throw ValidationError("--file names the image itself: leave out \"\(reference)\"")
        }
        if options.isGiven {
            throw ValidationError("--file says itself how the filter is to run: leave out its options")
        }
    }

    private func deployToSlots(in context: CommandContext) async throws {
        let deployment = EnvoySlotDeployment(
            change: change, options: slotOptions, isDryRun: dryRun, store: store, access: access,
            output: output, context: context)
        for named in try envoys.fleets(in: context) {
            if let reference {
                try await deployment.run(reference, options, to: named)
            } else {
                try await deployment.run(named)
            }
        }
    }

    // MARK: - The bootstrap

    private func render(_ filter: EnvoyFilter) throws -> String {
        var settings = EnvoyBootstrap.Settings()
        if let listen { settings.listener = try HostPort(listen) }
        if let upstream { settings.upstream = try HostPort(upstream) }
        // A second Envoy on the same port would start happily and take half of the traffic.
        settings.sharesPort = !run
        return try EnvoyBootstrap.render(filter, settings)
    }

    private func patch(
        _ bootstrap: String, with filter: EnvoyFilter, in context: CommandContext
    ) throws -> EnvoyBootstrap.PatchResult {
        let name = bootstrap == "-" ? "standard input" : bootstrap
        let text = try BootstrapFile.text(bootstrap, in: context)
        let result = try EnvoyBootstrap.patch(text, with: filter, choice: choice.choice(), named: name)
        let lines = result.places.map(String.init).joined(separator: ", ")
        output.note("filter \"\(filter.name)\" goes into \"\(name)\" at line \(lines)", in: context)
        return result
    }

    // MARK: - Running

    private func runEnvoy(
        _ text: String, _ filter: EnvoyFilter, build: String?, in context: CommandContext
    ) async throws {
        let binary = try context.envoy()
        var settings = EnvoyOptions()
        settings.logLevel = "warning"
        do {
            try await EnvoyProcess.run(
                binary, .text(text), options: settings, transport: context.makeTransport()
            ) { envoy in
                let health = try await envoy.admin.proveLoaded(build: build)
                let proof =
                    switch health {
                    case .loaded(let machines, let workers, let marker):
                        "\(machines) virtual machines on \(workers) workers"
                            + (marker.map { ", \($0) is set" } ?? "")
                    case .failed(let reason), .notProved(let reason):
                        throw CommandError(
                            .failed, "not proved that envoy runs \"\(filter.id)\": \(reason)",
                            hint:
                                "write the bootstrap with --out and run 'envoy -c' on it to see Envoy's own log"
                        )
                    }
                try output.print(
                    Running(
                        id: filter.id, listeners: envoy.listeners.map { "http://\($0.address)" },
                        admin: "http://\(envoy.admin.address)", pid: envoy.pid, digest: filter.digest,
                        proof: proof),
                    in: context)
                output.note("stop with Ctrl-C", in: context)
                try await envoy.waitForExit()
                throw CommandError(.failed, "envoy ended by itself", hint: "its log says why: \(envoy.log)")
            }
        } catch let error as EnvoyError
            where error.reasons.contains(where: { $0.contains("Address already in use") })
        {
            let hint =
                bootstrap.map { "end it, or choose another address in \"\($0)\"" }
                ?? "end it, or choose another address with --listen, as in --listen 127.0.0.1:0 for any free port"
            throw CommandError(
                .failed,
                "cannot listen on \"\(listen ?? bootstrap ?? "127.0.0.1:8080")\": another process listens there",
                cause: error, hint: hint)
        }
    }

    /// The bootstrap that was written.
    struct Written: CommandResult {
        let bootstrap: String
        let module: String
        let image: String
        let digest: Digest

        var text: String {
            """
            wrote \(bootstrap)
            image \(image)
            \(digest)
            next: envoy -c \(bootstrap)
            """
        }
        var brief: String { digest.description }
    }

    /// The bootstrap as a value, for programs.
    struct Rendered: CommandResult {
        let bootstrap: String
        let module: String
        let image: String
        let digest: Digest

        var text: String { bootstrap }
        var brief: String { bootstrap }
    }

    /// The Envoy that runs.
    struct Running: CommandResult {
        let id: String
        let listeners: [String]
        let admin: String
        let pid: Int32
        let digest: Digest
        /// What Envoy's own statistics say.
        let proof: String

        var text: String {
            (listeners.map { "live at \($0)" } + [
                "admin at \(admin) (process \(pid))", "loaded: \(proof)", digest.description,
            ])
            .joined(separator: "\n")
        }
        var brief: String { listeners.joined(separator: "\n") }
    }
}
