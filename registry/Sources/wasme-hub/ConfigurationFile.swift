// SPDX-License-Identifier: Apache-2.0

import Hub
import Yams

extension HubConfiguration {
    /// Takes the settings of a YAML file.
    /// - Throws: `HubError` that names each setting that is not known or has a value that is not taken, with its line.
    mutating func apply(yaml text: String, file: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, .basic)
        } catch let error as YamlError {
            throw HubError(configuration: "\"\(file)\"", [Self.problem(error)])
        }
        guard let root else { return }
        var problems: [String] = []
        apply(root, [], &problems)
        guard problems.isEmpty else { throw HubError(configuration: "\"\(file)\"", problems) }
    }

    /// Why a file is no YAML, in one line.
    private static func problem(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            "line \(context.mark.line): \(keys.joined(separator: ", ")): this is there twice"
        default: "this is not YAML"
        }
    }

    private mutating func apply(_ node: Node, _ path: [String], _ problems: inout [String]) {
        let key = path.joined(separator: ".")
        func report(_ text: String) {
            problems.append("line \(node.mark?.line ?? 1): \(key.isEmpty ? "" : "\(key): ")\(text)")
        }
        if let list = Self.lists.first(where: { $0.key == key }) {
            return apply(list, node) { node, text in
                problems.append("line \(node.mark?.line ?? 1): \(text)")
            }
        }
        let setting = Self.settings.first { $0.key == key }
        switch node {
        case .mapping(let mapping):
            guard setting == nil else { return report("this takes one value") }
            guard path.isEmpty || Self.settings.contains(where: { $0.key.hasPrefix(key + ".") }) else {
                return report("there is no such setting\(Self.suggestion(key, Self.keys))")
            }
            for (name, value) in mapping {
                let word = name.scalar?.string ?? ""
                apply(value, path + [word], &problems)
            }
        case .scalar(let scalar):
            guard let setting else {
                // An empty file, or a group of which nothing is set.
                let isGroup = path.isEmpty || Self.settings.contains { $0.key.hasPrefix(key + ".") }
                if isGroup, scalar.string.isEmpty { return }
                return report(
                    path.isEmpty
                        ? "settings are written NAME: VALUE"
                        : "there is no such setting\(Self.suggestion(key, Self.keys))")
            }
            // A name without a value leaves the default.
            guard !scalar.string.isEmpty else { return }
            do {
                try set(setting, scalar.string)
            } catch {
                report(error.text)
            }
        case .sequence(let items) where setting?.isList == true:
            let texts = items.map { $0.scalar?.string ?? "" }
            do {
                if let setting, !texts.isEmpty { try set(setting, texts.joined(separator: ",")) }
            } catch {
                report(error.text)
            }
        case .sequence, .alias: report("this takes one value")
        }
    }
}
