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
            The project has the filter, the schema of its configuration, tests that \
            run without a proxy, and a README; --list shows the languages and kinds \
            of filters there are. On a terminal, 'wasme init' alone asks for what it \
            needs; with a folder and a language it asks nothing.

            Third-party templates: a folder, a git repository (https, ssh or file, \
            with a branch, tag or commit behind #), or an image that --package made. \
            A template is data: it runs nothing, and its files stay in the new \
            folder. It has a template.json, and files ending in .mustache whose \
            {{{name}}} and parameters are filled in. 'init --package' puts one into \
            the store for 'wasme push'.

            A project of the original wasme (runtime-config.json beside its sources) \
            becomes one of this by --from-wasme: in place, where only wasme.yaml is \
            added, or copied to a new folder. What no longer works is named.

            Examples:
              wasme init
              wasme init add-header --language swift
              wasme init gate --language rust --kind http-call --target 'envoy>=1.35'
              wasme init --list
              wasme init x --template https://github.com/acme/kit#v2 --set team=blue
              wasme init x --template ghcr.io/acme/templates/auth:v1
              wasme init --package my-template -t localhost:5000/acme/my-template:v1
              wasme init --from-wasme old-filter --dry-run
              wasme init --from-wasme old-filter new-filter
            """)

    @Argument(help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "dir"))
    var folder: String?

    @OptionGroup(title: "What to write") var choice: InitChoice

    @Option(
        help: ArgumentHelp(
            "A template from elsewhere: a folder, a git address, or an image.",
            valueName: "path|git-url|ref"))
    var template: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "A value that the template asks for; may be repeated.", valueName: "name=value"))
    var values: [String] = []

    @Flag(
        help:
            "Write into a folder that holds something; files of the template are replaced, no other is touched."
    )
    var force = false

    @Flag(help: "List the languages and kinds there are, or those of --template.")
    var list = false

    @Option(
        name: .customLong("package"),
        help: ArgumentHelp("Put the template in this folder into the store.", valueName: "dir"))
    var packaged: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("With --package: the template's name; may be repeated.", valueName: "ref"))
    var tag: [String] = []

    @Option(
        name: .customLong("from-wasme"),
        help: ArgumentHelp("Take over a project of the original wasme.", valueName: "dir"))
    var original: String?

    @Flag(help: "With --from-wasme: show what would be written.")
    var dryRun = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let modes = [
            list ? "--list" : nil, packaged.map { _ in "--package" }, original.map { _ in "--from-wasme" },
        ]
        .compactMap(\.self)
        if modes.count > 1 { throw ValidationError("\(modes[0]) and \(modes[1]) do not go together") }
        if !tag.isEmpty, packaged == nil { throw ValidationError("--tag is for --package") }
        if packaged != nil, tag.isEmpty {
            throw ValidationError("--package needs a name for the template: --tag")
        }
        if dryRun, original == nil { throw ValidationError("--dry-run is for --from-wasme") }
        if list || packaged != nil, folder != nil { throw ValidationError("\(modes[0]) writes no folder") }
        if template != nil, packaged != nil || original != nil {
            throw ValidationError("\(modes[0]) and --template do not go together")
        }
    }

    func run(in context: CommandContext) async throws {
        if list { return try await listTemplates(in: context) }
        if let packaged { return try await package(context.path(packaged), in: context) }
        if let original { return try migrate(original, in: context) }
        try await start(in: context)
    }

    // MARK: A new project

    private func start(in context: CommandContext) async throws {
        let catalog = try TemplateCatalog.find(environment: context.environment)
        var choices = try choice.choices()
        choices.parameters = try parameters()
        let questions = Questions(context)
        let isWizard = questions.canAsk && (folder == nil || (choice.language == nil && template == nil))
        guard isWizard || folder != nil else {
            throw CommandError(
                .usage, "folder is missing",
                hint: "name the folder to write, as in 'wasme init add-header --language swift'")
        }
        // Nothing is fetched for a folder that cannot be written.
        if let folder { try Scaffold.check(context.path(folder), force: force) }
        let source = try await templates(catalog, in: context)
        let languages = Set(source.templates.map(\.language))
        guard isWizard || choice.language != nil || template != nil else {
            throw CommandError(
                .usage, "language is missing",
                hint: "add --language, one of \(languages.sorted().joined(separator: ", "))")
        }
        var wizard = InitWizard(
            questions, source.templates, choice, choices, tools: ToolGlance(in: context), isAsking: isWizard)
        let (shown, path) = try wizard.folder(folder, in: context, force: force)
        let template = try wizard.template()
        let name = try wizard.name(for: path, shown: shown, template)
        try wizard.parameters(of: template)
        try wizard.targets()
        let scaffold = try Scaffold(template, in: catalog, name: name, choices: wizard.choices)
        let files = try scaffold.write(to: path, force: force)
        try output.print(
            InitResult(
                name: name.description, language: template.language, kind: template.kind, folder: path.string,
                files: files, template: source.origin, packages: template.packageFolders, shown: shown,
                missing: ToolGlance(in: context).missing(for: template.language)), in: context)
    }

    private func parameters() throws -> [String: String] {
        var parameters: [String: String] = [:]
        for text in values {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw CommandError(.usage, "\"\(text)\" sets nothing", hint: "write --set name=value")
            }
            let name = String(text[..<equals])
            guard parameters.updateValue(String(text[text.index(after: equals)...]), forKey: name) == nil
            else {
                throw CommandError(.usage, "\"\(name)\" is set twice", hint: "leave one of them out")
            }
        }
        return parameters
    }
}

/// The project that was written.
struct InitResult: CommandResult {
    let name: String
    let language: String
    let kind: String
    let folder: String
    let files: [String]
    /// Where the template came from, if it is not one of wasme's own.
    let template: String?
    /// Folders of the project that are copies of what comes with wasme.
    let packages: [String]
    /// The folder as the user wrote it.
    let shown: String
    /// What the language needs and this machine has not, with what to do.
    let missing: String?

    enum CodingKeys: CodingKey {
        case name, language, kind, folder, files, template
    }

    var text: String {
        // The SDK's files are many and not the user's to edit.
        let own = files.filter { file in !packages.contains { file.hasPrefix("\($0)/") } }
        let sdk = packages.compactMap { package in
            let count = files.count { $0.hasPrefix("\(package)/") }
            return count > 0 ? "  \(package)/ (the SDK, \(count) files)" : nil
        }
        let place = shown.contains(" ") ? "'\(shown)'" : shown
        var lines = ["wrote \(name) to \(shown):"] + own.map { "  \($0)" } + sdk
        if let template { lines.append("from the template \(template)") }
        lines.append("next: wasme build \(place) -t \(name):v1")
        if files.contains("README.md") {
            lines.append("\(shown == "." ? "" : "\(shown)/")README.md says how to change, test and ship it")
        }
        if let missing { lines.append("before that: \(missing)") }
        return lines.joined(separator: "\n")
    }
    var brief: String { folder }
}
