// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterImage
import FilterProject
import Files
import OCI
import OCILayout
import SystemPackage

/// `wasme build`.
struct Build: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build a project's module and pack it into an image.",
        usage: """
            wasme build [<dir>] [<options>]
            wasme build <language> [<dir>] [<options>]
            wasme build precompiled <file> [<options>]
            """,
        discussion: """
            Drives the language's own toolchain, checks that the hosts that \
            'targets' in wasme.yaml names take the module, and stores the image \
            under its names. Without targets these are the newest Envoy, Istio and \
            Envoy Gateway. The same sources give the same digest. In a git repository \
            the image says which commit it was built from.

            While nothing has changed, no toolchain is run and nothing is packed. \
            What is remembered for that lies in the project's folder .wasme, which git \
            ignores; --no-cache does without, and --clean also removes what the \
            toolchain keeps.

            The toolchain sees the usual variables, those of its language, and what \
            'build.environment' in wasme.yaml names; nothing else.

            A folder without a wasme.yaml is built if its files leave no doubt about \
            its language; its image has the folder's name and no version. 'precompiled' \
            packs a finished module, and needs no other file.

            Examples:
              wasme build -t localhost:5000/acme/add-header:v1
              wasme build add-header -t add-header:v1 -t add-header:latest
              wasme build --watch
              wasme build --debug -t add-header:debug
              wasme build add-header --no-check
              wasme build cpp -t acme/auth:v1 ./auth
              wasme build precompiled filter.wasm -t acme/auth:v1 --root-id auth
              wasme build add-header --annotation org.opencontainers.image.vendor=Acme
            """)

    @Argument(
        help: ArgumentHelp(
            "The project's folder, or one below it (default: the current one); before it the language, if files of several are there.",
            valueName: "dir"))
    var places: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The image's name; may be repeated (default: the project's name and version).", valueName: "ref"))
    var tag: [String] = []

    @Flag(help: "Small and fast, or with the names of functions and what a debugger needs.")
    var kind: Kind = .release

    @Flag(help: "Build again whenever a file of the project changes, until Ctrl-C.")
    var watch = false

    @Flag(name: .customLong("no-cache"), help: "Build also what has not changed.")
    var skipsMemory = false

    @Flag(help: "First remove what earlier builds left in the project.")
    var clean = false

    @Flag(name: .customLong("no-check"), help: "Build also what the targets do not take.")
    var skipsCheck = false

    @Option(
        name: .customLong("root-id"),
        help: ArgumentHelp(
            "The name by which a host asks for the filter, where no wasme.yaml says it; may be repeated.",
            valueName: "id"))
    var rootID: [String] = []

    @Option(
        help: ArgumentHelp(
            "Something more that the image says of itself; may be repeated.", valueName: "key=value"))
    var annotation: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    /// What the module is for.
    enum Kind: String, EnumerableFlag {
        case release
        case debug
    }

    func run(in context: CommandContext) async throws {
        let annotations = try annotation.map(Self.pair)
        let project = try project(in: context)
        if let assumption = project.assumption { output.note("note: \(assumption)", in: context) }
        if clean {
            for name in try await project.clean(environment: context.environment) {
                output.note("removed \(name)", in: context)
            }
        }
        guard watch else {
            return try output.print(try await build(project, annotations, in: context), in: context)
        }
        try await watch(project, annotations, in: context)
    }

    // MARK: - Which project

    /// The project that the arguments name.
    private func project(in context: CommandContext) throws -> FilterProject {
        let (language, place) = try target(in: context)
        let path = context.path(place ?? ".")
        let project =
            language == Language.precompiled.name && Files.kind(path) != .directory
            ? try FilterProject.precompiled(path) : try FilterProject.find(from: path, language: language)
        return rootID.isEmpty ? project : try project.answering(to: rootID)
    }

    /// Tells a language from a folder: one that is there comes first.
    private func target(in context: CommandContext) throws -> (language: String?, place: String?) {
        switch places.count {
        case 0: return (nil, nil)
        case 1:
            guard let language = Language.named(places[0]), Files.kind(context.path(places[0])) == nil else {
                return (nil, places[0])
            }
            guard language.name != Language.precompiled.name else {
                throw CommandError(
                    .usage, "\"precompiled\" needs the module that is to be packed",
                    hint: "name it, as in 'wasme build precompiled filter.wasm -t acme/auth:v1'")
            }
            return (language.name, nil)
        case 2:
            guard let language = Language.named(places[0]) else {
                throw CommandError(
                    .usage, "\"\(places[0])\" is not a language, and one project is built at a time",
                    hint: "known are \(Language.all.map(\.name).joined(separator: ", "))")
            }
            return (language.name, places[1])
        default:
            throw CommandError(
                .usage, "one project is built at a time, not \(places.count)",
                hint: "write 'wasme build [language] [dir]'")
        }
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

    // MARK: - Building

    /// Builds and packs once.
    func build(
        _ project: FilterProject, _ annotations: [(key: String, value: String)], in context: CommandContext
    ) async throws -> BuildResult {
        let start = ContinuousClock.now
        let manifest = project.manifest
        let names = tag.isEmpty ? ["\(manifest.name):\(manifest.version ?? Tag.latest.name)"] : tag
        let references = try names.map { try context.newName($0) }
        let store = try store.open(in: context)
        let built = try await project.build(
            checks: !skipsCheck, in: context,
            configure: { build in
                build.configuration = kind == .debug ? .debug : .release
                build.usesMemory = !skipsMemory && !clean
                build.showsOutput = !output.quiet
            }
        ) { [output] line in
            output.note(line, in: context)
        }
        var content = FilterContent(built)
        content.annotations.merge(built.revision.annotations) { $1 }
        for (key, value) in annotations { content.set(key, value) }
        let (digest, isNew) = try await pack(content, built, as: references, into: store)
        return BuildResult(
            references: references.compactMap(\.tagged), digest: digest, built: built, isNew: isNew,
            duration: .now - start)
    }

    /// Packs the image, unless it is in the store under these names already.
    private func pack(
        _ content: FilterContent, _ built: BuiltFilter, as references: [Reference], into store: ImageStore
    ) async throws -> (Digest, isNew: Bool) {
        let key = content.fingerprint
        if !skipsMemory, let image = built.made.record.image, image.key == key,
            store.has(image.digest, as: references)
        {
            return (image.digest, false)
        }
        let document = try await FilterImage.pack(content, as: references, into: store)
        built.remember(image: document.digest, of: key)
        return (document.digest, true)
    }

    // MARK: - Watching

    /// Builds again and again; what is wrong with one state of the sources is said, and the next one waited for.
    private func watch(
        _ first: FilterProject, _ annotations: [(key: String, value: String)], in context: CommandContext
    ) async throws {
        var project = first
        let watch = try FolderWatch(first)
        while true {
            let before = try? BuildInputs(of: project).digest()
            do {
                project = try self.project(in: context)
                try output.print(
                    Watched(result: try await build(project, annotations, in: context)), in: context)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                context.terminal.note(render(error))
            }
            output.note("watching \(project.root)", in: context)
            repeat { try await watch.change() } while (try? BuildInputs(of: project).digest()) == before
        }
    }
}
