// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
package import OCI

/// A repository as a hub's search shows it: its newest tag, and what that image says of itself.
///
/// All texts are a server's: they are to be made safe before they are shown.
package struct FoundRepository: Hashable, Sendable {
    package let repository: Repository
    package var tag: String?
    package var digest: Digest?
    /// Bytes of the image.
    package var size: Int64?
    /// When the tag was moved (RFC 3339).
    package var updated: String?
    package var title: String?
    package var description: String?
    package var version: String?
    package var abi: String?

    package init(_ repository: Repository) { self.repository = repository }
}

/// The orders of a hub's search, as it calls them.
package enum SearchOrder: String, Sendable, CaseIterable {
    case relevance, pulls, newest, name
}

extension RegistryClient {
    /// Repositories in which every word of a query stands (`GET /api/v1/search` of `wasme-hub`).
    /// - Parameters:
    ///   - query: words, or nothing for everything.
    ///   - order: how they are sorted; nil for the registry's choice, the best first.
    ///   - limit: after how many to stop.
    /// - Returns: what was found, in that order; nil if this registry has no such search.
    /// - Throws: `RegistryError` if it cannot be asked or refuses.
    package func search(
        _ query: String, order: SearchOrder? = nil, limit: Int
    ) async throws -> [FoundRepository]? {
        let action = "search \"\(host)\""
        let words = query.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let sort = order.map { "&sort=\($0.rawValue)" } ?? ""
        let path = "/api/v1/search?q=\(words)&n=\(min(max(limit, 1), 100))\(sort)"
        var found: [FoundRepository] = []
        do {
            try await forEachPage(Call(.get, location(path), action: action)) { answer in
                found += try Self.decode(FoundPage.self, answer, action).repositories.compactMap(\.found)
                return found.count < limit
            }
        } catch let error as RegistryError
            where error.code == .badAnswer || [404, 405, 501].contains(error.status)
        {
            // Not a hub: some answer any path with a page for people.
            return nil
        }
        return Array(found.prefix(limit))
    }
}

private struct FoundPage: Decodable {
    struct Entry: Decodable {
        let repository: String
        let tag: String?
        let digest: String?
        let size: Int64?
        let updated: String?
        let title: String?
        let description: String?
        let version: String?
        let abi: String?

        /// Nil for a name that is none.
        var found: FoundRepository? {
            guard let name = try? Repository(repository) else { return nil }
            var found = FoundRepository(name)
            found.tag = tag.flatMap { try? Tag($0) }?.name
            found.digest = digest.flatMap(Digest.init)
            found.size = size.flatMap { $0 < 0 ? nil : $0 }
            found.updated = updated
            found.title = title
            found.description = description
            found.version = version
            found.abi = abi
            return found
        }
    }

    let repositories: [Entry]
}
