// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterImage
import FilterInspection
import FilterProject
import HostProfiles
import ImageTransfer
import WasmBinary

/// `wasme inspect`.
struct Inspect: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a module or an image is made of, or what differs between two.",
        discussion: """
            Shows what the filter can do, told from its imports and exports, what it \
            needs, how it is configured, and how its image is laid out. Nothing is \
            run, and nothing is kept: an image that is not in the local store is \
            fetched, looked at and forgotten.

            --capabilities writes the restriction for Envoy's wasm filter that \
            allows what the module needs, and nothing else.

            --diff shows what is not the same in another file or image. The exit \
            status is 0 whether or not something differs.

            Examples:
              wasme inspect add-header:v1
              wasme inspect filter.wasm --format json
              wasme inspect filter.wasm --capabilities
              wasme inspect add-header:v1 --diff add-header:v2
            """)

    @Argument(
        help: ArgumentHelp(
            "A .wasm file (- reads standard input), or an image.", valueName: "file|ref"))
    var subject: String

    @Option(help: ArgumentHelp("What to compare it with.", valueName: "file|ref"))
    var diff: String?

    @Flag(help: "Write only Envoy's capability_restriction_config, as YAML or as JSON.")
    var capabilities = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard diff == nil || !capabilities else {
            throw ValidationError("--diff and --capabilities do not go together")
        }
    }

    func run(in context: CommandContext) async throws {
        let (description, module) = try await describe(subject, in: context)
        if capabilities {
            try output.print(CapabilityRestriction(module), in: context)
        } else if let diff {
            let other = try await describe(diff, in: context).description
            try output.print(
                DifferenceResult(
                    difference: FilterDifference(description, other), paint: paint(in: context)),
                in: context)
        } else {
            try output.print(
                InspectResult(description: description, paint: paint(in: context)), in: context)
        }
    }

    private func paint(in context: CommandContext) -> Paint {
        Paint(isActive: context.terminal.showsColour && output.format == .text)
    }

    private func describe(
        _ text: String, in context: CommandContext
    ) async throws -> (description: FilterDescription, module: WasmModule) {
        switch try Specimen.find(text, in: context) {
        case .file(let name, let bytes):
            let module = try Self.module(bytes, in: "\"\(name)\"")
            return (FilterDescription(module, named: name), module)
        case .project(let project):
            throw CommandError(
                .usage, "\"\(text)\" is a project, which is no module yet",
                hint:
                    "build it and inspect its image, as in 'wasme build \(text)' and 'wasme inspect \(project.manifest.name):\(project.manifest.version ?? "latest")'"
            )
        case .image(let place):
            let image = try await ImagePlaces(store, access, in: context).find(place, .storeFirst)
            let content = try await context.showing(.reading, quiet: output.quiet) { transfer in
                try await FilterImage.unpack(
                    image.document, from: transfer.observing(image.blobs, of: image.document))
            }
            let module = try Self.module(content.module, in: "image \"\(image.name)\"")
            return (FilterDescription(module, content, image.document, named: image.name), module)
        }
    }

    private static func module(_ bytes: [UInt8], in what: String) throws -> WasmModule {
        do {
            return try WasmModule(bytes)
        } catch {
            throw CommandError(.failed, "cannot inspect \(what): \(error)", hint: error.hint)
        }
    }
}

/// Envoy's `capability_restriction_config` for one module.
struct CapabilityRestriction: CommandResult {
    private let names: [String]

    init(_ module: WasmModule) { names = Capabilities(module).allowed }

    var text: String {
        (["capability_restriction_config:", "  allowed_capabilities:"] + names.map { "    \($0): {}" })
            .joined(separator: "\n")
    }
    var brief: String { text }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        let allowed = Dictionary(uniqueKeysWithValues: names.map { ($0, [String: String]()) })
        try container.encode(["capability_restriction_config": ["allowed_capabilities": allowed]])
    }
}

/// What differs, as lines with `-` and `+`.
struct DifferenceResult: CommandResult {
    let difference: FilterDifference
    let paint: Paint

    func encode(to encoder: any Encoder) throws { try difference.encode(to: encoder) }

    var brief: String { difference.changes.isEmpty ? "same" : "different" }

    var text: String {
        guard !difference.changes.isEmpty else { return "nothing differs" }
        var lines = [paint("--- \(difference.from)", .bold), paint("+++ \(difference.to)", .bold)]
        var group = ""
        for change in difference.changes {
            if change.group != group {
                group = change.group
                lines.append(paint(group, .cyan))
            }
            if let value = change.from { lines.append(paint("- \(change.name)\(Self.tail(value))", .red)) }
            if let value = change.to { lines.append(paint("+ \(change.name)\(Self.tail(value))", .green)) }
        }
        return lines.joined(separator: "\n")
    }

    private static func tail(_ value: String) -> String { value.isEmpty ? "" : ": \(value)" }
}
