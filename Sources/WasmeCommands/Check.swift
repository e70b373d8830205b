// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterImage
import FilterInspection
import FilterProject
import HostProfiles
import OCI
import OCILayout
import WasmBinary

/// `wasme check`.
struct Check: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether hosts take a module or an image, before it is deployed.",
        discussion: """
            A module is held against what each host offers: ABI version, host \
            calls and their types, callbacks, allocator, memory. An image is also \
            held against what the host's fetcher takes. Nothing is run, unless \
            --run lets a real Envoy load the module.

            A project is built first, and checked for 'targets' in its wasme.yaml. \
            An image that is not in the local store is looked at in its registry, \
            and only what the check needs is fetched; --run pulls it.

            Without a target: the newest Envoy, Istio and Envoy Gateway. A target is \
            a host and its version or versions: envoy, envoy:1.33, 'envoy>=1.33', \
            'istio>=1.22,<1.28'; 'all' is the newest of every known host.

            The exit status is 1 if a host refuses it, and 0 with warnings only.

            Examples:
              wasme check add-header
              wasme check filter.wasm --target 'envoy>=1.30' --target istio:1.27
              wasme check localhost:5000/acme/add-header:v1 --target all
              wasme check filter.wasm --run --config '{"header": "x"}'
              wasme check . --format sarif > wasme.sarif
            """)

    @Argument(
        help: ArgumentHelp(
            "A .wasm file (- reads standard input), a project's folder, or an image.",
            valueName: "file|dir|ref"))
    var subject: String = "."

    @Option(
        name: .shortAndLong, help: ArgumentHelp("A host to check for; may be repeated.", valueName: "host"))
    var target: [String] = []

    @Flag(help: "Let a real Envoy load it too, with the example configuration if there is one.")
    var run = false

    @Option(
        help: ArgumentHelp(
            "The configuration for --run, or @ and a file with it.", valueName: "json|@file"))
    var config: String?

    @Option(help: ArgumentHelp("How to print the result.", valueName: "text|json|sarif"))
    var format: CheckFormat = .text

    @Flag(name: .shortAndLong, help: "Print nothing: the exit status says it.")
    var quiet = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions

    func validate() throws {
        guard run || config == nil else { throw ValidationError("--config is for --run") }
    }

    func run(in context: CommandContext) async throws {
        let catalog = try HostCatalog.bundled()
        // First what takes no time: a mistyped target should not cost a build.
        let asked = try target.flatMap { text in
            text == "all" ? catalog.everyTarget : [try HostTarget(text)]
        }
        for target in asked { _ = try catalog.profiles(for: target) }
        let sample = try await sample(in: context)
        let targets = !asked.isEmpty ? asked : sample.targets ?? HostCatalog.usualTargets
        let report = try catalog.report(sample.subject, for: targets)
        let trial = run ? try await EnvoyTrial.run(sample, config: config, in: context) : nil
        let result = CheckResult(
            sample: sample, report: report, trial: trial,
            paint: Paint(isActive: context.terminal.showsColour && format == .text))
        if !quiet { context.terminal.writeOutput(try result.formatted(format) + "\n") }
        guard report.isTaken, trial?.reason == nil else { throw ExitCode.failure }
    }

    /// Reads what is to be checked, as far as the check needs it.
    private func sample(in context: CommandContext) async throws -> CheckSample {
        switch try Specimen.find(subject, in: context) {
        case .file(let name, let bytes):
            return CheckSample(file: name, bytes)
        case .project(let project):
            if let assumption = project.assumption, !quiet { context.terminal.note("note: \(assumption)") }
            let built = try await project.build(checks: false, in: context) { line in
                if !quiet { context.terminal.note(line) }
            }
            return try await CheckSample(built, path: subject)
        case .image(let place):
            // An Envoy needs the whole module.
            let filter =
                run
                ? try await StoredFilter.load(
                    place, store: store, access: access, quiet: quiet, in: context) : nil
            let image = try await ImagePlaces(store, access, in: context).find(place, .storeFirst)
            var sample = try await CheckSample(image)
            sample.rootID = filter?.content.runtime.rootIDs.first
            sample.example = filter?.content.exampleConfiguration
            return sample
        }
    }
}

/// How the result of a check is printed.
enum CheckFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text
    case json
    case sarif
}

/// What is checked, and what the project or the image says about it.
struct CheckSample {
    /// What the user called it.
    let name: String
    let subject: CheckSubject
    /// Where findings are shown by programs that know files: a relative path.
    let path: String
    /// Whether that path is the checked file itself, so that offsets are places in it.
    var isFile = false
    /// The image's digest.
    var digest: Digest?
    /// How much was read, of how many bytes of the layers.
    var reading: (extent: ImageInspection.Extent, bytes: Int64, of: Int64)?
    /// The project's own targets.
    var targets: [HostTarget]?
    /// A configuration that shows the filter at work, as JSON.
    var example: String?
    var rootID: String?

    /// The bytes of a file that is no module: an Envoy may be asked all the same.
    private(set) var unreadableBytes: [UInt8]?

    /// The module's bytes, if all of them are here.
    var moduleBytes: [UInt8]? {
        if case .whole(let module) = subject.module, !module.bytes.isEmpty { module.bytes } else { nil }
    }

    /// A file, whatever it is.
    init(file name: String, _ bytes: [UInt8]) {
        self.name = name
        path = name
        isFile = true
        do {
            subject = CheckSubject(.whole(try WasmModule(bytes)))
        } catch {
            subject = CheckSubject(.unreadable(error))
            unreadableBytes = bytes
        }
    }

    /// A project that was built, with the image that it would become.
    init(_ built: BuiltFilter, path: String) async throws {
        let manifest = built.manifest
        let image = try FilterImage.compose(FilterContent(built))
        let found = try await ImageInspection.read(image.document, from: image.access)
        name = manifest.name.description
        subject = found.subject
        self.path = path == "." ? FilterProject.manifestName : "\(path)/\(FilterProject.manifestName)"
        targets = manifest.targets.isEmpty ? nil : manifest.targets
        example = manifest.config.example.map { "\($0)" }
        rootID = manifest.module.rootIDs.first
    }

    /// An image in the store or in a registry.
    init(_ image: FoundImage) async throws {
        let found = try await ImageInspection.read(image.document, from: image.blobs)
        name = image.name
        subject = found.subject
        path = "\(image.reference?.repository.path ?? "image")/plugin.wasm"
        digest = image.document.digest
        if case .manifest(let manifest) = found.document.content, image.blobs.isRemote {
            reading = (found.extent, found.bytesRead, manifest.layers.reduce(0) { $0 + $1.size })
        }
    }
}
