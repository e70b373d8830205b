// SPDX-License-Identifier: Apache-2.0

import FilterInspection
import HostProfiles
import HubFacts
import Markdown
import OCI

/// What a filter's page says of the filter itself, as values for its template.
struct FilterSections {
    private let view: FilterView
    private let facts: FilterFacts
    private let bounds: FilterBounds
    private let showsPictures: Bool

    init(_ view: FilterView, _ facts: FilterFacts, _ bounds: FilterBounds, showsPictures: Bool) {
        self.view = view
        self.facts = facts
        self.bounds = bounds
        self.showsPictures = showsPictures
    }

    var values: [String: Any] {
        var values: [String: Any] = [
            "isFilter": true, "facts": headline, "compatibility": compatibility, "module": module,
            "capabilities": facts.module.capabilities.map { ability in
                ["words": ability.words, "calls": short(ability.imports.joined(separator: ", "))]
                    as [String: Any]
            },
        ]
        values["summary"] = facts.metadata.description.map { clipped($0, bounds.text) }
        if let readme = facts.readme {
            let rendering = Markdown.render(
                readme.text, below: 2, prefix: "readme-", partSize: bounds.readme,
                showsPictures: showsPictures)
            values["readme"] = [
                "html": rendering.parts.first ?? "", "isCut": rendering.isCut || readme.isCut,
                "isPlain": rendering.isPlain,
            ]
        }
        values["hasLicence"] = facts.licence != nil
        return values
    }

    /// A text that is short, or the beginning of one; nothing in place of an empty one.
    private func short(_ text: String?) -> Any { shownText(text.map { clipped($0, bounds.text) }) }

    /// The first of some rows, and how many were left out.
    private func first<Row>(_ rows: [Row], _ count: Int) -> (rows: ArraySlice<Row>, left: Int) {
        (rows.prefix(count), max(0, rows.count - count))
    }

    /// The lines of the list below the page's heading.
    private var headline: [[String: Any]] {
        let metadata = facts.metadata
        var lines: [[String: Any]] = []
        func add(_ term: String, _ text: String?) {
            if let text, !text.isEmpty {
                lines.append(["term": term, "text": clipped(text, bounds.text), "link": false])
            }
        }
        add("Filter", metadata.name)
        add("Version", metadata.version)
        add("Licence", metadata.licence)
        add("Language", metadata.language)
        add("Works on", metadata.type == "network" ? "TCP connections" : "HTTP requests")
        add(
            "ABI",
            facts.module.abiVersions.isEmpty
                ? "none" : facts.module.abiVersions.map { "Proxy-Wasm \($0)" }.joined(separator: ", "))
        add("Module", byteCount(Int64(facts.module.size)))
        for (key, term) in [("source", "Source"), ("documentation", "Documentation"), ("url", "Home page")] {
            guard let link = view.annotations["org.opencontainers.image.\(key)"] else { continue }
            lines.append([
                "term": term, "text": clipped(link, bounds.text),
                "link": shownText(link.utf8.count <= bounds.text && HTMLText.isWebLink(link) ? link : nil),
            ])
        }
        return lines
    }

    /// Versions of hosts, each with why it does not take the filter.
    private var compatibility: [[String: Any]] {
        facts.hosts.map { host in
            let problems = host.findings.filter { $0.severity == .error }
            let notes = host.findings.filter { $0.severity != .error }
            let (shownProblems, moreProblems) = first(problems, bounds.findings)
            let (shownNotes, moreNotes) = first(notes, bounds.findings)
            return [
                "host": host.title,
                "versions": host.from == host.to ? "\(host.from)" : "\(host.from) to \(host.to)",
                "isTaken": host.isTaken, "reasons": shownProblems.map(note), "notes": shownNotes.map(note),
                "moreReasons": moreProblems + moreNotes > 0 ? "\(moreProblems + moreNotes)" : false,
                "hasNotes": !notes.isEmpty, "noteCount": "\(notes.count) note\(notes.count == 1 ? "" : "s")",
            ]
        }
    }

    private func note(_ note: FilterFacts.Note) -> [String: Any] {
        ["message": clipped(note.message, bounds.text), "fix": short(note.fix)]
    }

    private var module: [String: Any] {
        let module = facts.module
        func rows(_ functions: [FunctionRow]) -> [[String: Any]] {
            functions.prefix(bounds.functions).map {
                ["name": clipped($0.name, bounds.text), "type": clipped($0.type, bounds.text)]
            }
        }
        let imports = module.imports.map { FunctionRow($0.name, $0.type ?? $0.kind) }
        let exports = (module.callbacks + module.otherExports).map {
            FunctionRow($0.name, $0.type ?? $0.kind)
        }
        return [
            "digest": module.digest.description, "imports": rows(imports), "importCount": imports.count,
            "exports": rows(exports), "exportCount": exports.count,
            "isCut": max(imports.count, exports.count) > bounds.functions,
            "memory": module.memory.map { memory in
                byteCount(Int64(clamping: memory.initial)) + " at the start, "
                    + (memory.maximum.map { "at most " + byteCount(Int64(clamping: $0)) }
                        ?? "no limit of its own")
            }.joined(separator: "; "),
            "features": short(module.features.joined(separator: ", ")),
            "producers": short(module.producers.joined(separator: ", ")),
            "sections": short(
                module.customSections.map { "\($0.name) (\(byteCount(Int64($0.size))))" }
                    .joined(separator: ", ")),
        ]
    }

    private struct FunctionRow {
        let name: String
        let type: String

        init(_ name: String, _ type: String?) {
            self.name = name
            self.type = type ?? ""
        }
    }
}
