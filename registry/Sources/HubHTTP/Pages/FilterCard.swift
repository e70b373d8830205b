// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI

/// A filter in a list: what matters of it, as values for the template `card`.
struct FilterCard {
    /// The longest line about a filter and other words about it, in bytes, and how many of these.
    private static let longestLine = 200
    static let longestMark = 60
    private static let mostMarks = 6

    private let found: FoundRepository
    private let visit: Visit

    init(_ found: FoundRepository, _ visit: Visit) {
        self.found = found
        self.visit = visit
    }

    var values: [String: Any] {
        func labels(_ facet: Facet) -> [String] {
            (found.facets[facet] ?? []).prefix(Self.mostMarks).map { clipped($0.label, Self.longestMark) }
        }
        let image = found.image
        var values: [String: Any] = [
            "name": found.repository.path,
            "version": image.tag,
            "time": timestamp(image.updatedAt),
            "age": age(seconds: visit.registry.now() - image.updatedAt), "size": byteCount(image.size),
            "pulls": found.pulls == 1 ? "1 pull" : "\(grouped(found.pulls)) pulls",
            "marks": labels(.language) + labels(.abi).map { "ABI \($0)" },
            "isSigned": found.facets[.signed] != nil,
        ]
        values["description"] = (found.words.description ?? found.words.title)
            .map { clipped($0, Self.longestLine) }
        let hosts = labels(.host)
        values["hosts"] = hosts.isEmpty ? nil : hosts.joined(separator: ", ")
        return values
    }
}
