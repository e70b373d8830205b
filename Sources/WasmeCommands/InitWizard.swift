// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FilterProject
import HostProfiles
import SystemPackage

/// Comes from what the command line says to what a project needs: by asking, or by what is usual.
struct InitWizard {
    private let questions: Questions
    private let templates: [ProjectTemplate]
    private let choice: InitChoice
    private let tools: ToolGlance
    private let isAsking: Bool
    private(set) var choices: Scaffold.Choices

    init(
        _ questions: Questions, _ templates: [ProjectTemplate], _ choice: InitChoice,
        _ choices: Scaffold.Choices, tools: ToolGlance, isAsking: Bool
    ) {
        self.questions = questions
        self.templates = templates
        self.choice = choice
        self.choices = choices
        self.tools = tools
        self.isAsking = isAsking
        if isAsking { questions.say("A new filter. Enter takes what stands in [brackets], q leaves.") }
    }

    /// The folder, as it was written and in full; looked at before anything else is asked.
    func folder(
        _ given: String?, in context: CommandContext, force: Bool
    ) throws -> (shown: String, path: FilePath) {
        func check(_ text: String) throws -> (shown: String, path: FilePath) {
            let path = context.path(text)
            try Scaffold.check(path, force: force)
            return (text, path)
        }
        if let given { return try check(given) }
        return try questions.ask("Folder", accept: check)
    }

    func template() throws -> ProjectTemplate {
        var language = choice.language
        if language == nil, isAsking {
            let languages = ordered(Set(templates.map(\.language)))
            if languages.count > 1 {
                language = try questions.choose(
                    "Language",
                    languages.map {
                        Questions.Option(value: $0, note: tools.knows($0) ? tools.note(for: $0) : "")
                    },
                    suggestion: languages.first { tools.isReady($0) } ?? languages[0])
            }
        }
        var kind = choice.kind
        let usual = try ProjectTemplate.find(language: language, kind: kind, among: templates)
        let kinds = templates.filter { $0.language == usual.language }
        if kind == nil, isAsking, kinds.count > 1 {
            kind = try questions.choose(
                "Kind", kinds.map { Questions.Option(value: $0.kind, note: $0.summary) },
                suggestion: usual.kind)
        }
        return try ProjectTemplate.find(language: usual.language, kind: kind, among: templates)
    }

    func name(for path: FilePath, shown: String, _ template: ProjectTemplate) throws -> FilterName {
        func check(_ text: String) throws -> FilterName {
            let name = try FilterName(text)
            try name.check(inLanguage: template.language)
            return name
        }
        if let given = choice.name { return try check(given) }
        let derived = FilterName.derived(from: path.lastComponent?.string ?? "")
        if isAsking { return try questions.ask("Name", suggestion: derived?.description, accept: check) }
        guard let derived else {
            throw CommandError(
                .usage, "no filter name follows from the folder \"\(shown)\"",
                hint: "add --name, as in --name add-header")
        }
        try derived.check(inLanguage: template.language)
        return derived
    }

    /// Asks for what the template needs: on a terminal also where nothing else is asked, if there is no default.
    mutating func parameters(of template: ProjectTemplate) throws {
        for parameter in template.parameters where choices.parameters[parameter.name] == nil {
            guard isAsking || (questions.canAsk && parameter.defaultValue == nil) else { continue }
            let question = parameter.description.map { "\($0) (\(parameter.name))" } ?? parameter.name
            if !parameter.choices.isEmpty {
                choices.parameters[parameter.name] = try questions.choose(
                    question, parameter.choices.map { Questions.Option(value: $0, note: "") },
                    suggestion: parameter.defaultValue)
                continue
            }
            choices.parameters[parameter.name] = try questions.ask(
                question, suggestion: parameter.defaultValue
            ) { answer in
                if let fault = parameter.fault(in: answer) {
                    throw CommandError(.usage, "\"\(answer)\" \(fault)")
                }
                return answer
            }
        }
    }

    mutating func targets() throws {
        guard isAsking, choices.targets.isEmpty else { return }
        choices.targets = try questions.ask(
            "Targets: which proxies it is for", suggestion: Self.usualTargets
        ) { answer in
            try InitChoice.targets(Self.split(answer))
        }
    }

    private static let usualTargets = "envoy>=1.33, istio>=1.22"

    /// Parts at commas; a comma before a comparison belongs to the range, as in `istio>=1.22,<1.28`.
    private static func split(_ text: String) -> [String] {
        text.split(separator: ",").reduce(into: [String]()) { parts, part in
            let word = part.trimmingPrefix { $0 == " " }
            if word.first == "<" || word.first == ">", let last = parts.popLast() {
                parts.append("\(last),\(word)")
            } else if !word.isEmpty {
                parts.append(String(word))
            }
        }
    }

    private func ordered(_ languages: Set<String>) -> [String] { tools.order(languages) }
}
