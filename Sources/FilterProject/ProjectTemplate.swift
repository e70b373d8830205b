// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import FilterImage
private import Files
import SystemPackage
package import WasmeTemplates

/// A kind of project that `wasme init` can start.
package struct ProjectTemplate: Sendable, Hashable {
    package let description: TemplateDescription
    /// Where it is, for errors.
    package let place: String
    private let origin: Origin

    private enum Origin: Sendable {
        /// A folder of the catalog.
        case folder(FilePath)
        /// Files from elsewhere, those below a folder of theirs.
        case content(TemplateContent, prefix: String)
    }

    package var language: String { description.language }
    package var kind: String { description.kind }
    package var summary: String { description.summary }
    package var parameters: [TemplateParameter] { description.parameters }

    /// Folders of the project that are copies of what comes with wasme.
    package var packageFolders: [String] {
        let places = description.packages.map(\.place)
        return places.filter { place in !places.contains { place.hasPrefix("\($0)/") } }
    }

    /// Whether it is not one of wasme's own.
    package var isForeign: Bool { if case .content = origin { true } else { false } }

    package static func == (left: ProjectTemplate, right: ProjectTemplate) -> Bool {
        left.place == right.place && left.description == right.description
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(place) }

    /// The kind that is taken if none is asked for, of a language that has it.
    package static let usualKind = "http-headers"

    /// All templates of a catalog, by language and kind.
    package static func all(in catalog: TemplateCatalog) throws -> [ProjectTemplate] {
        let root = FilePath(catalog.root)
        var templates: [ProjectTemplate] = []
        for language in try Files.contents(root) where Files.kind(root.appending(language)) == .directory {
            for kind in try Files.contents(root.appending(language)) {
                let folder = root.appending(language).appending(kind)
                guard Files.kind(folder.appending(TemplateDescription.fileName)) == .file else { continue }
                templates.append(try ProjectTemplate(folder: folder))
            }
        }
        return templates
    }

    /// All templates in files from elsewhere: the one at their root, else those one or two folders below.
    package static func all(in content: TemplateContent) throws -> [ProjectTemplate] {
        let file = TemplateDescription.fileName
        let places =
            content.files[file] != nil
            ? [file]
            : content.files.keys.filter { path in
                path.hasSuffix("/\(file)") && path.split(separator: "/").count <= 3
            }.sorted()
        guard !places.isEmpty else {
            throw ProjectError(
                .noTemplate, "\"\(content.name)\" is no template: there is no \(file) in it",
                hint: "see \"third-party templates\" in 'wasme init --help'")
        }
        return try places.map { path in
            let prefix = String(path.dropLast(file.count))
            let place = prefix.isEmpty ? content.name : "\(content.name): \(prefix.dropLast())"
            return ProjectTemplate(
                description: try TemplateDescription(
                    parsing: content.files[path] ?? [], file: "\(content.name): \(path)"),
                place: place, origin: .content(content, prefix: prefix))
        }
    }

    /// The template of a language and kind.
    /// - Parameters:
    ///   - language: the language; if nil, there has to be one only.
    ///   - kind: the kind; if nil, the usual one of the language, else its first.
    ///   - templates: those to choose from.
    /// - Returns: one of them.
    /// - Throws: `ProjectError` that names what there is.
    package static func find(
        language: String? = nil, kind: String? = nil, among templates: [ProjectTemplate]
    ) throws -> ProjectTemplate {
        let languages = templates.map(\.language).uniqued()
        guard let language = language ?? (languages.count == 1 ? languages[0] : nil) else {
            throw ProjectError(
                .noTemplate, "there are templates for several languages",
                hint: "add --language, one of \(languages.joined(separator: ", "))")
        }
        let ofLanguage = templates.filter { $0.language == language }
        guard !ofLanguage.isEmpty else {
            throw ProjectError(
                .noTemplate, "there is no template for the language \(quoted(language))",
                hint: closestName(to: language, in: languages).map { "did you mean \"\($0)\"?" }
                    ?? "there are templates for \(languages.joined(separator: ", "))")
        }
        let kinds = ofLanguage.map(\.kind)
        let wanted = kind ?? (kinds.contains(usualKind) ? usualKind : kinds[0])
        guard let template = ofLanguage.first(where: { $0.kind == wanted }) else {
            throw ProjectError(
                .noTemplate, "there is no \(language) template \(quoted(wanted))",
                hint: closestName(to: wanted, in: kinds).map { "did you mean \"\($0)\"?" }
                    ?? "there are \(kinds.joined(separator: ", "))")
        }
        return template
    }

    /// The template of a language and kind in a catalog.
    package static func find(
        language: String, kind: String? = nil, in catalog: TemplateCatalog
    ) throws -> ProjectTemplate {
        try find(language: language, kind: kind, among: try all(in: catalog))
    }

    private init(description: TemplateDescription, place: String, origin: Origin) {
        self.description = description
        self.place = place
        self.origin = origin
    }

    private init(folder: FilePath) throws {
        let file = folder.appending(TemplateDescription.fileName)
        self.init(
            description: try TemplateDescription(
                parsing: try Files.read(file, limit: TemplateDescription.maximumSize), file: file.string),
            place: folder.string, origin: .folder(folder))
    }

    /// The template's own files, without its description.
    func ownFiles() throws -> [(path: String, bytes: [UInt8])] {
        switch origin {
        case .folder(let folder): return try Self.files(below: folder, skipping: [".build", ".swiftpm"])
        case .content(let content, let prefix):
            return content.files.filter { $0.key.hasPrefix(prefix) }
                .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
                .filter { $0.0 != TemplateDescription.fileName && !$0.0.hasSuffix(".gitkeep") }
                .sorted { $0.0 < $1.0 }
        }
    }

    /// All files below a folder of the catalog, by their relative paths; folders of certain names are left out.
    static func files(
        below folder: FilePath, skipping skipped: Set<String>
    ) throws -> [(path: String, bytes: [UInt8])] {
        var found: [String] = []
        var open = [""]
        while let prefix = open.popLast() {
            for name in try Files.contents(folder.pushing(FilePath(prefix))) {
                let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
                switch Files.kind(folder.pushing(FilePath(path))) {
                case .directory: if !skipped.contains(name) { open.append(path) }
                case .file: if name != ".gitkeep", name != ".DS_Store" { found.append(path) }
                case .other, nil: continue
                }
            }
        }
        return try found.sorted().filter { $0 != TemplateDescription.fileName }
            .map { ($0, try Files.read(folder.pushing(FilePath($0)))) }
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, at its first place.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
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
