// SPDX-License-Identifier: Apache-2.0

private import FilterImage
private import JSON

/// What a template's `template.json` says; `Docs/reference/template.schema.json` is its published schema.
package struct TemplateDescription: Sendable, Hashable {
    /// The language of the sources, as in "swift".
    package let language: String
    /// What it is the start of, as in "http-headers".
    package let kind: String
    /// One line on what the filter does.
    package let summary: String
    /// What it asks for beside the name, in the order of the file.
    package let parameters: [TemplateParameter]
    /// Folders of wasme's own catalog that the project gets a copy of.
    let packages: [Package]
    /// Folders of wasme's own catalog whose files are part of the template: what is the same in every language.
    let shared: [String]

    /// A folder of the catalog and its place in the project.
    struct Package: Sendable, Hashable {
        let place: String
        let source: String
    }

    /// The file that makes a folder a template.
    package static let fileName = "template.json"
    static let maximumSize = 64 << 10

    private static let keys = [
        "$schema", "language", "kind", "summary", "parameters", "packages", "shared",
    ]

    /// Reads a description.
    /// - Parameters:
    ///   - bytes: the file.
    ///   - file: what errors call it.
    /// - Throws: `ProjectError` that says what is wrong with it.
    package init(parsing bytes: [UInt8], file: String) throws(ProjectError) {
        func damaged(_ reason: String, hint: String? = nil) -> ProjectError {
            ProjectError(
                .damagedTemplate, "the template description \"\(file)\" is damaged: \(reason)", hint: hint)
        }
        guard bytes.count <= Self.maximumSize else {
            throw damaged("it is larger than \(Self.maximumSize >> 10) KiB")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw damaged("\(error)")
        }
        guard let object = value.object else { throw damaged("it is no JSON object") }
        for name in object.names where !Self.keys.contains(name) {
            throw damaged(
                "unknown key \(quoted(name))",
                hint: closestName(to: name, in: Self.keys).map { "did you mean \"\($0)\"?" }
                    ?? "the keys are \(Self.keys.joined(separator: ", "))")
        }
        func line(_ key: String) throws(ProjectError) -> String {
            guard let text = object[key]?.string, isLine(text), !text.isEmpty else {
                throw damaged("\"\(key)\" is no line of text")
            }
            return text
        }
        func plain(_ key: String) throws(ProjectError) -> String {
            let text = try line(key)
            let isPlain = text.allSatisfy {
                ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-"
            }
            guard isPlain, text.count <= 64 else {
                throw damaged("\"\(key)\" may have lower-case letters, digits and hyphens only")
            }
            return text
        }
        language = try plain("language")
        kind = try plain("kind")
        summary = try line("summary")
        var packages: [Package] = []
        for (place, source) in object["packages"]?.object?.members ?? [] {
            guard let source = source.string, TemplatePath.fault(in: place) == nil,
                TemplatePath.fault(in: source) == nil
            else { throw damaged("the package \(quoted(place)) leads elsewhere") }
            packages.append(Package(place: place, source: source))
        }
        self.packages = packages
        var shared: [String] = []
        for source in object["shared"]?.array ?? [] {
            guard let source = source.string, TemplatePath.fault(in: source) == nil else {
                throw damaged("a shared folder leads elsewhere")
            }
            shared.append(source)
        }
        self.shared = shared
        for (key, isRight) in [
            ("packages", object["packages"].map { $0.object != nil }),
            ("shared", object["shared"].map { $0.array != nil }),
            ("parameters", object["parameters"].map { $0.object != nil }),
        ] where isRight == false {
            throw damaged("\"\(key)\" is no \(key == "shared" ? "list" : "object")")
        }
        var parameters: [TemplateParameter] = []
        for (name, value) in object["parameters"]?.object?.members ?? [] {
            do {
                parameters.append(try TemplateParameter(name, value))
            } catch {
                throw damaged("the parameter \(quoted(name)): \(error.reason)")
            }
        }
        guard parameters.count <= 50 else { throw damaged("it has more than 50 parameters") }
        self.parameters = parameters
    }
}

/// Whether a text is one line without characters that are not seen, and of a length that a person could read.
func isLine(_ text: String) -> Bool {
    text.utf8.count <= 4000 && text.count <= 1000
        && !text.unicodeScalars.contains(where: TemplatePath.isUnseen)
}
