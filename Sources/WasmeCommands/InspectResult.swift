// SPDX-License-Identifier: Apache-2.0

import FilterInspection
private import Foundation
import OCI

/// What a filter is, for people.
struct InspectResult: CommandResult {
    let description: FilterDescription
    let paint: Paint

    func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }

    var brief: String { (description.image?.digest ?? description.module.digest).description }

    var text: String {
        let blocks = [heading, module, abilities, callbacks, configuration, image, annotations]
        return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private var heading: [String] {
        let metadata = description.metadata
        let name = [metadata.name, metadata.version].compactMap(\.self).joined(separator: " ")
        let facts = [
            metadata.language, metadata.type.map { "\($0) filter" }, metadata.licence,
        ].compactMap(\.self)
        return [
            paint(name.isEmpty ? description.subject : name, .bold)
                + (facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))")
        ] + (metadata.description.map { [$0] } ?? [])
    }

    private func section(_ title: String, _ fields: [(String, String?)]) -> [String] {
        let present = fields.compactMap { name, value in value.map { (name, $0) } }
        let width = present.map(\.0.count).max() ?? 0
        return [paint(title, .cyan)]
            + present.map { name, value in
                "  " + paint(name.padding(toLength: width, withPad: " ", startingAt: 0), .dim) + "  " + value
            }
    }

    private var module: [String] {
        let module = description.module
        let memory = module.memory.map { memory in
            "\(byteCount(Int64(clamping: memory.initial))) for each worker, "
                + (memory.maximum.map { "at most \(byteCount(Int64(clamping: $0)))" } ?? "no limit of its own")
        }
        func list(_ items: [String]) -> String? { items.isEmpty ? nil : items.joined(separator: ", ") }
        return section(
            "module",
            [
                ("size", byteCount(Int64(module.size))), ("digest", module.digest.description),
                ("build", module.build),
                ("ABI", list(module.abiVersions) ?? "none named"),
                ("root ids", list(description.metadata.rootIDs)),
                ("memory", list(memory) ?? "none"),
                ("features", list(module.features)),
                ("made by", list(module.producers)),
                (
                    "sections",
                    list(module.customSections.map { "\($0.name) (\(byteCount(Int64($0.size))))" })
                ),
            ])
    }

    private var abilities: [String] {
        let module = description.module
        var lines = [paint("can do", .cyan)]
        lines += module.capabilities.map { ability in
            "  \(ability.words)"
                + (ability.imports.isEmpty
                    ? "" : paint(": \(ability.imports.joined(separator: ", "))", .dim))
        }
        if !module.otherImports.isEmpty {
            lines.append("  other imports: " + module.otherImports.map(\.name).joined(separator: ", "))
        }
        return lines.count == 1 ? lines + ["  nothing: it imports nothing and is called for nothing"] : lines
    }

    private var callbacks: [String] {
        let module = description.module
        return section(
            "exports",
            [
                (
                    "callbacks",
                    module.callbacks.isEmpty ? nil : module.callbacks.map(\.name).joined(separator: ", ")
                ),
                (
                    "other",
                    module.otherExports.isEmpty
                        ? nil : module.otherExports.map(\.name).joined(separator: ", ")
                ),
            ])
    }

    private var configuration: [String] {
        guard let settings = description.configuration else { return [] }
        return section(
            "configuration",
            settings.map { setting in
                (setting.name, setting.summary + (setting.description.map { " · \($0)" } ?? ""))
            })
    }

    private var image: [String] {
        guard let image = description.image else { return [] }
        return section(
            "image",
            [
                ("digest", image.digest.description), ("variant", image.variant),
                ("size", byteCount(image.size)),
            ]
                + image.layers.enumerated().map { number, layer in
                    ("layer \(number + 1)", "\(layer.mediaType), \(byteCount(layer.size))")
                })
    }

    private var annotations: [String] {
        guard let annotations = description.image?.annotations, !annotations.isEmpty else { return [] }
        return section("annotations", annotations.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
}
