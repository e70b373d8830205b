// SPDX-License-Identifier: Apache-2.0

private import Yams

/// The list of a folder's objects that `kubectl apply -k` and controllers read (`kustomize.config.k8s.io/v1beta1`).
package enum Kustomization {
    /// What its file may be called; the first is the usual one.
    package static let fileNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

    /// A kustomization that also lists some files.
    /// - Parameters:
    ///   - files: names relative to it.
    ///   - existing: its text so far, kept as it is but for the new lines; nil if there is none.
    ///   - path: where it is, for messages.
    /// - Returns: its text with the files.
    /// - Throws: `DeploymentError` if the list is written in a way that cannot be added to.
    static func adding(_ files: [String], to existing: String?, at path: String) throws -> String {
        guard let existing, !existing.allSatisfy(\.isWhitespace) else {
            let value: ConfigValue = [
                "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                "resources": .list(files.map { .string($0) }),
            ]
            return value.yamlLines.joined(separator: "\n") + "\n"
        }
        let listed = try resources(in: existing, at: path)
        let missing = files.filter { !(listed ?? []).contains($0) }
        if missing.isEmpty { return existing }
        var lines = existing.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        if lines.last == "" { lines.removeLast() }
        guard listed != nil else {
            return (lines + ["resources:"] + missing.map { item($0, indentation: "") })
                .joined(separator: "\n") + "\n"
        }
        if listed?.isEmpty == true, let key = lines.firstIndex(where: { $0.hasPrefix("resources: []") }) {
            lines[key] = "resources:" + lines[key].dropFirst("resources: []".count)
            lines.insert(contentsOf: missing.map { item($0, indentation: "") }, at: key + 1)
            return lines.joined(separator: "\n") + "\n"
        }
        guard let key = lines.firstIndex(where: { $0.hasPrefix("resources:") }),
            let last = lastItem(lines, after: key)
        else {
            throw DeploymentError(
                .layout, "\"resources\" in \"\(path)\" is not a list with an item in each line",
                hint:
                    "write it as such, or add \(missing.map { "\"\($0)\"" }.joined(separator: ", ")) yourself"
            )
        }
        let indentation = String(lines[last].prefix { $0 == " " })
        lines.insert(contentsOf: missing.map { item($0, indentation: indentation) }, at: last + 1)
        let text = lines.joined(separator: "\n") + "\n"
        // What is written is read once more: a list that continues in a way not known here would show now.
        guard let read = try resources(in: text, at: path), read == (listed ?? []) + missing else {
            throw DeploymentError(
                .layout, "the list \"resources\" in \"\(path)\" cannot be added to without risk",
                hint: "add \(missing.map { "\"\($0)\"" }.joined(separator: ", ")) yourself")
        }
        return text
    }

    /// A kustomization that no longer lists some files.
    /// - Parameters:
    ///   - files: names relative to it.
    ///   - existing: its text so far, kept as it is but for the lines that go.
    ///   - path: where it is, for messages.
    /// - Returns: its text without the files.
    /// - Throws: `DeploymentError` if the list is written in a way that cannot be changed.
    static func removing(_ files: [String], from existing: String, at path: String) throws -> String {
        guard let listed = try resources(in: existing, at: path), listed.contains(where: files.contains)
        else { return existing }
        let rest = listed.filter { !files.contains($0) }
        var lines = existing.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        if let key = lines.firstIndex(where: { $0.hasPrefix("resources:") }),
            let last = lastItem(lines, after: key)
        {
            lines = lines.enumerated().filter { index, line in
                guard (key + 1...last).contains(index), let read = try? Yams.compose(yaml: line),
                    let name = read.sequence?.first?.string
                else { return true }
                return !files.contains(name)
            }.map(\.element)
            // A key without items would be no list.
            if rest.isEmpty { lines[key] = "resources: []" }
        }
        let text = lines.joined(separator: "\n")
        guard let read = try resources(in: text, at: path), read == rest else {
            throw DeploymentError(
                .layout, "\"resources\" in \"\(path)\" is not a list with an item in each line",
                hint:
                    "write it as such, or take out \(files.map { "\"\($0)\"" }.joined(separator: ", ")) yourself"
            )
        }
        return text
    }

    private static func item(_ file: String, indentation: String) -> String {
        indentation + ConfigValue.list([.string(file)]).yamlLines[0]
    }

    /// The line of the list's last item, if its items stand in lines of their own.
    private static func lastItem(_ lines: [String], after key: Int) -> Int? {
        var last: Int?
        for index in lines.indices.dropFirst(key + 1) {
            let content = lines[index].drop { $0 == " " }
            if content.isEmpty || content.hasPrefix("#") { continue }
            guard content.hasPrefix("- ") else { break }
            last = index
        }
        return last
    }

    /// What is listed; nil if there is no list yet.
    private static func resources(in text: String, at path: String) throws -> [String]? {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw DeploymentError(.unreadable, "\"\(path)\" is no YAML", cause: error)
        }
        guard let node else { return nil }
        guard let mapping = node.mapping else {
            throw DeploymentError(.unreadable, "\"\(path)\" is no kustomization: it is not a mapping")
        }
        guard let list = mapping["resources"] else { return nil }
        return list.sequence?.compactMap(\.string) ?? []
    }
}
