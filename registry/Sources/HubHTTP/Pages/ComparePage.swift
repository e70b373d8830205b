// SPDX-License-Identifier: Apache-2.0

import FilterInspection
import Hub
import HubFacts
import Hummingbird
import JSON
import OCI

/// The page of what differs between two versions: what `wasme inspect --diff` says, and documents line by line.
struct ComparePage: Sendable {
    private static let mostVersions = 40

    let renderer: PageRenderer

    func respond(_ name: String, _ target: RequestTarget, _ visit: Visit) async throws -> Response {
        guard let address = FilterAddress(name), address.target == nil else {
            return renderer.missing(visit)
        }
        let repository = address.repository
        let from = try target.value("from", orThrow: .pageInvalid) ?? ""
        let to = try target.value("to", orThrow: .pageInvalid) ?? ""
        let images: [TaggedImage]
        do {
            images = try await visit.registry.taggedImages(in: repository, limit: Self.mostVersions)
        } catch let error as HubError where error.hidesContent {
            return renderer.missing(visit)
        }
        // A repository that is not there has no versions, and neither has one that must not be seen.
        guard !images.isEmpty else { return renderer.missing(visit) }
        func choices(_ chosen: String) -> [[String: Any]] {
            let tags = images.map(\.tag)
            let all = tags.contains(chosen) || chosen.isEmpty ? tags : [chosen] + tags
            return all.map { ["tag": $0, "isChosen": $0 == chosen] }
        }
        let values: [String: Any] = [
            "name": repository.path, "fromChoices": choices(from), "toChoices": choices(to),
            "isAsked": !from.isEmpty && !to.isEmpty, "from": from, "to": to,
        ]
        if !from.isEmpty, !to.isEmpty {
            guard let old = try await view(repository, from, visit),
                let new = try await view(repository, to, visit)
            else { return renderer.missing(visit) }
            // As much of what differs as makes the page short enough.
            for bounds in FilterBounds.all {
                var values = values
                values["result"] = Self.result(old, new, bounds)
                let response = page(repository, values, visit)
                if response.isShort { return response }
            }
        }
        return page(repository, values, visit)
    }

    private func page(_ repository: Repository, _ values: [String: Any], _ visit: Visit) -> Response {
        renderer.page("compare", title: "Compare \(repository)", values, visit, using: ["filter.css"])
    }

    private func view(_ repository: Repository, _ version: String, _ visit: Visit) async throws -> FilterView?
    {
        let separator = version.contains(":") ? "@" : ":"
        guard let address = FilterAddress("\(repository)\(separator)\(version)") else { return nil }
        return try await FilterView(address, visit)
    }

    // MARK: - What differs

    private static func result(
        _ old: FilterView, _ new: FilterView, _ bounds: FilterBounds
    ) -> [String: Any] {
        guard let before = old.filter, let after = new.filter else {
            return [
                "isSame": old.document.digest == new.document.digest, "isNoFilter": true,
                "groups": [[String: Any]](), "documents": [[String: Any]](),
            ]
        }
        let difference = FilterDifference(before.description, after.description)
        let hosts = HostChange.all(before.hosts, after.hosts)
        var groups: [(name: String, rows: [[String: Any]])] = []
        func add(_ group: String, _ name: String, _ from: String?, _ to: String?) {
            let row: [String: Any] = [
                "what": clipped(name, bounds.text), "before": clipped(from ?? "", bounds.text),
                "after": clipped(to ?? "", bounds.text), "isNew": from == nil,
                "isGone": to == nil,
                // Some things are only there or not.
                "isThere": to == "", "wasThere": from == "",
            ]
            if groups.last?.name == group {
                groups[groups.count - 1].rows.append(row)
            } else {
                groups.append((group, [row]))
            }
        }
        for host in hosts { add("compatibility", host.title, host.from, host.to) }
        for change in difference.changes { add(change.group, change.name, change.from, change.to) }
        let documents = [
            document("README", before.readme?.text, after.readme?.text, bounds),
            document("Configuration schema", pretty(before.configSchema), pretty(after.configSchema), bounds),
            document("Licence", before.licence?.text, after.licence?.text, bounds),
        ].compactMap(\.self)
        return [
            "isSame": groups.isEmpty && documents.isEmpty, "isNoFilter": false,
            "groups": groups.map { group in
                [
                    "group": group.name.prefix(1).uppercased() + group.name.dropFirst(),
                    "id": group.name.replacing(" ", with: "-"),
                    "rows": Array(group.rows.prefix(bounds.rows)),
                    "left": group.rows.count > bounds.rows ? "\(group.rows.count - bounds.rows)" : false,
                ] as [String: Any]
            }, "documents": documents,
        ]
    }

    private static func pretty(_ schema: FilterFacts.Text?) -> String? {
        schema.map { (try? JSONValue(parsing: $0.text))?.prettyPrinted ?? $0.text }
    }

    private static func document(
        _ title: String, _ old: String?, _ new: String?, _ bounds: FilterBounds
    ) -> [String: Any]? {
        guard old != new else { return nil }
        let difference = LineDifference(old ?? "", new ?? "")
        var left = bounds.readme / 2
        let lines = (difference?.lines ?? []).map { ($0, clipped($0.text, bounds.text)) }
        let shown = lines.prefix { _, text in
            left -= text.utf8.count + 40
            return left > 0
        }
        return [
            "document": title, "isTooLong": difference == nil, "isCut": shown.count < lines.count,
            "lines": shown.map { line, text in
                [
                    "text": text, "isAdded": line.kind == .added, "isRemoved": line.kind == .removed,
                    "isKept": line.kind == .kept, "isGap": line.kind == .gap,
                ] as [String: Any]
            },
        ]
    }
}

/// Which versions of a host take a filter, before and after.
private struct HostChange {
    let title: String
    let from: String
    let to: String

    static func all(_ old: [FilterFacts.Host], _ new: [FilterFacts.Host]) -> [HostChange] {
        var names: [String] = []
        for host in old + new where !names.contains(host.host) { names.append(host.host) }
        return names.compactMap { name in
            let before = old.filter { $0.host == name }
            let after = new.filter { $0.host == name }
            let change = HostChange(
                title: (after.first ?? before.first)?.title ?? name, from: taken(before), to: taken(after))
            return change.from == change.to ? nil : change
        }
    }

    private static func taken(_ hosts: [FilterFacts.Host]) -> String {
        var ranges: [(from: String, to: String)] = []
        var wasTaken = false
        for host in hosts {
            if host.isTaken, wasTaken, let last = ranges.popLast() {
                ranges.append((last.from, "\(host.to)"))
            } else if host.isTaken {
                ranges.append(("\(host.from)", "\(host.to)"))
            }
            wasTaken = host.isTaken
        }
        guard !ranges.isEmpty else { return "runs on none" }
        return "runs on "
            + ranges.map { $0.from == $0.to ? $0.from : "\($0.from) to \($0.to)" }.joined(separator: ", ")
    }
}
