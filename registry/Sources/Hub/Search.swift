// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What somebody looks for: words that must all stand in a repository's name or in what its newest image says of itself.
package struct SearchQuery: Hashable, Sendable {
    /// Bytes of the longest query, and how many words it may have.
    private static let longest = 200
    private static let mostWords = 10

    /// No words find everything.
    package let words: [String]

    /// Splits what somebody typed.
    package init(_ text: String) throws(HubError) {
        guard text.utf8.count <= Self.longest else {
            throw HubError(.searchInvalid, "the query is longer than \(Self.longest) bytes")
        }
        words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count <= Self.mostWords else {
            throw HubError(.searchInvalid, "the query has more than \(Self.mostWords) words")
        }
    }
}

/// A repository that fits, with its newest tag.
package struct FoundRepository: Hashable, Sendable {
    package let repository: Repository
    package let image: TaggedImage
    /// Of the image's manifest; not checked for anything.
    package let annotations: [String: String]
    /// What the image's module says; nil if it is no filter, or was not read yet.
    package let filter: FilterSummary?

    package init(
        repository: Repository, image: TaggedImage, annotations: [String: String], filter: FilterSummary?
    ) {
        self.repository = repository
        self.image = image
        self.annotations = annotations
        self.filter = filter
    }
}

/// Finds repositories by what they hold.
package protocol SearchStore: Sendable {
    /// Repositories after a name that have a tag and fit, in the order of their names.
    func search(_ query: SearchQuery, after: String, limit: Int) async throws -> [FoundRepository]
}

extension Registry {
    /// Most results of one page: each is larger than a name.
    private static let searchPageLength = 100

    /// One page of what fits, and the name after which the next one begins.
    package func search(
        _ query: SearchQuery, after: String = "", limit: Int?
    ) async throws -> (found: [FoundRepository], next: String?) {
        let length = min(limit ?? Self.searchPageLength, Self.searchPageLength)
        let found = try await metadata.search(query, after: after, limit: length + 1)
        let shown = Array(found.prefix(length))
        return (shown, found.count > length ? shown.last?.repository.path : nil)
    }
}

extension HubError.Code {
    /// What is looked for is too long to look for.
    package static let searchInvalid = Self("UNSUPPORTED", kind: "search")
}
