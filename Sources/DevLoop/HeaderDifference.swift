// SPDX-License-Identifier: Apache-2.0

package import FilterProxy

/// How one header differs between two messages.
package struct HeaderDifference: Hashable, Sendable {
    package let name: String
    /// Its values before, in order; none if it was not there.
    package let old: [String]
    package let new: [String]

    /// Compares the headers whose names are asked for.
    package static func between(
        _ old: [StreamRecord.Header], _ new: [StreamRecord.Header], where isOfInterest: (String) -> Bool
    ) -> [HeaderDifference] {
        var names: [String] = []
        for header in old + new where isOfInterest(header.name) && !names.contains(header.name) {
            names.append(header.name)
        }
        return names.compactMap { name in
            let before = old.filter { $0.name == name }.map(\.value)
            let after = new.filter { $0.name == name }.map(\.value)
            return before == after ? nil : HeaderDifference(name: name, old: before, new: after)
        }
    }

    /// As in "+x: 1", "-x: 1" or "~x: 1 -> 2".
    package var summary: String {
        let old = old.joined(separator: ", ")
        let new = new.joined(separator: ", ")
        if self.old.isEmpty { return "+\(name): \(new)" }
        if self.new.isEmpty { return "-\(name): \(old)" }
        return "~\(name): \(old) -> \(new)"
    }
}

extension SeenRequest {
    /// What the filter did to the headers of the request, as what is behind it has them; empty if it let none pass.
    package var requestChanges: [HeaderDifference] {
        guard let behind = exchange.behind else { return [] }
        return HeaderDifference.between(exchange.before.request.headers, behind.request.headers) { name in
            name != "content-length" && name != ":scheme"
        }
    }

    /// What the filter did to the headers of the response; empty if it answered itself.
    package var responseChanges: [HeaderDifference] {
        guard let behind = exchange.behind, !behind.response.headers.isEmpty else { return [] }
        return HeaderDifference.between(behind.response.headers, exchange.before.response.headers) { name in
            HeaderKinds.isOfResponse(name)
        }
    }

    /// Whether the filter answered without asking what is behind it.
    package var isAnsweredByFilter: Bool { exchange.behind == nil && exchange.before.status != nil }

    /// Whether the bodies differ between the filter's two sides, as far as they are kept.
    package var changesRequestBody: Bool {
        exchange.behind.map { $0.request.body != exchange.before.request.body } ?? false
    }

    package var changesResponseBody: Bool {
        guard let behind = exchange.behind, !behind.response.headers.isEmpty else { return false }
        return behind.response.body != exchange.before.response.body
    }
}
