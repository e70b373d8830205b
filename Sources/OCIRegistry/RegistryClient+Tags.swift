// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
package import OCI

extension RegistryClient {
    /// All tags of a repository, in the registry's order (distribution-spec 1.1, "Listing Tags").
    package func tags(_ repository: Repository) async throws -> [Tag] {
        let action = "list the tags of \"\(name(repository))\""
        var tags: [Tag] = []
        var next: WebLocation? = try await location(repository, "tags/list?n=1000")
        var seen: Set<WebLocation> = []
        while let location = next {
            guard seen.insert(location).inserted else {
                throw RegistryError.badAnswer(action, "the registry's pages of tags go in circles")
            }
            var call = Call(.get, location, scope: Scope(repository, [.pull]), action: action)
            call.limit = 8 << 20
            let answer = try await perform(call)
            tags += try Self.tags(in: answer, action)
            guard tags.count <= options.tagLimit else {
                throw RegistryError.badAnswer(action, "there are more than \(options.tagLimit) tags")
            }
            next = try nextPage(of: answer, action)
        }
        return tags
    }

    private static func tags(in answer: Answer, _ action: String) throws -> [Tag] {
        do {
            let page = try JSONDecoder().decode(TagPage.self, from: Data(answer.body))
            return try (page.tags ?? []).map { try Tag($0) }
        } catch let error as ReferenceError {
            throw RegistryError.badAnswer(action, shownText("\(error)", limit: 300))
        } catch {
            throw RegistryError.badAnswer(action, "the list cannot be read: \(decodingFailure(error))")
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
