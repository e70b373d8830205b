// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import EnvoyControl
import Files
import Scenarios
import SystemPackage

/// `wasme test`.
struct TestCommand: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Play a filter's tests in a real Envoy.",
        usage: "wasme test [<file> ...|<dir>] [<options>]",
        discussion: """
            The project is built, and each test in its tests.yaml and tests/*.yaml is played by \
            a client, a server and an Envoy between them that runs the filter. What was not as \
            expected is shown with its place, with what Envoy logged meanwhile, and with a curl \
            that sends the same again. Docs/guides/testing.md shows all that a test can say.

            --module plays the tests with another module: an image, a .wasm file or a project. \
            --envoy plays them in each of several Envoys that 'wasme envoy install' has fetched.

            A configuration has to fit the filter's schema, unless its test expects that Envoy \
            refuses it. The exit status is 1 if a test fails, and 64 if a file cannot be understood.

            --record plays nothing: it runs the filter in front of a server until Ctrl-C, and \
            then writes what it did as tests, to standard output or to --output. Values of \
            headers such as authorization and cookie become placeholders.

            Examples:
              wasme test
              wasme test add-header
              wasme test tests/login.yaml --filter 'wants a key'
              wasme test --envoy 1.38,1.40 --format junit --output report.xml
              wasme test tests.yaml --module localhost:5000/acme/add-header:v1
              wasme test --list --filter '/^refuses/'
              wasme test --record http://127.0.0.1:3000 --output tests/recorded.yaml
            """)

    @Argument(
        help: ArgumentHelp(
            "Files with tests, or a project's folder (default: the project here).", valueName: "file"))
    var places: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "What is tested (default: the project that the tests belong to).", valueName: "file|dir|ref"))
    var module: String?

    @Option(
        help: ArgumentHelp(
            "Versions of Envoy, or beginnings of them, with commas between.", valueName: "version"))
    var envoy: String?

    @Option(
        help: ArgumentHelp(
            "Play only tests with this in their names, or that /a regular expression/ matches.",
            valueName: "name"))
    var filter: String?

    @Flag(help: "List the tests, and play none.")
    var list = false

    @Flag(help: "Say which callbacks of the module were never entered.")
    var coverage = false

    @Flag(help: "Stop after the first test that fails.")
    var failFast = false

    @Flag(name: .customLong("no-only"), help: "Fail if a test says 'only: true', as CI should.")
    var refusesOnly = false

    @Option(help: ArgumentHelp("How to print the results.", valueName: "text|json|junit|tap"))
    var format: TestFormat = .text

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write them into a file, and lines for people here.", valueName: "file"))
    var output: String?

    @Flag(name: .shortAndLong, help: "Print only what fails, and no progress.")
    var quiet = false

    @Option(help: ArgumentHelp("Record requests to this server instead.", valueName: "url"))
    var record: String?

    @Option(
        help: ArgumentHelp(
            "The filter's configuration while recording, or @ and a file with it.", valueName: "json|@file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Where to listen while recording; port 0 is any free one.", valueName: "host:port")
    )
    var listen: String?

    @Flag(help: "Record also the values of headers that hold secrets.")
    var keepSecrets = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions

    func validate() throws {
        if list, format == .junit || format == .tap {
            throw ValidationError("a list is text or json: results are told as \(format.rawValue)")
        }
        if list, output != nil { throw ValidationError("--output is for results, and --list has none") }
        if record == nil, config != nil || listen != nil || keepSecrets {
            throw ValidationError("--config, --listen and --keep-secrets are for --record")
        }
        if record != nil, list || filter != nil || envoy != nil || places.count > 1 {
            throw ValidationError(
                "--record plays no tests: name the project, or another filter with --module")
        }
    }

    func run(in context: CommandContext) async throws {
        if let record {
            let recording = RunRecord(
                subject: module ?? places.first ?? ".", upstream: record, configuration: config,
                listen: listen ?? "127.0.0.1:10000", file: output.map { context.path($0) },
                keepsSecrets: keepSecrets, quiet: quiet)
            return try await recording.run(store: store, access: access, in: context)
        }
        // First what takes no time: a mistake should not cost a build.
        let report = try output.map { try Self.report($0, in: context) }
        let place = try TestPlace(places, module: module, in: context)
        let wanted = try filter.map { try TestNamePattern($0) }
        let selection = try TestSelection(
            place.read(in: context), wanted, refusesOnly: refusesOnly)
        if list { return try show(selection, in: context) }
        if let note = selection.note, !quiet { context.terminal.note(note) }
        let envoys = try await TestEnvoy.find(envoy, in: context)
        let runnable = try await RunnableFilter.load(
            place.subject, store: store, access: access, quiet: quiet, in: context)
        try selection.check(against: runnable)

        let printer = TestPrinter(
            format: format, output: report, subject: runnable.name, quiet: quiet,
            namesFiles: selection.files.count > 1, namesEnvoys: envoys.count > 1, terminal: context.terminal)
        var reports: [ScenarioReport] = []
        for envoy in envoys {
            printer.begin(envoy.version)
            reports.append(
                try await envoy.play(
                    selection.files, runnable, coverage: coverage, failFast: failFast, in: context,
                    each: printer.add))
            if failFast, !ScenarioCount(reports.flatMap(\.results)).isGood { break }
        }
        try printer.end(reports)
        guard ScenarioCount(reports.flatMap(\.results)).isGood else { throw ExitCode.failure }
    }

    /// The file for results, in a folder that is there.
    private static func report(_ text: String, in context: CommandContext) throws -> FilePath {
        let path = context.path(text)
        let folder = path.removingLastComponent()
        guard Files.kind(folder) == .directory, Files.kind(path) != .directory else {
            throw CommandError(
                .usage, "the results cannot be written to \"\(text)\"",
                hint: "name a file in a folder that is there")
        }
        return path
    }

    private func show(_ selection: TestSelection, in context: CommandContext) throws {
        let list = TestList(selection.files)
        var output = OutputOptions()
        output.format = format == .json ? .json : .text
        output.quiet = quiet
        try output.print(list, in: context)
    }
}

/// How results are printed.
enum TestFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text
    case json
    case junit
    case tap
}

/// The names of tests.
struct TestList: CommandResult {
    struct Item: Encodable {
        let file: String
        let line: Int
        let name: String
        /// Why it is not played.
        let skip: String?
    }

    let tests: [Item]

    init(_ files: [ScenarioFile]) {
        tests = files.flatMap { file in
            file.scenarios.map {
                Item(file: file.name, line: $0.line, name: $0.name, skip: $0.skip)
            }
        }
    }

    var text: String {
        tests.map { "\($0.file):\($0.line): \($0.name)" + ($0.skip.map { " (skipped: \($0))" } ?? "") }
            .joined(separator: "\n")
    }
    var brief: String { tests.map(\.name).joined(separator: "\n") }
}
