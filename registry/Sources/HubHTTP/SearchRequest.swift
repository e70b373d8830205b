// SPDX-License-Identifier: Apache-2.0

import Hub

/// A search as it stands in the query of a request: `q` for words, `sort` for the order, and a parameter for each facet,
/// as often as values are chosen.
struct SearchRequest {
    /// What was typed, as it was.
    let text: String
    let choices: [Facet: Set<String>]
    let order: SearchOrder?
    let query: SearchQuery
    /// Most results of a page; nil for as many as there may be.
    let limit: Int?

    init(_ target: RequestTarget) throws(HubError) {
        text = try target.value("q", orThrow: .searchInvalid) ?? ""
        var choices: [Facet: Set<String>] = [:]
        for facet in Facet.allCases {
            let values = target.values(facet.rawValue).filter { !$0.isEmpty }
            if !values.isEmpty { choices[facet] = Set(values) }
        }
        self.choices = choices
        var order: SearchOrder?
        if let name = try target.value("sort", orThrow: .searchInvalid), !name.isEmpty {
            order = SearchOrder(rawValue: name)
            guard order != nil else {
                let names = SearchOrder.allCases.map(\.rawValue).joined(separator: ", ")
                throw HubError(
                    .searchInvalid, "there is no order \"\(name.prefix(40))\"",
                    hint: "sort is one of \(names)")
            }
        }
        self.order = order
        let (limit, last) = try target.page()
        self.limit = limit
        query = try SearchQuery(text, choices: choices, order: order, after: last)
    }

    /// The same search as the query of a link, with what is to be different.
    func link(
        _ path: String, count: Int? = nil, after: SearchPosition? = nil, without: FacetChoice? = nil
    ) -> String {
        var items: [(String, String)] = []
        if !text.isEmpty { items.append(("q", text)) }
        for facet in Facet.allCases {
            for value in (choices[facet] ?? []).sorted() where without != FacetChoice(facet, value) {
                items.append((facet.rawValue, value))
            }
        }
        // An answer in the order of names is gone on with in that order.
        if order != nil || query.order != .relevance { items.append(("sort", query.order.rawValue)) }
        if let count { items.append(("n", "\(count)")) }
        if let after {
            items.append(("last", query.order == .name ? after.name : after.description))
        }
        guard !items.isEmpty else { return path }
        return path + "?"
            + items.map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&")
    }
}

/// One value that is chosen.
struct FacetChoice: Hashable {
    let facet: Facet
    let value: String

    init(_ facet: Facet, _ value: String) {
        self.facet = facet
        self.value = value
    }
}
