// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
package import OCI

extension RegistryClient {
    /// All tags of a repository, in the registry's order (distribution-spec 1.1, "Listing Tags").
    package func tags(_ repository: Repository) async throws -> [Tag] {
        let action = "list the tags of \"\(name(repository))\""
        var tags: [Tag] = []
        let first = Call(
            .get, location(repository, "tags/list?n=1000"), scope: Scope(repository, [.pull]),
            action: action)
        try await forEachPage(first) { answer in
            tags += try Self.tags(in: answer, action)
            guard tags.count <= options.tagLimit else {
                throw RegistryError.badAnswer(action, "there are more than \(options.tagLimit) tags")
            }
            return true
        }
        return tags
    }

    /// Tags of a repository that come after a text, in the registry's order (distribution-spec 1.1, "Listing Tags").
    /// - Parameters:
    ///   - repository: whose tags.
    ///   - last: where the page before ended; empty for the beginning.
    ///   - limit: how many are wanted at most.
    /// - Returns: no more than `limit`, fewer only if there are no more; nil if the registry takes no notice of either.
    /// - Throws: `RegistryError`.
    package func tags(_ repository: Repository, after last: String, limit: Int) async throws -> [Tag]? {
        guard limit > 0 else { return [] }
        let action = "list the tags of \"\(name(repository))\""
        let length = min(limit, 1000)
        let start = last.isEmpty ? "" : "&last=\(percentEncoded(last))"
        let first = Call(
            .get, location(repository, "tags/list?n=\(length)\(start)"), scope: Scope(repository, [.pull]),
            action: action)
        var tags: [Tag]? = []
        try await forEachPage(first) { answer in
            let page = try Self.tags(in: answer, action)
            let isPage = page.count <= length && !(tags?.isEmpty == true && Self.begins(page, before: last))
            tags = isPage ? (tags ?? []) + page : nil
            return (tags?.count ?? limit) < limit
        }
        return tags.map { Array($0.prefix(limit)) }
    }

    /// Whether a list holds what should have been left out: the last entry of the page before, or what comes before it in
    /// a list that is sorted as the specification has it.
    private static func begins(_ page: [Tag], before last: String) -> Bool {
        guard !last.isEmpty, let first = page.first else { return false }
        let isSorted = zip(page, page.dropFirst()).allSatisfy {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        return page.contains { $0.name == last }
            || (isSorted && page.count > 1 && first.name.utf8.lexicographicallyPrecedes(last.utf8))
    }

    private static func tags(in answer: Answer, _ action: String) throws -> [Tag] {
        do {
            return try decode(TagPage.self, answer, action).tags?.map { try Tag($0) } ?? []
        } catch let error as ReferenceError {
            throw RegistryError.badAnswer(action, shownText("\(error)", limit: 300))
        }
    }

    /// The repositories that a registry shows, in its order; many registries show none to anybody.
    ///
    /// The way is the distribution project's (`GET /v2/_catalog`), not the specification's.
    /// - Parameter limit: after how many to stop.
    /// - Returns: at most `limit` names; those that are none are left out.
    /// - Throws: `RegistryError`.
    package func catalog(limit: Int = 10_000) async throws -> [Repository] {
        let action = "list the repositories of \"\(host)\""
        var repositories: [Repository] = []
        let first = Call(
            .get, location("/v2/_catalog?n=\(min(max(limit, 1), 1000))"), action: action)
        try await forEachPage(first) { answer in
            let names = try Self.decode(CatalogPage.self, answer, action).repositories ?? []
            repositories += names.compactMap { try? Repository($0) }
            return repositories.count < limit
        }
        return Array(repositories.prefix(limit))
    }

    /// Fetches a list page by page.
    /// - Parameters:
    ///   - first: asks for the first page.
    ///   - take: takes one page in, and says whether to go on.
    /// - Throws: `RegistryError`, or what `take` threw.
    func forEachPage(_ first: Call, _ take: (Answer) throws -> Bool) async throws {
        var call = first
        call.limit = 8 << 20
        var seen: Set<WebLocation> = []
        while seen.insert(call.location).inserted {
            let answer = try await perform(call)
            guard try take(answer), let next = try nextPage(of: answer, call.action) else { return }
            call.location = next
        }
        throw RegistryError.badAnswer(call.action, "the registry's pages go in circles")
    }

    static func decode<Page: Decodable>(
        _ type: Page.Type, _ answer: Answer, _ action: String
    ) throws -> Page {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body))
        } catch {
            throw RegistryError.badAnswer(
                action, "the list cannot be read: \(shownText(decodingFailure(error), limit: 300))")
        }
    }

    /// The location behind `rel="next"` (RFC 8288 §3).
    private func nextPage(of answer: Answer, _ action: String) throws -> WebLocation? {
        for link in answer.headers("link") {
            guard let target = Self.next(in: link) else { continue }
            guard let location = answer.location.resolving(target) else {
                throw RegistryError.badAnswer(action, "the link to the next page is no http URL")
            }
            return location
        }
        return nil
    }

    static func next(in link: String) -> String? {
        var rest = link[...]
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            let target = rest[rest.index(after: open)..<close]
            rest = rest[rest.index(after: close)...]
            let parameters = rest.prefix { $0 != "<" }.lowercased().split(whereSeparator: {
                $0 == ";" || $0 == ","
            })
            let isNext = parameters.contains { parameter in
                let text = parameter.filter { !$0.isWhitespace && $0 != "\"" }
                return text == "rel=next"
            }
            if isNext { return String(target) }
        }
        return nil
    }
}

private struct TagPage: Decodable {
    /// Registries say null for a repository without tags.
    let tags: [String]?
}

private struct CatalogPage: Decodable {
    let repositories: [String]?
}
