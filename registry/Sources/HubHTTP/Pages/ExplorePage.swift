// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// The first page: what filters there are, and a search among them.
struct ExplorePage: Sendable {
    /// Filters on the page, and values of each facet.
    private static let filtersShown = 20
    private static let valuesShown = 10
    /// The longest line about a filter, in Unicode scalars.
    private static let longestLine = 160
    private static let longestMark = 60

    let renderer: PageRenderer

    func respond(_ request: Request, _ visit: Visit) async throws -> Response {
        var values: [String: Any] = [:]
        var status = HTTPResponse.Status.ok
        let asked: SearchRequest
        do {
            asked = try SearchRequest(RequestTarget(query: request))
        } catch {
            // What cannot be looked for is said on the page, with everything below it.
            values["problem"] = error.message
            status = .badRequest
            asked = try SearchRequest(RequestTarget("/"))
        }
        let result = try await visit.registry.search(asked.query, limit: Self.filtersShown)
        if result.total == 0, asked.text.isEmpty, asked.choices.isEmpty {
            values["isEmpty"] = try await visit.registry.repositories(limit: 1).entries.isEmpty
        }
        values["text"] = asked.text
        values["count"] = result.total == 1 ? "1 filter" : "\(grouped(Int64(result.total))) filters"
        values["orders"] = SearchOrder.allCases.map { order in
            [
                "value": order.rawValue, "label": order.title, "isChosen": order == asked.query.order,
            ]
        }
        values["facets"] = Facet.allCases.compactMap { rows(of: $0, result.facets[$0] ?? []) }
        values["isNarrowed"] = !asked.choices.isEmpty
        values["repositories"] = result.found.map { card($0, visit) }
        values["next"] = result.next.map { asked.link("/", after: $0) }
        values["feed"] = "/feed.atom"
        values["meta"] = openGraph(
            visit, title: "Filters", "/", "Filters for Envoy and all that is built on it.")
        return renderer.page(
            "explore", title: "Filters", values, visit, using: ["explore.css", "explore.js"], status: status)
    }

    private func rows(of facet: Facet, _ counts: [FacetCount]) -> [String: Any]? {
        let shown = counts.prefix(Self.valuesShown) + counts.dropFirst(Self.valuesShown).filter(\.isChosen)
        guard !shown.isEmpty else { return nil }
        return [
            "title": facet.title,
            "values": shown.map { count in
                [
                    "facet": facet.rawValue, "value": count.value.value, "isChosen": count.isChosen,
                    "label": facet == .signed ? "signed" : shortened(count.value.label, to: Self.longestMark),
                    "count": grouped(Int64(count.count)),
                ]
            },
        ]
    }

    private func card(_ found: FoundRepository, _ visit: Visit) -> [String: Any] {
        func text(_ key: String, _ limit: Int) -> String? {
            found.annotations["org.opencontainers.image.\(key)"].map { shortened($0, to: limit) }
        }
        func labels(_ facet: Facet) -> [String] {
            (found.facets[facet] ?? []).map { shortened($0.label, to: Self.longestMark) }
        }
        let image = found.image
        var values: [String: Any] = [
            "name": found.repository.path,
            "version": image.tag,
            "time": Date(timeIntervalSince1970: TimeInterval(image.updatedAt)).formatted(.iso8601),
            "age": age(seconds: visit.registry.now() - image.updatedAt), "size": byteCount(image.size),
            "pulls": found.pulls == 1 ? "1 pull" : "\(grouped(found.pulls)) pulls",
            "marks": labels(.language) + labels(.abi).map { "ABI \($0)" },
            "isSigned": found.facets[.signed] != nil,
        ]
        values["description"] = text("description", Self.longestLine) ?? text("title", Self.longestLine)
        let hosts = labels(.host)
        values["hosts"] = hosts.isEmpty ? nil : hosts.joined(separator: ", ")
        return values
    }
}

extension SearchOrder {
    /// What people call it.
    fileprivate var title: String {
        switch self {
        case .relevance: "Best match"
        case .pulls: "Most pulled"
        case .newest: "Newest"
        case .name: "Name"
        }
    }
}

extension Facet {
    /// What people call it.
    fileprivate var title: String {
        switch self {
        case .language: "Language"
        case .abi: "Proxy-Wasm ABI"
        case .host: "Runs on"
        case .capability: "What it does"
        case .organisation: "Organisation"
        case .signed: "Signed"
        }
    }
}

extension RequestTarget {
    /// The target of a form that was sent by GET, whose spaces are plus signs.
    init(query request: Request) throws(HubError) {
        try self.init((request.head.path ?? "/").replacing("+", with: "%20"))
    }
}

/// What other sites show of a link to a page (ogp.me); nothing where the hub has no address that all know it by.
func openGraph(_ visit: Visit, title: String, _ path: String, _ description: String?) -> [[String: Any]] {
    guard visit.hasPublicAddress else { return [] }
    let values: [(String, String?)] = [
        ("og:type", "website"), ("og:site_name", "wasme hub"), ("og:title", title),
        ("og:url", visit.base + path), ("og:description", description),
    ]
    return values.compactMap { property, content in
        content.map { ["property": property, "content": $0] }
    }
}

/// A number with its thousands apart.
func grouped(_ number: Int64) -> String {
    var text = ""
    for (index, digit) in "\(number.magnitude)".reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
}
