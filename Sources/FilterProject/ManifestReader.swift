// SPDX-License-Identifier: Apache-2.0

private import FilterImage
import HostProfiles
import YAML

extension ProjectManifest {
    /// Languages that a project can be in; those without a driver here need a `build.command`.
    package static let languages = Language.all.map(\.name)

    /// Reads the text of a `wasme.yaml`.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: what errors call it.
    /// - Throws: `ProjectError` that names file, line and column.
    package init(parsing yaml: String, file: String = FilterProject.manifestName) throws(ProjectError) {
        let reader = ManifestReader(file: file)
        let root = try reader.map(
            try YAMLNode(parsing: yaml, file: file), "the manifest",
            keys: [
                "name", "language", "version", "description", "licence", "icon", "module", "build",
                "config", "targets", "bench",
            ])
        name = try reader.filterName(try root.required("name"))
        build = try reader.build(root["build"])
        language = try reader.language(try root.required("language"), hasCommand: !build.command.isEmpty)
        version = try root["version"].map { node throws(ProjectError) in try reader.version(node) }
        description = try root["description"].map { node throws(ProjectError) in
            try reader.line(node, "description")
        }
        licence = try root["licence"].map { node throws(ProjectError) in try reader.line(node, "licence") }
        icon = try root["icon"].map { node throws(ProjectError) in try reader.path(node, "icon") }
        module = try reader.module(try root.required("module"))
        config = try reader.config(root["config"])
        targets = try reader.targets(root["targets"])
        budget = try reader.bench(root["bench"])
        if let node = root["build"] { try reader.check(build, for: language, at: node) }
    }
}

/// Turns nodes into values, each error with its place.
struct ManifestReader {
    let file: String

    func error(_ node: YAMLNode, _ message: String, hint: String? = nil) -> ProjectError {
        ProjectError(.malformed, "\(file):\(node.line):\(node.column): \(message)", hint: hint)
    }

    /// A mapping whose keys are known.
    struct Map {
        let reader: ManifestReader
        let node: YAMLNode
        let what: String
        let members: [String: YAMLNode]

        subscript(key: String) -> YAMLNode? { members[key] }

        func required(_ key: String) throws(ProjectError) -> YAMLNode {
            guard let value = members[key] else {
                throw reader.error(node, "\(what) lacks the key \"\(key)\"")
            }
            return value
        }
    }

    func map(_ node: YAMLNode, _ what: String, keys: [String]) throws(ProjectError) -> Map {
        guard case .map(let written) = node.content else {
            throw error(node, "\(what) must be a mapping, not \(node.phrase)")
        }
        var members: [String: YAMLNode] = [:]
        for (key, value) in written {
            let name = key.text ?? ""
            guard keys.contains(name) else {
                let hint =
                    closestName(to: name, in: keys).map { "did you mean \"\($0)\"?" }
                    ?? "the keys here are \(keys.joined(separator: ", "))"
                throw error(key, "unknown key \(quoted(name))", hint: hint)
            }
            members[name] = value
        }
        return Map(reader: self, node: node, what: what, members: members)
    }

    // MARK: Scalars

