// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI

// What `/api/v1` takes and gives, as `openapi.json` describes it.

struct NewUserBody: Decodable {
    let name: String
    let password: String
    let isAdmin: Bool?
}

struct ChangeBody: Decodable {
    let password: String?
    let isAdmin: Bool?
    let isDisabled: Bool?
}

struct PasswordBody: Decodable {
    let old: String
    let new: String
}

struct NameBody: Decodable { let name: String }
struct RoleBody: Decodable { let role: String }
struct VisibilityBody: Codable { let isPublic: Bool }

struct NewTokenBody: Decodable {
    let name: String
    let scopes: [String]?
    let days: Int?
}

struct MadeTokenBody: Encodable {
    let id: String
    let secret: String
}

struct OwnAccountBody: Encodable {
    let name: String
    let isAdmin: Bool
}

struct AccountBody: Encodable {
    let name: String
    let kind: String
    let isAdmin: Bool
    let isDisabled: Bool

    init(_ account: Account) {
        name = account.name.description
        kind = account.kind.rawValue
        isAdmin = account.isAdmin
        isDisabled = account.isDisabled
    }
}

struct TokenBody: Encodable {
    let id: String
    let name: String
    let kind: String
    let scopes: [String]?
    let createdAt: Int64
    let expiresAt: Int64?
    let revokedAt: Int64?
    let lastUsedAt: Int64?

    init(_ token: AccessToken) {
        id = token.id.description
        name = token.name
        kind = token.kind.rawValue
        scopes = token.scopes.map { $0.map(\.text) }
        createdAt = token.createdAt
        expiresAt = token.expiresAt
        revokedAt = token.revokedAt
        lastUsedAt = token.lastUsedAt
    }
}

struct SessionBody: Encodable {
    let id: String
    let agent: String
    let address: String?
    let createdAt: Int64
    let lastUsedAt: Int64
    /// Whether it is the one that asks.
    let isCurrent: Bool

    init(_ session: BrowserSession, current: BrowserSession?) {
        id = session.id.description
        agent = session.agent
        address = session.address
        createdAt = session.createdAt
        lastUsedAt = session.lastUsedAt
        isCurrent = session.id == current?.id
    }
}

struct MembershipBody: Encodable {
    let name: String
    let role: String?

    init(_ membership: Membership) {
        name = membership.organisation.description
        role = membership.role.map { "\($0)" }
    }
}

struct HoldingBody: Encodable {
    let name: String
    let role: String?
    let repositories: Int64
    let bytes: Int64
    let quota: Int64?

    init(_ holding: Holding, _ membership: Membership? = nil) {
        name = holding.owner
        role = membership?.role.map { "\($0)" }
        repositories = holding.repositories
        bytes = holding.bytes
        quota = holding.quota
    }
}

struct HeldRepositoryBody: Encodable {
    let name: String
    let isPublic: Bool
    let bytes: Int64
    let tags: Int64
    let updatedAt: Int64?

    init(_ held: HeldRepository) {
        name = held.repository.path
        isPublic = held.isPublic
        bytes = held.bytes
        tags = held.tags
        updatedAt = held.updatedAt
    }
}

struct StorageBody: Encodable {
    let repositories: Int64
    let manifests: Int64
    let tags: Int64
    let blobs: Int64
    let blobBytes: Int64
    let openUploads: Int64
    let freeBytes: Int64
    /// The largest first.
    let owners: [HoldingBody]

    init(_ figures: HubFigures, _ holdings: [Holding]) {
        repositories = figures.repositories
        manifests = figures.manifests
        tags = figures.tags
        blobs = figures.blobs
        blobBytes = figures.blobBytes
        openUploads = figures.openUploads
        freeBytes = figures.freeBytes
        owners = holdings.map { HoldingBody($0) }
    }
}

struct CollectionBody: Encodable {
    /// "idle", "requested", or what is done at this moment.
    let state: String
    let startedAt: Int64?
    let endedAt: Int64?
    let hasFailed: Bool
    let collected: Registry.Collected

    init(_ progress: CollectionProgress.State) {
        state = progress.step?.rawValue ?? (progress.isRequested ? "requested" : "idle")
        startedAt = progress.startedAt
        endedAt = progress.endedAt
        hasFailed = progress.hasFailed
        collected = progress.collected
    }
}
