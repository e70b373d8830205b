// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Who a request speaks for, and how much of that party's rights its credential carries.
package struct Principal: Hashable, Sendable {
    /// A party that may have rights.
    package enum Identity: Hashable, Sendable {
        /// Nobody in particular.
        case anonymous
        /// An account of this hub.
        case account(AccountID, name: String)
        /// Whoever runs the hub: its own jobs, and commands on its data folder.
        case host
    }

    package let identity: Identity
    /// All that the credential is good for; nil for whatever the identity may do.
    package let bounds: Bounds?
    /// The token that it rests on, which may have been revoked a moment ago.
    package let token: TokenID?
    /// Where the request came from, for the audit log.
    package let address: String?

    package init(
        _ identity: Identity, bounds: Bounds? = nil, token: TokenID? = nil, address: String? = nil
    ) {
        self.identity = identity
        self.bounds = bounds
        self.token = token
        self.address = address
    }

    package static let anonymous = Self(.anonymous)
    package static let host = Self(.host)

    /// What the audit log calls it.
    package var name: String {
        switch identity {
        case .anonymous: "anonymous"
        case .account(_, let name): name
        case .host: "host"
        }
    }

    /// The account, if it is one.
    package var account: AccountID? {
        guard case .account(let id, _) = identity else { return nil }
        return id
    }
}

/// The key of an account.
package struct AccountID: Hashable, Sendable, Comparable {
    package let rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What can be done with a repository, in the words of token scopes (distribution's token specification, "Token Scope").
package enum RepositoryAction: String, Hashable, Sendable, CaseIterable {
    case pull
    case push
    case delete
    /// Decides who may do the others.
    case administer = "admin"
}

extension Repository {
    /// The part of the name that an organisation or a user owns.
    package var namespace: String { String(path.prefix { $0 != "/" }) }
}

/// What an account may do in a repository, or in all repositories of an organisation; each role includes the one before.
package enum Role: Int, Hashable, Sendable, Comparable, CaseIterable {
    case read = 1
    case write = 2
    case admin = 3

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package func allows(_ action: RepositoryAction) -> Bool {
        switch action {
        case .pull: self >= .read
        case .push, .delete: self >= .write
        case .administer: self >= .admin
        }
    }
}

/// Limits that a credential puts on whoever holds it.
package struct Bounds: Hashable, Sendable {
    /// How long the limits last, which decides what a client is told that runs into one.
    package enum Kind: Hashable, Sendable {
        /// The client chose them for one exchange and can ask for others.
        case session
        /// They belong to the token for good.
        case token
    }

    package let kind: Kind
    package let scopes: [Scope]
    /// For a session, whether it may ask for names of repositories.
    package let coversCatalog: Bool
    /// The repositories whose names lists may tell, as patterns; nil for all that the identity may see.
    ///
    /// A session that rests on a token tells no more than the token does.
    package let names: [String]?

    package init(_ kind: Kind, _ scopes: [Scope], coversCatalog: Bool = true, names: [String]? = nil) {
        self.kind = kind
        self.scopes = scopes
        self.coversCatalog = coversCatalog
        self.names =
            kind == .token ? scopes.filter { $0.actions.contains(.pull) }.map(\.repositories) : names
    }

    package func allow(_ action: RepositoryAction, _ repository: Repository) -> Bool {
        scopes.contains { $0.actions.contains(action) && $0.covers(repository) }
    }
}

/// Some actions on some repositories.
package struct Scope: Hashable, Sendable {
    /// Which repositories: a name, or `*`, or all below a name, as in `acme/*`.
    package let repositories: String
    package let actions: Set<RepositoryAction>

    package init(repositories: String, actions: Set<RepositoryAction>) {
        self.repositories = repositories
        self.actions = actions
    }

    package func covers(_ repository: Repository) -> Bool { covers(repository.path) }

    /// The same for a repository's name.
    package func covers(_ name: String) -> Bool {
        if repositories == "*" { return true }
        guard repositories.hasSuffix("/*") else { return repositories == name }
        return name.hasPrefix(repositories.dropLast())
    }
}
