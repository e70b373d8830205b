// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What an organisation or a user keeps in the hub.
package struct Holding: Hashable, Sendable {
    /// The first part of the names of its repositories.
    package let owner: String
    package let repositories: Int64
    /// What they hold together; what several of them hold counts for each.
    package let bytes: Int64
    /// The most bytes that it may hold; nil for as many as there is room for.
    package let quota: Int64?

    package init(owner: String, repositories: Int64, bytes: Int64, quota: Int64?) {
        self.owner = owner
        self.repositories = repositories
        self.bytes = bytes
        self.quota = quota
    }
}

/// One of the repositories that somebody keeps.
package struct HeldRepository: Hashable, Sendable {
    package let repository: Repository
    package let isPublic: Bool
    package let bytes: Int64
    package let tags: Int64
    /// When a tag was last moved, in seconds since 1970; nil if there is none.
    package let updatedAt: Int64?

    package init(repository: Repository, isPublic: Bool, bytes: Int64, tags: Int64, updatedAt: Int64?) {
        self.repository = repository
        self.isPublic = isPublic
        self.bytes = bytes
        self.tags = tags
        self.updatedAt = updatedAt
    }
}

/// An organisation, and what somebody is in it.
package struct Membership: Hashable, Sendable {
    package let organisation: AccountName
    /// Nil for whoever runs the hub and has none.
    package let role: Role?

    package init(organisation: AccountName, role: Role?) {
        self.organisation = organisation
        self.role = role
    }
}

/// What there is, by whom it belongs to.
package protocol HoldingStore: Sendable {
    /// Organisations that the principal has a role in, whose names come after a text; all of them for whoever runs the
    /// hub.
    func memberships(after: String, limit: Int) async throws -> [Membership]
    /// Organisations that somebody is in, as far as that is the principal's business.
    func sharedOrganisations(with name: AccountName, limit: Int) async throws -> [AccountName]
    /// The role in one organisation, or for the name space of a user.
    func membership(in owner: AccountName) async throws -> Membership
    /// What an organisation or a user keeps, for those who have a role there.
    func holding(of owner: AccountName) async throws -> Holding
    /// Its repositories after a name, in the order of their names.
    func repositories(of owner: AccountName, after: String, limit: Int) async throws -> [HeldRepository]
    /// The robots that belong to it, for its administrators.
    func robots(of owner: AccountName) async throws -> [Account]
    /// What everybody keeps, the largest first, for whoever runs the hub.
    func holdings(limit: Int) async throws -> [Holding]
}

extension HoldingStore {
    /// All of them.
    package func memberships() async throws -> [Membership] {
        try await memberships(after: "", limit: .max)
    }
}
