// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
private import FilterImage
private import JSON
import SystemPackage
package import WasmeTemplates

/// A kind of project that `wasme init` can start.
package struct ProjectTemplate: Sendable, Hashable {
    /// The language of the sources, as in "swift".
    package let language: String
    /// What it is the start of, as in "http-headers".
    package let kind: String
    /// One line on what the filter does.
    package let summary: String
    /// Folders of the catalog that the project gets a copy of, by their place in the project.
    let packages: [(place: String, source: String)]
    /// Folders of the catalog whose files are part of the template: what is the same in every language.
    ///
    /// A file of the template's own comes first.
    let shared: [String]
    let folder: FilePath

    package static func == (left: ProjectTemplate, right: ProjectTemplate) -> Bool {
        left.folder == right.folder
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(folder) }

    static let descriptionName = "template.json"

    /// All templates of a catalog, by language and kind.
    package static func all(in catalog: TemplateCatalog) throws -> [ProjectTemplate] {
        let root = FilePath(catalog.root)
        var templates: [ProjectTemplate] = []
        for language in try Files.contents(root) where Files.kind(root.appending(language)) == .directory {
            for kind in try Files.contents(root.appending(language)) {
                let folder = root.appending(language).appending(kind)
                guard Files.kind(folder.appending(descriptionName)) == .file else { continue }
                templates.append(try ProjectTemplate(folder: folder))
            }
        }
        return templates
    }

    /// The kind that a project is of if nobody says so: the simplest.
    package static let usualKind = "http-headers"

    /// The template of a language and kind; the usual kind, or the language's first one, if none is given.
    package static func find(
        language: String, kind: String? = nil, in catalog: TemplateCatalog
    ) throws -> ProjectTemplate {
        let all = try all(in: catalog)
        let ofLanguage = all.filter { $0.language == language }
        guard !ofLanguage.isEmpty else {
            let languages = Set(all.map(\.language)).sorted()
            throw ProjectError(
                .noTemplate, "there is no template for the language \(quoted(language))",
                hint: closestName(to: language, in: languages).map { "did you mean \"\($0)\"?" }
                    ?? "there are templates for \(languages.joined(separator: ", "))")
        }
        let usual = ofLanguage.first { $0.kind == usualKind } ?? ofLanguage.first
        guard let template = kind == nil ? usual : ofLanguage.first(where: { $0.kind == kind }) else {
            let kinds = ofLanguage.map(\.kind)
            throw ProjectError(
                .noTemplate, "there is no \(language) template \(quoted(kind ?? ""))",
                hint: closestName(to: kind ?? "", in: kinds).map { "did you mean \"\($0)\"?" }
                    ?? "there are \(kinds.joined(separator: ", "))")
        }
        return template
    }

    private init(folder: FilePath) throws {
        let file = folder.appending(Self.descriptionName)
        func damaged(_ reason: String) -> ProjectError {
            ProjectError(.damagedTemplate, "the template description \"\(file)\" is damaged: \(reason)")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: try Files.read(file, limit: 64 << 10))
        } catch let error as JSONError {
            throw damaged("\(error)")
        }
        func text(_ key: String) throws -> String {
            guard let text = value.object?[key]?.string, !text.isEmpty else {
                throw damaged("\"\(key)\" is no text")
            }
            return text
        }
        language = try text("language")
        kind = try text("kind")
        summary = try text("summary")
        self.folder = folder
        packages = try (value.object?["packages"]?.object?.members ?? []).map { place, source in
            guard let source = source.string, Self.isInside(place), Self.isInside(source) else {
                throw damaged("the package \"\(place)\" leads elsewhere")
            }
            return (place, source)
        }
        shared = try (value.object?["shared"]?.array ?? []).map { source in
            guard let source = source.string, Self.isInside(source) else {
                throw damaged("a shared folder leads elsewhere")
            }
            return source
        }
    }

    /// Whether a relative path stays below where it starts.
    private static func isInside(_ path: String) -> Bool {
        !path.isEmpty && !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
    }
}

extension TemplateCatalog {
    /// Finds the catalog as `locate` does, with an error that says what to do.
    package static func find(environment: [String: String]) throws(ProjectError) -> TemplateCatalog {
        do {
            return try locate(environment: environment)
        } catch {
            throw ProjectError(
                .noTemplate, error.description,
                hint: "install wasme again, or set \(variable) to the folder \"sdk-templates\" of its sources"
            )
        }
    }
}
