// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import EnvoyControl
import FilterProject
import FilterBench
import Files
import SystemPackage

/// `wasme bench`.
struct Bench: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what a filter costs, in a real Envoy.",
        discussion: """
            Envoys with and without the filter take turns under the same load, on this \
            machine only: requests a second, latencies, processor time for a request, \
            memory. Each figure is the median of the turns with the least and the most; \
            what the filter costs is told from turns that follow one another. Behind the \
            filter Envoy answers itself, so that nothing else is measured.

            With --compare another version takes its turns too. If wasme.yaml has a \
            'bench.budget', the exit status is 1 when the filter costs more.

            Examples:
              wasme bench
              wasme bench add-header --rounds 9
              wasme bench --compare localhost:5000/acme/add-header:v1
              wasme bench filter.wasm --method POST --body '{"a": 1}' --answer-size 4096
              wasme bench localhost:5000/acme/add-header:v1 --format json
            """)

    @Argument(
        help: ArgumentHelp("A project's folder, an image or a .wasm file.", valueName: "dir|ref|file"))
    var subject: String = "."

    @Option(
        help: ArgumentHelp("Another version to compare with, as for the first.", valueName: "dir|ref|file"))
    var compare: String?

    @Option(
        help: ArgumentHelp(
            "The filter's configuration, or @ and a file with it (default: the example's).",
            valueName: "json|@file"))
    var config: String?

    @Option(help: ArgumentHelp("How often each has its turn, 1 to 100.", valueName: "n"))
    var rounds: Int = 5

    @Option(help: ArgumentHelp("How long a turn takes, 0.1 to 60.", valueName: "seconds"))
    var seconds: Double = 2

    @Option(help: ArgumentHelp("Connections at once, 1 to 512.", valueName: "n"))
    var connections: Int = 16

    @Option(help: ArgumentHelp("Worker threads of Envoy, 1 to 64.", valueName: "n"))
    var workers: Int = 1

    @Option(help: ArgumentHelp("The requests' method.", valueName: "method"))
    var method: String = "GET"

    @Option(help: ArgumentHelp("The requests' path.", valueName: "path"))
    var path: String = "/"

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A header of the requests; may be repeated.", valueName: "name: value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("The requests' body, or @ and a file with it.", valueName: "text|@file"))
    var body: String?

    @Option(help: ArgumentHelp("How many bytes Envoy answers, at most 1048576.", valueName: "bytes"))
    var answerSize: Int = 0

    @Option(
        help: ArgumentHelp(
            "An installed version of Envoy, as in 1.38 (default: the usual one).",
            valueName: "version"))
    var envoy: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        func check(_ value: Double, _ range: ClosedRange<Double>, _ option: String) throws {
            guard range.contains(value) else {
                throw ValidationError(
                    "--\(option) is between \(short(range.lowerBound)) and \(short(range.upperBound))")
            }
        }
        try check(Double(rounds), 1...100, "rounds")
        try check(seconds, 0.1...60, "seconds")
        try check(Double(connections), 1...512, "connections")
        try check(Double(workers), 1...64, "workers")
        try check(Double(answerSize), 0...1_048_576, "answer-size")
    }

    private func short(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : "\(number)"
    }

    func run(in context: CommandContext) async throws {
        let plan = try plan(in: context)
        let binary = try await context.envoy(option: envoy)
        let version = try await binary.version()
        let filter = try await load(subject, in: context)
        var nothing = BenchSubject(name: "no filter")
        nothing.kind = filter.kind
        var subjects = [nothing, try benchSubject(filter, as: filter.name, in: context)]
        if let compare {
            let other = try await load(compare, in: context)
            guard other.kind == filter.kind else {
                throw CommandError(
                    .usage, "\"\(compare)\" is another kind of filter than \"\(subject)\"",
                    hint: "compare HTTP filters with HTTP filters, and network filters with network filters")
            }
            subjects.append(try benchSubject(other, as: compare, in: context))
        }
        let progress = BenchProgress(terminal: context.terminal, quiet: output.quiet)
        defer { progress.end() }
        let measurements = try await BenchRun(
            envoy: binary, plan: plan, transport: context.makeTransport()
        ).run(subjects) { turn, all in progress.show(turn, of: all) }
        progress.end()
        let result = BenchResult(
            measurements, plan: plan, envoy: version, budget: filter.project?.manifest.budget)
        try output.print(result, in: context)
        guard result.isWithinBudget else { throw ExitCode.failure }
    }

    private func load(_ text: String, in context: CommandContext) async throws -> RunnableFilter {
        try await RunnableFilter.load(text, store: store, access: access, quiet: output.quiet, in: context)
    }

    private func benchSubject(
        _ filter: RunnableFilter, as name: String, in context: CommandContext
    ) throws -> BenchSubject {
        var subject = BenchSubject(name: name, module: filter.module)
        subject.rootID = filter.rootID
        subject.kind = filter.kind
        subject.configuration = try filter.configuration(config, in: context)
        return subject
    }

    private func plan(in context: CommandContext) throws -> BenchPlan {
        var plan = BenchPlan()
        plan.rounds = rounds
        plan.turn = .seconds(seconds)
        plan.workers = workers
        plan.answerSize = answerSize
        plan.load.method = method
        plan.load.path = path
        plan.load.connections = connections
        plan.load.headers = try header.map { text in
            guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
                throw CommandError(
                    .usage, "\"\(text)\" is no header", hint: "write 'name: value', as in 'x-user: alice'")
            }
            let value = text[text.index(after: colon)...].drop { $0 == " " }
            return BenchLoad.Header(String(text[..<colon]), String(value))
        }
        if let body {
            plan.load.body =
                try body.hasPrefix("@")
                ? Files.read(context.path(String(body.dropFirst())), limit: 1 << 20) : Array(body.utf8)
        }
        return plan
    }
}

/// Says on a terminal how far a measurement is.
private struct BenchProgress: Sendable {
    let terminal: Terminal
    let quiet: Bool

    private var isShown: Bool { terminal.showsProgress && !quiet }

    func show(_ turn: Int, of all: Int) {
        if isShown { terminal.writeError("\r\u{1B}[Kmeasuring: turn \(turn) of \(all)") }
    }

    func end() {
        if isShown { terminal.writeError("\r\u{1B}[K") }
    }
}