    func text(_ node: YAMLNode, _ key: String) throws(ProjectError) -> String {
        if case .null = node.content { throw error(node, "\"\(key)\" has no value") }
        guard let text = node.text else { throw error(node, "\"\(key)\" must be a text, not \(node.phrase)") }
        guard !text.isEmpty else { throw error(node, "\"\(key)\" is empty") }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f })
        else {
            throw error(node, "\"\(key)\" has a control character")
        }
        return text
    }

    /// A text that becomes an annotation of the image.
    func line(_ node: YAMLNode, _ key: String) throws(ProjectError) -> String {
        // A folded block scalar ends with a line feed that nobody means.
        var text = try text(node, key)
        while text.last == "\n" { text.removeLast() }
        guard !text.contains("\n") else { throw error(node, "\"\(key)\" must be one line") }
        guard text.count <= 1000 else { throw error(node, "\"\(key)\" has more than 1000 characters") }
        return text
    }

    func filterName(_ node: YAMLNode) throws(ProjectError) -> FilterName {
        do {
            return try FilterName(try text(node, "name"))
        } catch {
            guard error.code == .invalidName else { throw error }
            throw self.error(node, error.message, hint: error.hint)
        }
    }

    func version(_ node: YAMLNode) throws(ProjectError) -> String {
        let text = try text(node, "version")
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || "._-+".contains($0) }
        guard isPlain, text.count <= 128, text.first?.isLetter == true || text.first?.isNumber == true else {
            throw error(
                node, "\(quoted(text)) is not a version",
                hint: "letters, digits, dots, hyphens and plus signs are allowed, as in 0.1.0")
        }
        return text
    }

    func language(_ node: YAMLNode, hasCommand: Bool) throws(ProjectError) -> String {
        let text = try text(node, "language")
        guard !ProjectManifest.languages.contains(text) else { return text }
        let isName = text.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
        guard !hasCommand || !isName else { return text }
        let meant = closestName(to: text, in: ProjectManifest.languages).map { "did you mean \"\($0)\"?" }
        throw error(
            node, "unknown language \(quoted(text))",
            hint: meant
                ?? "known are \(ProjectManifest.languages.joined(separator: ", ")); others need build.command"
        )
    }

    // MARK: Parts

    func list(_ node: YAMLNode, _ key: String) throws(ProjectError) -> [YAMLNode] {
        guard case .list(let elements) = node.content else {
            throw error(node, "\"\(key)\" must be a list, not \(node.phrase)")
        }
        return elements
    }

    func module(_ node: YAMLNode) throws(ProjectError) -> ProjectManifest.Module {
        let map = try map(node, "\"module\"", keys: ["rootIds", "type"])
        var rootIDs: [String] = []
        let list = try list(try map.required("rootIds"), "rootIds")
        guard !list.isEmpty else {
            throw error(node, "\"rootIds\" is empty; a host asks for a plugin by its root id")
        }
        for element in list {
            let id = try line(element, "rootIds")
            guard !rootIDs.contains(id) else {
                throw error(element, "the root id \(quoted(id)) is there twice")
            }
            rootIDs.append(id)
        }
        var type = ProjectManifest.FilterType.http
        if let node = map["type"] {
            let text = try text(node, "type")
            guard let known = ProjectManifest.FilterType(rawValue: text) else {
                throw error(node, "unknown type \(quoted(text))", hint: "a filter's type is http or network")
            }
            type = known
        }
        return ProjectManifest.Module(rootIDs: rootIDs, type: type)
    }

    func config(_ node: YAMLNode?) throws(ProjectError) -> ProjectManifest.Config {
        var config = ProjectManifest.Config()
        guard let node else { return config }
        let map = try map(node, "\"config\"", keys: ["schema", "example"])
        if let schema = map["schema"] { config.schema = try path(schema, "schema") }
        config.example = map["example"]?.json
        return config
    }

    /// A path that stays inside the project.
    func path(_ node: YAMLNode, _ key: String) throws(ProjectError) -> String {
        let text = try line(node, key)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !text.hasPrefix("/"), !parts.contains(".."), parts.contains(where: { !$0.isEmpty && $0 != "." })
        else {
            throw error(
                node, "\"\(key)\" is \(quoted(text)), which is not inside the project",
                hint: "give a path relative to the project's folder, without \"..\"")
        }
        return text
    }

    func targets(_ node: YAMLNode?) throws(ProjectError) -> [HostTarget] {
        var targets: [HostTarget] = []
        guard let node else { return targets }
        for element in try list(node, "targets") {
            let text = try text(element, "targets")
            guard text == text.lowercased(), let target = try? HostTarget(text) else {
                throw error(
                    element, "\(quoted(text)) is not a target",
                    hint: "write a host and a version, as in envoy>=1.33, istio>=1.22,<1.28 or kuma:2.13")
            }
            guard !targets.contains(where: { $0.host == target.host }) else {
                throw error(element, "the host \"\(target.host)\" is there twice")
            }
            targets.append(target)
        }
        return targets
    }
}
