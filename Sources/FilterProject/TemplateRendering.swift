// SPDX-License-Identifier: Apache-2.0

private import FilterImage
private import JSON
private import Mustache

/// Fills a template's files with a project's values.
struct TemplateRendering {
    private let template: ProjectTemplate
    private let values: [String: Any]
    private let description: String
    private let names: Set<String>
    private static let suffix = ".mustache"
    private static let maximumSource = 256 << 10

    init(_ template: ProjectTemplate, name: FilterName, _ choices: Scaffold.Choices) throws {
        self.template = template
        description = choices.description ?? "\(template.summary)."
        guard !description.isEmpty, isLine(description) else {
            throw ProjectError(.malformed, "the description \(quoted(description)) is not one line of text")
        }
        var values: [String: Any] = [
            "name": name.description, "module": name.module, "rootId": name.rootID,
            "description": description,
            "licence": choices.licence ?? "Apache-2.0", "language": template.language, "kind": template.kind,
        ]
        let parameters = template.parameters
        for given in choices.parameters.keys.sorted() where !parameters.contains(where: { $0.name == given })
        {
            let known = parameters.map(\.name)
            throw ProjectError(
                .malformed, "the template \"\(template.place)\" has no parameter \(quoted(given))",
                hint: closestName(to: given, in: known).map { "did you mean \"\($0)\"?" }
                    ?? (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"))
        }
        for parameter in parameters {
            guard let value = choices.parameters[parameter.name] ?? parameter.defaultValue else {
                throw ProjectError(
                    .malformed, "the template \"\(template.place)\" needs a value for \"\(parameter.name)\"",
                    hint: "add --set \(parameter.name)=VALUE"
                        + (parameter.choices.isEmpty
                            ? "" : ", one of \(parameter.choices.joined(separator: ", "))")
                        + (parameter.description.map { ": \($0)" } ?? ""))
            }
            if let fault = parameter.fault(in: value) {
                throw ProjectError(
                    .malformed, "the value \(quoted(value)) of \"\(parameter.name)\" \(fault)",
                    hint: parameter.description)
            }
            values[parameter.name] = parameter.isSwitch ? value == "true" : value
        }
        self.values = values
        names = Set(values.keys)
    }

    /// Renders a file and its path.
    /// - Parameters:
    ///   - path: the path in the template.
    ///   - bytes: the file.
    ///   - isStrict: whether the file is held to the part of Mustache that is documented: what a stranger wrote may
    ///     neither name what is not there nor keep the parser busy for ever.
    /// - Returns: the file of the project.
    /// - Throws: `ProjectError` if it is damaged.
    func render(_ path: String, _ bytes: [UInt8], isStrict: Bool) throws -> Scaffold.File {
        let isTemplate = path.hasSuffix(Self.suffix)
        let segments = (isTemplate ? String(path.dropLast(Self.suffix.count)) : path).split(separator: "/")
            .map {
                $0.hasPrefix("dot.") ? String($0.dropFirst("dot".count)) : String($0)
            }
        let place = try text(segments.joined(separator: "/"), values, of: path, isStrict: isStrict)
        if let fault = TemplatePath.fault(in: place) {
            throw template.damaged("its file \(quoted(path)) gets a path that is not allowed: \(fault)")
        }
        guard isTemplate else { return Scaffold.File(path: place, bytes: bytes) }
        // A value may stand in a file as often as it has room for.
        guard !isStrict || bytes.count <= Self.maximumSource else {
            throw template.damaged(
                "its file \(quoted(path)) is larger than \(Self.maximumSource >> 10) KiB",
                hint: "a file without \(Self.suffix) is copied as it is")
        }
        guard let source = String(validating: bytes, as: UTF8.self) else {
            throw template.damaged(
                "its file \(quoted(path)) is not UTF-8",
                hint: "a file without \(Self.suffix) is copied as it is")
        }
        var values = values
        if place.hasSuffix(".yaml") || place.hasSuffix(".yml") {
            values["description"] = ManifestText.scalar(description)
        }
        return Scaffold.File(
            path: place, bytes: Array(try text(source, values, of: path, isStrict: isStrict).utf8))
    }

    private func text(
        _ source: String, _ values: [String: Any], of path: String, isStrict: Bool
    ) throws -> String {
        guard source.contains("{{") else { return source }
        if isStrict, let fault = TemplateTags.fault(in: source, names: names) {
            throw template.damaged(
                "its file \(quoted(path)): \(fault)",
                hint: "a file without \(Self.suffix) is copied as it is")
        }
        do {
            return try MustacheTemplate(string: source).render(values)
        } catch {
            throw template.damaged("its file \(quoted(path)) cannot be rendered", cause: error)
        }
    }
}

/// The part of Mustache that templates from elsewhere may use: values, sections, inverted sections, comments.
enum TemplateTags {
    /// Sections in sections at most.
    private static let maximumDepth = 20

    /// What is wrong with a text; nil if nothing is.
    static func fault(in text: String, names: Set<String>) -> String? {
        var rest = text[...]
        var open: [Substring] = []
        while let start = rest.firstRange(of: "{{") {
            rest = rest[start.upperBound...]
            let isTriple = rest.first == "{"
            guard let end = rest.firstRange(of: isTriple ? "}}}" : "}}") else {
                return "a \"{{\" is not closed"
            }
            var tag = rest[..<end.lowerBound]
            rest = rest[end.upperBound...]
            if isTriple { tag = tag.dropFirst() }
            guard !tag.hasPrefix("!") else { continue }
            let sign = isTriple ? nil : tag.first.flatMap { "#^/&".contains($0) ? $0 : nil }
            if sign != nil { tag = tag.dropFirst() }
            let name = tag.trimmingPrefix { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            let word = Substring(String(name))
            guard names.contains(String(word)) else {
                return
                    "\(quoted("{{\(word)}}")) names no value; there are \(names.sorted().joined(separator: ", "))"
            }
            switch sign {
            case "#", "^":
                open.append(word)
                if open.count > maximumDepth { return "more than \(maximumDepth) sections are in each other" }
            case "/":
                guard open.popLast() == word else {
                    return "the section \(quoted(String(word))) ends where it did not begin"
                }
            default: break
            }
        }
        return open.last.map { "the section \(quoted(String($0))) does not end" }
    }
}
