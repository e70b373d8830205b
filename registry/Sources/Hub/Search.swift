// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What somebody looks for among the repositories.
package struct SearchQuery: Hashable, Sendable {
    /// Bytes of the longest query, and how many words it may have.
    private static let longest = 200
    private static let mostWords = 10
    /// Values of facets that may be chosen at once, and bytes of each.
    private static let mostChoices = 40
    private static let longestChoice = 200

    /// Each must begin a word of a repository's name, or of what its newest image says of itself; none find everything.
    ///
    /// Words of letters and digits alone, and of spaces between what belongs together: "2 1 0" for "2.1.0".
    package let words: [String]
    /// Values that are chosen: a repository fits that has one of each facet with a choice.
    package let choices: [Facet: Set<String>]
    package let order: SearchOrder
    /// Only what comes after this.
    package let after: SearchPosition?

    /// Splits what somebody typed; whatever it is, it is words and nothing else.
    ///
    /// `after` is what an answer gave; a mere name means the order of names, if no other is asked for.
    package init(
        _ text: String, choices: [Facet: Set<String>] = [:], order: SearchOrder? = nil, after: String = ""
    ) throws(HubError) {
        guard text.utf8.count <= Self.longest else {
            throw HubError(.searchInvalid, "the query is longer than \(Self.longest) bytes")
        }
        let typed = text.split(whereSeparator: \.isWhitespace)
        guard typed.count <= Self.mostWords else {
            throw HubError(.searchInvalid, "the query has more than \(Self.mostWords) words")
        }
        words = typed.map(Self.plain).filter { !$0.isEmpty }
        guard choices.values.reduce(0, { $0 + $1.count }) <= Self.mostChoices,
            choices.values.allSatisfy({ $0.allSatisfy { $0.utf8.count <= Self.longestChoice } })
        else {
            throw HubError(
                .searchInvalid,
                "at most \(Self.mostChoices) values can be chosen, of \(Self.longestChoice) bytes each")
        }
        self.choices = choices.filter { !$0.value.isEmpty }
        let position = try after.isEmpty ? nil : SearchPosition(after)
        self.after = position
        self.order = order ?? (position?.isNameAlone == true ? .name : .relevance)
    }

    /// The letters and digits of a word; what stands between them separates, as it does in the index.
    private static func plain(_ word: Substring) -> String {
        let parts = word.unicodeScalars.split { !isLetter($0) && !isMark($0) }
        return parts.filter { $0.contains(where: isLetter) }.map { String(Substring($0)) }
            .joined(separator: " ")
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber, .privateUse:
            true
        default: false
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }
}

/// By what filters are told apart in lists.
package enum Facet: String, Hashable, Sendable, CaseIterable {
    case language, abi, host, capability, organisation, signed

    /// The number by which it is known in stored keys; these never change.
    package var number: Int {
        switch self {
        case .language: 0
        case .abi: 1
        case .host: 2
        case .capability: 3
        case .organisation: 4
        case .signed: 5
        }
    }
}

/// A value of a facet.
package struct FacetValue: Hashable, Sendable {
    package let value: String
    /// The same for people.
    package let label: String

    package init(_ value: String, label: String? = nil) {
        self.value = value
        self.label = label ?? value
    }
}

/// How many repositories would be found with a value, if it were the only choice in its facet.
package struct FacetCount: Hashable, Sendable {
    package let value: FacetValue
    package let count: Int
    package let isChosen: Bool

    package init(_ value: FacetValue, count: Int, isChosen: Bool) {
        self.value = value
        self.count = count
        self.isChosen = isChosen
    }
}

/// The order of what is found; names decide between equals.
package enum SearchOrder: String, Hashable, Sendable, CaseIterable {
    /// Where the words stand (in the name, in title and description, elsewhere), then pulls.
    case relevance
    case pulls, newest, name
}

/// The place of a repository in an order.
package struct SearchPosition: Hashable, Sendable, CustomStringConvertible {
    /// What comes first has less; the name decides between equals.
    package let rank: Int64
    package let subrank: Int64
    package let name: String
    /// Whether it came without ranks.
    package let isNameAlone: Bool

    package init(rank: Int64, subrank: Int64, name: String) {
        self.rank = rank
        self.subrank = subrank
        self.name = name
        isNameAlone = false
    }

    /// Reads what `description` wrote, or a name.
    init(_ text: String) throws(HubError) {
        let parts = text.split(separator: "~", omittingEmptySubsequences: false)
        name = String(parts.last ?? "")
        isNameAlone = parts.count == 1
        guard !isNameAlone else {
            rank = 0
            subrank = 0
            return
        }
        guard parts.count == 3, let rank = Int64(parts[0]), let subrank = Int64(parts[1]) else {
            throw HubError(.pageInvalid, "the parameter \"last\" is not one that this hub gave")
        }
        self.rank = rank
        self.subrank = subrank
    }

    package var description: String { "\(rank)~\(subrank)~\(name)" }
}

