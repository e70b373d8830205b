// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterImage
import FilterProject
import OCI
import OCILayout
import SystemPackage
import WasmBinary
import WasmeTemplates

/// `wasme build`.
struct Build: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build a project's module and pack it into an image.",
        discussion: """
            Drives the language's own toolchain, checks that the hosts that \
            'targets' in wasme.yaml names take the module, and stores the image \
            under its names. Without targets these are the newest Envoy, Istio and \
            Envoy Gateway. The same sources give the same digest. In a git repository \
            the image says which commit it was built from.

            Examples:
              wasme build -t localhost:5000/acme/add-header:v1
              wasme build add-header -t add-header:v1 -t add-header:latest
              wasme build add-header --no-check
              wasme build add-header --annotation org.opencontainers.image.vendor=Acme
            """)

    @Argument(
        help: ArgumentHelp("The project's folder, or one below it.", valueName: "dir"))
    var folder: String = "."

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The image's name; may be repeated (default: the project's name and version).", valueName: "ref"))
    var tag: [String] = []

    @Flag(name: .customLong("no-check"), help: "Build also what the targets do not take.")
    var skipsCheck = false

    @Option(
        help: ArgumentHelp(
            "Something more that the image says of itself; may be repeated.", valueName: "key=value"))
    var annotation: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let annotations = try annotation.map(Self.pair)
        let project = try FilterProject.find(from: context.path(folder))
        let manifest = project.manifest
        let names = tag.isEmpty ? ["\(manifest.name):\(manifest.version ?? Tag.latest.name)"] : tag
        let references = try names.map { try context.newName($0) }
        let store = try store.open(in: context)
        let built = try await project.build(checks: !skipsCheck, in: context) { [output] line in
            output.note(line, in: context)
        }
        var content = FilterContent(built)
        content.annotations.merge(built.revision.annotations) { $1 }
        for (key, value) in annotations { content.set(key, value) }
        let document = try await FilterImage.pack(content, as: references, into: store)
        try output.print(
            Result(
                references: references.compactMap(\.tagged), digest: document.digest,
                moduleSize: built.module.size,
                abiVersion: built.abiVersion.map { "v\($0)" }),
            in: context)
    }

    private static func pair(_ text: String) throws -> (key: String, value: String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw CommandError(
                .usage, "\"\(text)\" is no annotation",
                hint: "write key=value, as in org.opencontainers.image.vendor=Acme")
        }
        let key = String(text[..<equals])
        guard !key.hasPrefix("module.wasm.") else {
            throw CommandError(
                .usage, "the annotation \"\(key)\" follows from the module", hint: "leave it out")
        }
        return (key, String(text[text.index(after: equals)...]))
    }

    /// The image that was built.
    struct Result: CommandResult {
        let references: [String]
        let digest: Digest
        /// Bytes of the module.
        let moduleSize: Int
        /// What the module says that it is for.
        let abiVersion: String?

        var text: String {
            references.map { "built \($0)" }.joined(separator: "\n")
                + "\nmodule \(byteCount(Int64(moduleSize))), Proxy-Wasm ABI \(abiVersion ?? "not named")\n\(digest)"
        }
        var brief: String { digest.description }
    }
}

extension FilterContent {
    /// What a build made, with what the project says of it.
    init(_ built: BuiltFilter) {
        let manifest = built.manifest
        self.init(
            module: built.module.bytes,
            runtime: RuntimeConfig(
                abiVersions: built.abiVersion.map { ["v\($0)"] } ?? [], rootIDs: manifest.module.rootIDs),
            metadata: FilterMetadata(
                name: manifest.name.description, version: manifest.version, description: manifest.description,
                licence: manifest.licence, language: manifest.language, type: manifest.module.type.rawValue),
            configSchema: built.configSchema, readme: built.readme, licence: built.licence, icon: built.icon)
    }
}
