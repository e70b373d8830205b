// SPDX-License-Identifier: Apache-2.0

import OCI

/// What differs between two filters, or two builds of one.
package struct FilterDifference: Encodable, Sendable {
    /// Something that is not the same in both; nil where one of them does not have it.
    package struct Change: Encodable, Sendable, Hashable {
        /// What kind of thing it is, as in "imports".
        package let group: String
        package let name: String
        package let from: String?
        package let to: String?
    }

    package let from: String
    package let to: String
    /// In the order in which a filter is described.
    package let changes: [Change]

    package init(_ old: FilterDescription, _ new: FilterDescription) {
        from = old.subject
        to = new.subject
        let before = Self.facts(old)
        let after = Self.facts(new)
        var changes: [Change] = []
        for group in Self.groups {
            let left = before.filter { $0.group == group }
            let right = after.filter { $0.group == group }
            let values = Dictionary(right.map { ($0.name, $0.value) }) { first, _ in first }
            let old = Dictionary(left.map { ($0.name, $0.value) }) { first, _ in first }
            for fact in left where values[fact.name] != fact.value {
                changes.append(
                    Change(group: group, name: fact.name, from: fact.value, to: values[fact.name]))
            }
            for fact in right where old[fact.name] == nil {
                changes.append(Change(group: group, name: fact.name, from: nil, to: fact.value))
            }
        }
        self.changes = changes
    }

    /// One thing that can be said; a name is there once in its group.
    private struct Fact {
        let group: String
        let name: String
        let value: String
    }

    private static let groups = [
        "filter", "module", "memory", "capabilities", "imports", "exports", "custom sections", "features",
        "configuration", "image", "layers", "annotations",
    ]

    private static func facts(_ filter: FilterDescription) -> [Fact] {
        var facts: [Fact] = []
        func add(_ group: String, _ name: String, _ value: String?) {
            if let value { facts.append(Fact(group: group, name: name, value: value)) }
        }
        let metadata = filter.metadata
        add("filter", "name", metadata.name)
        add("filter", "version", metadata.version)
        add("filter", "description", metadata.description)
        add("filter", "licence", metadata.licence)
        add("filter", "language", metadata.language)
        add("filter", "type", metadata.type)
        add("filter", "root ids", metadata.rootIDs.isEmpty ? nil : metadata.rootIDs.joined(separator: ", "))
        let module = filter.module
        add("module", "size", "\(module.size) bytes")
        add("module", "digest", module.digest.description)
        add("module", "build", module.build)
        add("module", "ABI", module.abiVersions.joined(separator: ", "))
        for (number, memory) in module.memory.enumerated() {
            let name = number == 0 ? "" : " \(number + 1)"
            add("memory", "initial\(name)", "\(memory.initial) bytes")
            add("memory", "maximum\(name)", memory.maximum.map { "\($0) bytes" })
        }
        for ability in module.capabilities { add("capabilities", ability.words, "") }
        for item in module.imports { add("imports", item.name, item.type ?? item.kind) }
        for item in module.callbacks + module.otherExports {
            add("exports", item.name, item.type ?? item.kind)
        }
        for section in module.customSections { add("custom sections", section.name, "\(section.size) bytes") }
        for feature in module.features { add("features", feature, "") }
        for setting in filter.configuration ?? [] {
            add("configuration", setting.name, setting.summary)
        }
        if let image = filter.image {
            add("image", "digest", image.digest.description)
            add("image", "variant", image.variant)
            add("image", "size", "\(image.size) bytes")
            for (number, layer) in image.layers.enumerated() {
                add("layers", "\(number + 1)", "\(layer.mediaType), \(layer.size) bytes, \(layer.digest)")
            }
            for (key, value) in image.annotations.sorted(by: { $0.key < $1.key }) {
                add("annotations", key, value)
            }
        }
        return facts
    }
}

extension FilterDescription.Setting {
    /// The member in a line, as in "string, required, default "x"".
    package var summary: String {
        ([type] + (isRequired ? ["required"] : []) + (defaultValue.map { ["default \($0)"] } ?? []))
            .joined(separator: ", ")
    }
}
