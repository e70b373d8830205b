// SPDX-License-Identifier: Apache-2.0

import Hub

/// Some of many rows that are all at hand, and where the next ones are.
struct RowSlice<Row> {
    let rows: ArraySlice<Row>
    /// The address of the next rows, for a template.
    let next: Any

    /// Takes those that the query of the visitor's address asks for, by the number of rows before them.
    init(
        _ all: [Row], _ parameter: String, on path: String, _ visit: Visit, length: Int
    ) throws(HubError) {
        let first =
            try RequestTarget(visit.address).value(parameter, orThrow: .pageInvalid)
            .map { decimal($0) ?? 0 } ?? 0
        rows = all.dropFirst(Int(clamping: first)).prefix(length)
        let end = rows.endIndex
        next = end < all.count ? "\(path)?\(parameter)=\(end)" : false
    }
}
