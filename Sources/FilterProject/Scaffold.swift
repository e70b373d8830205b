// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import FilterImage
private import Files
package import HostProfiles
private import SystemPackage
package import WasmeTemplates

/// The files of a new project, rendered and not yet written.
package struct Scaffold: Sendable {
    /// A file by its path in the project.
    package struct File: Sendable {
        package let path: String
        package let bytes: [UInt8]
        /// Whether it is a program; no file of a template is.
        package let isExecutable: Bool

        package init(path: String, bytes: [UInt8], isExecutable: Bool = false) {
            self.path = path
            self.bytes = bytes
            self.isExecutable = isExecutable
        }
    }

    /// What a new project is to be, beside its name.
    package struct Choices: Sendable {
        /// One line on what the filter does; the template's summary if nil.
        package var description: String?
        /// An SPDX licence expression; the template's if nil.
        package var licence: String?
        /// The hosts that the filter is for; the template's if there are none.
        package var targets: [HostTarget] = []
        /// Values of the template's parameters; those that are missing get their defaults.
        package var parameters: [String: String] = [:]

        package init() {}
    }

    package let name: FilterName
    /// Sorted by path.
    package let files: [File]

    /// Takes files that are ready.
    init(name: FilterName, files: [File]) {
        self.name = name
        self.files = files
    }

    /// Renders a template.
    /// - Parameters:
    ///   - template: what to start from.
    ///   - catalog: where the packages and shared files that it needs are.
    ///   - name: the filter's name.
    ///   - choices: what else was asked for.
    /// - Throws: `ProjectError` if the name does not do in the language, a value is not allowed, or the template is
    ///   damaged or does not make what it promises.
    package init(
        _ template: ProjectTemplate, in catalog: TemplateCatalog, name: FilterName,
        choices: Choices = Choices()
    ) throws {
        try name.check(inLanguage: template.language)
        for source in template.description.packages.map(\.source) + template.description.shared {
            guard Files.kind(FilePath(catalog.path(source))) != nil else {
                throw template.lacks(source)
            }
        }
        let rendering = try TemplateRendering(template, name: name, choices)
        var rendered: [String: [UInt8]] = [:]
        for shared in template.description.shared {
            let folder = FilePath(catalog.path(shared))
            for (path, bytes) in try ProjectTemplate.files(below: folder, skipping: []) {
                let file = try rendering.render(path, bytes, isStrict: false)
                rendered[file.path] = file.bytes
            }
        }
        // A file of the template's own is taken in place of a shared one; two of its own are one too many.
        var own: Set<String> = []
        var size = 0
        for (path, bytes) in try template.ownFiles() {
            let file = try rendering.render(path, bytes, isStrict: template.isForeign)
            guard own.insert(file.path).inserted else {
                throw template.damaged("two of its files become \(quoted(file.path))")
            }
            size += file.bytes.count
            guard size <= Self.maximumBytes else {
                throw template.damaged("its files become more than \(Self.maximumBytes >> 20) MiB")
            }
            rendered[file.path] = file.bytes
        }
        for package in template.description.packages {
            // The SDK's own tests are for those who change the SDK.
            let source = FilePath(catalog.path(package.source))
            if Files.kind(source) == .file {
                rendered[package.place] = try Files.read(source)
                continue
            }
            for (path, bytes) in try ProjectTemplate.files(
                below: source, skipping: Self.notOfPackages)
            {
                rendered["\(package.place)/\(path)"] = bytes
            }
        }
        if let (one, other) = TemplatePath.clash(in: rendered.keys) {
            throw template.damaged(
                "its files \(quoted(one)) and \(quoted(other)) cannot be in one folder on every system")
        }
        let manifest = try Self.manifest(rendered[FilterProject.manifestName], of: template, name, choices)
        rendered[FilterProject.manifestName] = Array(manifest.utf8)
        self.name = name
        files = rendered.sorted { $0.key < $1.key }.map { File(path: $0.key, bytes: $0.value) }
    }

    /// Bytes that the files of a template may become.
    private static let maximumBytes = 2 * TemplateContent.maximumBytes

    /// Folders of a package that are for those who change it, or that its builds leave.
    private static let notOfPackages: Set = [".build", ".swiftpm", ".zig-cache", "Tests"]

    /// Renders a template with a description of the filter; the template's summary if nil.
    package init(
        _ template: ProjectTemplate, in catalog: TemplateCatalog, name: FilterName, description: String?
    ) throws {
        var choices = Choices()
        choices.description = description
        try self.init(template, in: catalog, name: name, choices: choices)
    }

    /// The manifest with what was asked for in it, read back: a template that makes another one would leave a project
    /// that is not what its author was told, or that no command accepts.
    private static func manifest(
        _ bytes: [UInt8]?, of template: ProjectTemplate, _ name: FilterName, _ choices: Choices
    ) throws -> String {
        guard let bytes else { throw template.damaged("it has no \(FilterProject.manifestName)") }
        guard var yaml = String(validating: bytes, as: UTF8.self) else {
            throw template.damaged("its \(FilterProject.manifestName) is not UTF-8")
        }
        if let licence = choices.licence {
            guard isLicence(licence) else {
                throw ProjectError(
                    .malformed, "\(quoted(licence)) is not an SPDX licence expression",
                    hint: "write it as in Apache-2.0 or \"MIT OR Apache-2.0\"")
            }
            yaml = ManifestText.setting("licence", to: ManifestText.scalar(licence), in: yaml)
        }
        if !choices.targets.isEmpty {
            let list = choices.targets.map { ManifestText.element($0.description) }.joined(separator: ", ")
            yaml = ManifestText.setting("targets", to: "[\(list)]", in: yaml)
        }
        let manifest: ProjectManifest
        do {
            manifest = try ProjectManifest(parsing: yaml)
        } catch {
            throw template.damaged("it makes a manifest that cannot be read", cause: error)
        }
        let lie: String? =
            if manifest.name != name {
                "name: \(manifest.name)"
            } else if manifest.language != template.language {
                "language: \(manifest.language)"
            } else if let licence = choices.licence, manifest.licence != licence {
                "licence: \(manifest.licence ?? "")"
            } else if !choices.targets.isEmpty, manifest.targets != choices.targets {
                "targets: \(manifest.targets.map(\.description).joined(separator: ", "))"
            } else {
                nil
            }
        if let lie {
            throw template.damaged("its manifest says \(quoted(lie)), which is not what was asked for")
        }
        return yaml
    }

    /// Letters, digits and what joins licences (SPDX 2.3, annex D).
    private static func isLicence(_ text: String) -> Bool {
        let words = text.split(separator: " ")
        return !words.isEmpty && text.count <= 200
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || " .-+():".contains($0)) }
            && !words.contains { $0.allSatisfy { !$0.isLetter } }
    }
}

extension ProjectTemplate {
    func damaged(_ reason: String, cause: (any Error)? = nil, hint: String? = nil) -> ProjectError {
        ProjectError(
            .damagedTemplate, "the template \"\(place)\" is damaged: \(reason)", cause: cause, hint: hint)
    }

    func lacks(_ folder: String) -> ProjectError {
        damaged(
            "it takes \(quoted(folder)) from wasme's own files, and that is not there",
            hint: "it may be made for another version of wasme")
    }
}
