// SPDX-License-Identifier: Apache-2.0

import FilterInspection
import HostProfiles
import HubFacts
import Markdown
import OCI

/// What a filter's page says of the filter itself, as values for its template.
struct FilterSections {
    private static let mostDescription = 500

    let view: FilterView
    let facts: FilterFacts
    let visit: Visit

    init(_ view: FilterView, _ facts: FilterFacts, _ visit: Visit) {
        self.view = view
        self.facts = facts
        self.visit = visit
    }

    var values: [String: Any] {
        var values: [String: Any] = [
            "isFilter": true, "facts": headline, "compatibility": compatibility, "module": module,
            "capabilities": facts.module.capabilities.map { ability in
                ["words": ability.words, "calls": shownText(ability.imports.joined(separator: ", "))]
                    as [String: Any]
            },
        ]
        values["summary"] = facts.metadata.description.map { String($0.prefix(Self.mostDescription)) }
        if let readme = facts.readme {
            let rendering = Markdown.render(readme.text, below: 2, prefix: "readme-")
            values["readme"] = [
                "html": rendering.html, "isCut": rendering.isCut || readme.isCut,
                "isPlain": rendering.isPlain,
            ]
        }
        if let licence = facts.licence {
            values["licenceText"] = ["text": licence.text, "isCut": licence.isCut]
        }
        return values
    }

    /// The lines of the list below the page's heading.
    private var headline: [[String: Any]] {
        let metadata = facts.metadata
        var lines: [[String: Any]] = []
        func add(_ term: String, _ text: String?) {
            if let text, !text.isEmpty { lines.append(["term": term, "text": text, "link": false]) }
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
                "term": term, "text": link, "link": shownText(HTMLText.isWebLink(link) ? link : nil),
            ])
        }
        return lines
    }

    /// Versions of hosts, each with why it does not take the filter.
    private var compatibility: [[String: Any]] {
        facts.hosts.map { host in
            let problems = host.findings.filter { $0.severity == .error }
            let notes = host.findings.filter { $0.severity != .error }
            return [
                "host": host.title,
                "versions": host.from == host.to ? "\(host.from)" : "\(host.from) to \(host.to)",
                "isTaken": host.isTaken, "reasons": problems.map(Self.note), "notes": notes.map(Self.note),
                "hasNotes": !notes.isEmpty, "noteCount": "\(notes.count) note\(notes.count == 1 ? "" : "s")",
            ]
        }
    }

    private static func note(_ note: FilterFacts.Note) -> [String: Any] {
        ["message": note.message, "fix": shownText(note.fix)]
    }

    private var module: [String: Any] {
        let module = facts.module
        func rows(_ functions: [FunctionRow]) -> [[String: Any]] {
            functions.map { ["name": $0.name, "type": $0.type] }
        }
        let imports = module.imports.map { FunctionRow($0.name, $0.type ?? $0.kind) }
        let exports = (module.callbacks + module.otherExports).map {
            FunctionRow($0.name, $0.type ?? $0.kind)
        }
        return [
            "digest": module.digest.description, "imports": rows(imports), "importCount": imports.count,
            "exports": rows(exports), "exportCount": exports.count,
            "memory": module.memory.map { memory in
                byteCount(Int64(clamping: memory.initial)) + " at the start, "
                    + (memory.maximum.map { "at most " + byteCount(Int64(clamping: $0)) }
                        ?? "no limit of its own")
            }.joined(separator: "; "),
            "features": shownText(module.features.joined(separator: ", ")),
            "producers": shownText(module.producers.joined(separator: ", ")),
            "sections": shownText(
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
