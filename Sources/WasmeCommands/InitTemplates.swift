// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FilterImage
import FilterProject
import Files
import ImageTransfer
import OCI
import OCILayout
import SystemPackage
import WasmeTemplates

extension Init {
    /// Templates to choose from.
    struct Source {
        let templates: [ProjectTemplate]
        /// Exactly what they are, as in an address with a commit; nil for wasme's own.
        let origin: String?
    }

    /// wasme's own templates, or those that `--template` leads to.
    func templates(_ catalog: TemplateCatalog, in context: CommandContext) async throws -> Source {
        guard let template else {
            return Source(templates: try ProjectTemplate.all(in: catalog), origin: nil)
        }
        let (content, origin) = try await content(template, in: context)
        return Source(templates: try ProjectTemplate.all(in: content), origin: origin)
    }

    /// A git address, a folder, or the place of an image, in this order.
    private func content(
        _ text: String, in context: CommandContext
    ) async throws -> (TemplateContent, origin: String) {
        if let address = try GitTemplate(text) {
            output.note("fetching the template \(address)", in: context)
            let (content, commit) = try await address.fetch(
                environment: context.environment, scratch: context.scratch)
            return (content, "\(address), commit \(commit)")
        }
        let path = context.path(text)
        let isPath = [".", "/", "~"].contains { text.hasPrefix($0) }
        if isPath || Files.kind(path) == .directory {
            guard Files.kind(path) != nil else {
                throw CommandError(
                    .usage, "there is no folder \"\(path)\" with a template",
                    hint: "name a folder with a template.json, a git address or an image")
            }
            return (try TemplateContent(folder: path), path.string)
        }
        let places = try ImagePlaces(store, access, in: context)
        let image: FoundImage
        do {
            image = try await places.find(context.place(text), .storeFirst)
        } catch let error as StoreError where error.code == .unknownImage {
            throw CommandError(
                .usage, "there is no folder \"\(path)\" with a template, and \(error.message)",
                hint: "name a folder with a template.json, a git address or an image")
        }
        let content = try await TemplateImage.unpack(image.document, from: image.blobs, name: text)
        return (content, "\(text), \(image.document.digest)")
    }

    // MARK: --package

    /// Puts a template into the store, once it is seen that projects can be made of it.
    func package(_ folder: FilePath, in context: CommandContext) async throws {
        let references = try tag.map { try context.newName($0) }
        let content = try TemplateContent(folder: folder)
        let templates = try ProjectTemplate.all(in: content)
        let catalog = try TemplateCatalog.find(environment: context.environment)
        for template in templates {
            var choices = Scaffold.Choices()
            for parameter in template.parameters where parameter.defaultValue == nil {
                // Any value will do to see whether the files can be rendered; one that has to match cannot be made up.
                guard parameter.pattern == nil || !parameter.choices.isEmpty else { continue }
                choices.parameters[parameter.name] = parameter.choices.first ?? "value"
            }
            guard
                template.parameters.allSatisfy({
                    $0.defaultValue != nil || choices.parameters[$0.name] != nil
                })
            else { continue }
            _ = try Scaffold(template, in: catalog, name: try FilterName("my-filter"), choices: choices)
        }
        let annotations = [
            "org.opencontainers.image.description": templates.map(\.summary).joined(separator: "; "),
            "dev.wasme.template.languages": Set(templates.map(\.language)).sorted().joined(separator: ","),
            "dev.wasme.template.kinds": Set(templates.map(\.kind)).sorted().joined(separator: ","),
        ]
        let document = try await TemplateImage.pack(
            content, annotations: annotations, as: references, into: try store.open(in: context))
        try output.print(
            ImageResult(
                action: "packed template", references: references.compactMap(\.tagged),
                digest: document.digest),
            in: context)
    }

    // MARK: --list

    func listTemplates(in context: CommandContext) async throws {
        let catalog = try TemplateCatalog.find(environment: context.environment)
        let source = try await templates(catalog, in: context)
        let tools = ToolGlance(in: context)
        let chosen = source.templates.filter {
            (choice.language == nil || $0.language == choice.language)
                && (choice.kind == nil || $0.kind == choice.kind)
        }
        if chosen.isEmpty {
            // Says which there are.
            _ = try ProjectTemplate.find(
                language: choice.language, kind: choice.kind, among: source.templates)
        }
        let order = tools.order(Set(chosen.map(\.language)))
        let sorted = order.flatMap { language in chosen.filter { $0.language == language } }
        try output.print(
            TemplateList(
                templates: sorted.map { template in
                    TemplateList.Entry(
                        language: template.language, kind: template.kind, summary: template.summary,
                        parameters: template.parameters.map {
                            TemplateList.Entry.Parameter(
                                name: $0.name, description: $0.description, pattern: $0.pattern,
                                default: $0.defaultValue, choices: $0.choices.isEmpty ? nil : $0.choices)
                        },
                        isReady: tools.isReady(template.language),
                        missing: tools.missing(for: template.language),
                        note: tools.note(for: template.language))
                }, source: template), in: context)
    }
}

/// The templates there are.
struct TemplateList: CommandResult {
    struct Entry: Encodable {
        struct Parameter: Encodable {
            let name: String
            let description: String?
            let pattern: String?
            let `default`: String?
            let choices: [String]?
        }

        let language: String
        let kind: String
        let summary: String
        let parameters: [Parameter]
        /// Whether the tools of the language are here, as far as a glance says.
        let isReady: Bool
        /// What the language needs and this machine has not, with what to do.
        let missing: String?
        /// The same in a word or two.
        let note: String

        enum CodingKeys: String, CodingKey {
            case language, kind, summary, parameters, missing, isReady = "ready"
        }
    }

    let templates: [Entry]
    /// What `--template` was; nil for wasme's own.
    let source: String?

    enum CodingKeys: CodingKey { case templates }

    var text: String {
        let rows = templates.map { [$0.language, $0.kind, $0.note, $0.summary] }
        let parameters = templates.flatMap { entry in
            entry.parameters.map { parameter in
                let value = parameter.default.map { " (default: \($0))" } ?? " (required)"
                let choices = parameter.choices.map { ", one of \($0.joined(separator: ", "))" } ?? ""
                let rest = (parameter.description ?? "") + choices + value
                return "  --set \(parameter.name)=…  \(rest.trimmingPrefix { $0 == "," || $0 == " " })"
            }
        }
        return table(["LANGUAGE", "KIND", "TOOLS", "WHAT IT DOES"], rows)
            + (parameters.isEmpty ? "" : "\n" + Set(parameters).sorted().joined(separator: "\n"))
            + "\nstart one: wasme init DIR "
            + (source.map { "--template \($0)" } ?? "--language LANGUAGE --kind KIND")
    }
    var brief: String { templates.map { "\($0.language)/\($0.kind)" }.joined(separator: "\n") }
}

extension ToolGlance {
    init(in context: CommandContext) {
        self.init(environment: context.environment, folder: context.workingDirectory)
    }
}
