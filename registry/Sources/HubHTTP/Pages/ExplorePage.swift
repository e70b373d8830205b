// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// The first page: what filters there are, and a search among them.
struct ExplorePage: Sendable {
    /// Filters on the page, and on one where their names and words are long.
    private static let filtersShown = [20, 8]
    /// Values of each facet, and bytes of one.
    private static let valuesShown = 10
    private static let longestValue = 120
    /// Bytes of what somebody looked for in vain.
    private static let longestText = 200

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
            // So that it can be corrected.
            let typed = (try? RequestTarget(query: request))?.values("q").first
            values["text"] = typed.map { clipped($0, Self.longestText) }
            status = .badRequest
            asked = try SearchRequest(RequestTarget("/"))
        }
        var response: Response
        var lengths = Self.filtersShown[...]
        repeat {
            let result = try await visit.registry.search(asked.query, limit: lengths.removeFirst())
            response = try await page(result, asked, values, visit, status)
        } while !response.isShort && !lengths.isEmpty
        return response
    }

    private func page(
        _ result: SearchResult, _ asked: SearchRequest, _ values: [String: Any], _ visit: Visit,
        _ status: HTTPResponse.Status
    ) async throws -> Response {
        var values = values
        if values["problem"] == nil, result.total == 0, asked.text.isEmpty, asked.choices.isEmpty {
            values["isEmpty"] = try await visit.registry.repositories(limit: 1).entries.isEmpty
        }
        values["text"] = values["text"] ?? asked.text
        values["count"] = result.total == 1 ? "1 filter" : "\(grouped(Int64(result.total))) filters"
        values["orders"] = SearchOrder.allCases.map { order in
            [
                "value": order.rawValue, "label": order.title, "isChosen": order == asked.query.order,
            ]
        }
        values["facets"] = Facet.allCases.compactMap { rows(of: $0, result.facets[$0] ?? []) }
        values["isNarrowed"] = !asked.choices.isEmpty
        values["repositories"] = result.found.map { FilterCard($0, visit).values }
        values["next"] = result.next.map { asked.link("/", after: $0) }
        values["feed"] = "/feed.atom"
        values["canonical"] = visit.hasPublicAddress ? "\(visit.base)/" : nil
        values["meta"] = openGraph(
            visit, title: "Filters", "/", "Filters for Envoy and all that is built on it.")
        return renderer.page(
            "explore", title: "Filters", values, visit, using: ["explore.css", "explore.js"], status: status)
    }

    private func rows(of facet: Facet, _ counts: [FacetCount]) -> [String: Any]? {
        let usual = counts.filter { $0.isChosen || $0.value.value.utf8.count <= Self.longestValue }
        let shown = usual.prefix(Self.valuesShown) + usual.dropFirst(Self.valuesShown).filter(\.isChosen)
        guard !shown.isEmpty else { return nil }
        return [
            "title": facet.title,
            "values": shown.map { count in
                [
                    "facet": facet.rawValue, "value": count.value.value, "isChosen": count.isChosen,
                    "label": facet == .signed ? "signed" : clipped(count.value.label, FilterCard.longestMark),
                    "count": grouped(Int64(count.count)),
                ]
            },
        ]
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
