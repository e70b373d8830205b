// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterProject
import SystemPackage
import WasmeTemplates

/// `wasme init`.
struct Init: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a filter project.",
        discussion: """
            The project has the filter, its configuration schema, a unit test that \
            runs without a proxy, and the SDK: it builds offline. On a terminal, \
            what is missing is asked for.

            Examples:
              wasme init add-header --language swift
              wasme init . --language swift --name add-header --force
            """)

    @Argument(help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "dir"))
    var folder: String?

    @Option(help: ArgumentHelp("The language to write the filter in.", valueName: "language"))
    var language: String?

    @Option(help: ArgumentHelp("The filter's name (default: the folder's).", valueName: "name"))
    var name: String?

    @Flag(
        help:
            "Write into a folder that holds something; files of the template are replaced, no other is touched."
    )
    var force = false

    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let catalog = try TemplateCatalog.find(environment: context.environment)
        let questions = Questions(context)
        let folder = try questions.answer(
            folder, "Folder",
            missing: "name the folder to write, as in 'wasme init add-header --language swift'")
        let path = context.path(folder)
        let languages = Set(try ProjectTemplate.all(in: catalog).map(\.language)).sorted()
        let language = try questions.answer(
            language, "Language", choices: languages, suggestion: languages.count == 1 ? languages[0] : nil,
            missing: "add --language, one of \(languages.joined(separator: ", "))")
        let derived = FilterName.derived(from: path.lastComponent?.string ?? "")
        let name =
            try name ?? questions.choice("Name", suggestion: derived?.description)
            ?? derived?.description
        guard let name else {
            throw CommandError(
                .usage, "no filter name follows from the folder \"\(folder)\"",
                hint: "add --name, as in --name add-header")
        }
        let scaffold = try Scaffold(
            try ProjectTemplate.find(language: language, in: catalog), in: catalog, name: try FilterName(name)
        )
        let files = try scaffold.write(to: path, force: force)
        try output.print(Result(name: name, folder: path.string, files: files, shown: folder), in: context)
    }

    /// The project that was written.
    struct Result: CommandResult {
        let name: String
        let folder: String
        let files: [String]
        /// The folder as the user wrote it.
        let shown: String

        enum CodingKeys: CodingKey {
            case name
            case folder
            case files
        }

        var text: String {
            // The SDK's files are many and not the user's to edit.
            let own = files.filter { !$0.hasPrefix("Packages/") }
            let copied = files.count - own.count
            let sdk = copied > 0 ? ["  Packages/ (the SDK, \(copied) files)"] : []
            return
                (["wrote \(name) to \(shown):"] + own.map { "  \($0)" } + sdk
                + ["next: wasme build \(shown) -t \(name):v1"]).joined(separator: "\n")
        }
        var brief: String { folder }
    }
}

/// Asks on a terminal for what the command line leaves open.
struct Questions {
    private let terminal: Terminal

    init(_ context: CommandContext) { terminal = context.terminal }

    /// The value that was given, else the answer to a question.
    func answer(
        _ given: String?, _ question: String, choices: [String] = [], suggestion: String? = nil,
        missing: String
    ) throws -> String {
        if let given { return given }
        if let answer = try choice(question, choices: choices, suggestion: suggestion) { return answer }
        throw CommandError(.usage, "\(question.lowercased()) is missing", hint: missing)
    }

    /// The answer to a question; nil if nobody is there to ask.
    func choice(_ question: String, choices: [String] = [], suggestion: String? = nil) throws -> String? {
        guard terminal.isInteractive else { return nil }
        let options = choices.count > 1 ? " (\(choices.joined(separator: ", ")))" : ""
        while true {
            terminal.writeError("\(question)\(options)\(suggestion.map { " [\($0)]" } ?? ""): ")
            guard let line = try terminal.readAnswer() else { throw CancellationError() }
            let answer = line.drop { $0 == " " }
            if answer.isEmpty {
                if let suggestion { return suggestion }
                continue
            }
            if choices.isEmpty || choices.contains(String(answer)) { return String(answer) }
            terminal.note("\"\(answer)\" is none of \(choices.joined(separator: ", "))")
        }
    }
}
