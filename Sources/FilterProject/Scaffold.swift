// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
private import JSON
private import Mustache
private import SystemPackage
package import WasmeTemplates

/// The files of a new project, rendered and not yet written.
package struct Scaffold: Sendable {
    /// A file by its path in the project.
    package struct File: Sendable {
        package let path: String
        package let bytes: [UInt8]
    }

    package let name: FilterName
    package let template: ProjectTemplate
    /// Sorted by path.
    package let files: [File]

    /// Renders a template.
    /// - Parameters:
    ///   - template: what to start from.
    ///   - catalog: where the template and the packages it needs are.
    ///   - name: the filter's name.
    ///   - description: one line on what the filter does; the template's summary if nil.
    /// - Throws: `ProjectError` if the template is damaged or the description is not one line.
    package init(
        _ template: ProjectTemplate, in catalog: TemplateCatalog, name: FilterName, description: String? = nil
    ) throws {
        let text = description ?? "\(template.summary)."
        guard !text.isEmpty, text.count <= 1000, !text.unicodeScalars.contains(where: { $0.value < 0x20 })
        else {
            throw ProjectError(.malformed, "the description \(quoted(text)) is not one line of text")
        }
        let variables = [
            "name": name.description, "module": name.module, "rootId": name.rootID, "description": text,
            "language": template.language,
        ]
        var rendered: [String: [UInt8]] = [:]
        let folders = template.shared.map { FilePath(catalog.path($0)) } + [template.folder]
        for folder in folders {
            for path in try Self.filePaths(below: folder, skipping: [".build", ".swiftpm"])
            where path != ProjectTemplate.descriptionName {
                let file = try Self.render(path, in: folder, variables)
                rendered[file.path] = file.bytes
            }
        }
        for package in template.packages {
            // The SDK's own tests are for those who change the SDK.
            let source = FilePath(catalog.path(package.source))
            if Files.kind(source) == .file {
                rendered[package.place] = try Files.read(source)
                continue
            }
            for path in try Self.filePaths(below: source, skipping: Self.notOfPackages) {
                rendered["\(package.place)/\(path)"] = try Files.read(source.pushing(FilePath(path)))
            }
        }
        self.name = name
        self.template = template
        files = rendered.sorted { $0.key < $1.key }.map { File(path: $0.key, bytes: $0.value) }
        try checkManifest()
    }

    /// A template whose manifest cannot be read back would leave a project that no command accepts.
    private func checkManifest() throws {
        guard let file = files.first(where: { $0.path == FilterProject.manifestName }) else {
            throw ProjectError(
                .damagedTemplate, "the template \"\(template.folder)\" has no \(FilterProject.manifestName)")
        }
        do {
            _ = try ProjectManifest(parsing: String(decoding: file.bytes, as: UTF8.self))
        } catch {
            throw ProjectError(
                .damagedTemplate, "the template \"\(template.folder)\" makes a manifest that cannot be read",
                cause: error)
        }
    }

    /// Folders of a package that are for those who change it, or that its builds leave.
    private static let notOfPackages: Set = [".build", ".swiftpm", ".zig-cache", "Tests"]

    // MARK: Rendering

    private static func render(
        _ path: String, in folder: FilePath, _ variables: [String: String]
    ) throws -> File {
        let bytes = try Files.read(folder.pushing(FilePath(path)))
        let suffix = ".mustache"
        let isTemplate = path.hasSuffix(suffix)
        let segments = (isTemplate ? String(path.dropLast(suffix.count)) : path).split(separator: "/").map {
            $0.hasPrefix("dot.") ? String($0.dropFirst("dot".count)) : String($0)
        }
        do {
            let place = try MustacheTemplate(string: segments.joined(separator: "/")).render(variables)
            guard isTemplate else { return File(path: place, bytes: bytes) }
            var values = variables
            if place.hasSuffix(".yaml") || place.hasSuffix(".yml") {
                values["description"] = yamlScalar(variables["description"] ?? "")
            }
            let text = try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self)).render(values)
            return File(path: place, bytes: Array(text.utf8))
        } catch {
            throw ProjectError(
                .damagedTemplate,
                "the template file \"\(folder.pushing(FilePath(path)))\" is damaged",
                cause: error)
        }
    }

    /// A text as a YAML value: as it is where that reads the same, else in quotes.
    private static func yamlScalar(_ text: String) -> String {
        do {
            let node = try YAMLNode(parsing: "value: \(text)", file: "")
            if node.json == .object(["value": .string(text)]) { return text }
        } catch {
            // Not readable without quotes.
        }
        // JSON's quotes are among those of YAML.
        return JSONValue.quoted(text)
    }

    /// All files below a folder, by their relative paths; folders of certain names are left out.
    private static func filePaths(below folder: FilePath, skipping skipped: Set<String>) throws -> [String] {
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
        return found.sorted()
    }
}