/// The beginnings of what an image says of itself, in annotations of its manifest; not checked for anything.
package struct ImageWords: Hashable, Sendable {
    /// Unicode scalars of each, at most: a list has no room for more.
    package static let longest = 300

    package let title: String?
    package let description: String?
    package let version: String?
    /// Versions of Proxy-Wasm, as in "v0.2.1".
    package let abi: String?

    package init(title: String?, description: String?, version: String?, abi: String?) {
        self.title = title
        self.description = description
        self.version = version
        self.abi = abi
    }
}

/// A repository that fits, with its newest tag.
package struct FoundRepository: Hashable, Sendable {
    package let repository: Repository
    package let image: TaggedImage
    package let words: ImageWords
    /// What the image's module says; nil if it is no filter, or was not read yet.
    package let filter: FilterSummary?
    /// How often images of the repository were pulled.
    package let pulls: Int64
    /// By what it is told apart.
    package let facets: [Facet: [FacetValue]]

    package init(
        repository: Repository, image: TaggedImage, words: ImageWords, filter: FilterSummary?,
        pulls: Int64, facets: [Facet: [FacetValue]]
    ) {
        self.repository = repository
        self.image = image
        self.words = words
        self.filter = filter
        self.pulls = pulls
        self.facets = facets
    }
}

/// One page of what fits.
package struct SearchResult: Sendable {
    package var found: [FoundRepository] = []
    /// How many fit, on all pages.
    package var total = 0
    /// The values that occur most, most frequent first.
    package var facets: [Facet: [FacetCount]] = [:]
    /// Where the next page begins; nil if there is none.
    package var next: SearchPosition?

    package init() {}
}

/// Finds repositories by what they hold.
package protocol SearchStore: Sendable {
    /// Repositories that have a tag and fit; nothing in the answer, counts and values neither, is of others than those
    /// that the principal may see.
    func search(_ query: SearchQuery, limit: Int) async throws -> SearchResult
    /// A repository as a search finds it; nil if it has no tag, or there is none.
    func listing(of repository: Repository) async throws -> FoundRepository?
    /// Names of repositories that a search would find: every `step`th, from a text on, `limit` at most.
    func listedNames(from first: String, step: Int, limit: Int) async throws -> [String]
    /// What somebody pushed last that still has the tag, as far as the principal may see it, the newest first.
    func pushes(by name: AccountName, limit: Int) async throws -> [Push]
}

/// A tag that somebody moved.
package struct Push: Hashable, Sendable {
    package let repository: Repository
    package let tag: Reference.Target
    /// Seconds since 1970.
    package let time: Int64

    package init(repository: Repository, tag: Tag, time: Int64) {
        self.repository = repository
        self.tag = .tag(tag)
        self.time = time
    }
}

extension Registry {
    /// Most results of one page: each is larger than a name.
    private static let searchPageLength = 100

    /// One page of what fits.
    package func search(_ query: SearchQuery, limit: Int?) async throws -> SearchResult {
        try await metadata.search(
            query, limit: min(limit ?? Self.searchPageLength, Self.searchPageLength))
    }
}

extension Registry {
    /// What somebody pushed last, as far as the principal may see it.
    package func pushes(by name: AccountName, limit: Int) async throws -> [Push] {
        try await metadata.pushes(by: name, limit: limit)
    }

    /// Names of repositories that a search would find, in their order: every `step`th, from a text on.
    package func listedNames(from first: String, step: Int = 1, limit: Int) async throws -> [String] {
        try await metadata.listedNames(from: first, step: step, limit: limit)
    }

    /// A repository as a search finds it; nil if there is none with a tag that the principal may see.
    package func listing(of repository: Repository) async throws -> FoundRepository? {
        do {
            return try await metadata.listing(of: repository)
        } catch let error as HubError
            where [.unauthorized, .insufficientScope, .denied, .nameUnknown].contains(error.code)
        {
            return nil
        }
    }
}

extension HubError.Code {
    /// What is looked for is too long to look for.
    package static let searchInvalid = Self("UNSUPPORTED", kind: "search")
}
