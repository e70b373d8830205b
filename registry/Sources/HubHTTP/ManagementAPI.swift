// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// What a path below `/api/v1/` means.
///
/// Names of repositories contain slashes, so that theirs are read from the right.
enum ManagementRoute: Hashable {
    case account
    case users
    case user(AccountName)
    case tokens(AccountName)
    case token(AccountName, String)
    case organisations
    case organisation(AccountName)
    case robots(AccountName)
    case members(RoleTarget)
    case member(RoleTarget, AccountName)
    case visibility(Repository)
    case audit

    init(_ path: [String]) throws {
        let count = path.count
        func name(_ index: Int) throws -> AccountName { try AccountName(path[index]) }
        func repository(_ dropping: Int) throws -> Repository {
            try RegistryRoute.repository(path[1..<(count - dropping)].joined(separator: "/"))
        }
        switch (path.first, count) {
        case ("account", 1): self = .account
        case ("audit", 1): self = .audit
        case ("users", 1): self = .users
        case ("users", 2): self = .user(try name(1))
        case ("users", 3) where path[2] == "tokens": self = .tokens(try name(1))
        case ("users", 4) where path[2] == "tokens": self = .token(try name(1), path[3])
        case ("organisations", 1): self = .organisations
        case ("organisations", 2): self = .organisation(try name(1))
        case ("organisations", 3) where path[2] == "robots": self = .robots(try name(1))
        case ("organisations", 3) where path[2] == "members":
            self = .members(.organisation(try name(1)))
        case ("organisations", 4) where path[2] == "members":
            self = .member(.organisation(try name(1)), try name(3))
        case ("repositories", 3...) where path[count - 1] == "visibility":
            self = .visibility(try repository(1))
        case ("repositories", 3...) where path[count - 1] == "members":
            self = .members(.repository(try repository(1)))
        case ("repositories", 4...) where path[count - 2] == "members":
            self = .member(.repository(try repository(2)), try name(count - 1))
        default: throw HubError(.noSuchPath, "the hub's API has no such path")
        }
    }
}

/// `/api/v1`: accounts, roles, tokens and the audit log, for administrators and for people about themselves.
///
/// Bodies are JSON and hold no member that is not known: what somebody thinks was set must not be left out in silence.
struct ManagementAPI: Sendable {
    let directory: Directory
    let principal: Principal

    func respond(to request: Request, _ target: RequestTarget) async throws -> Response {
        if principal.identity == .anonymous, !directory.store.access.policy.isOpen {
            throw HubError(.unauthorized, "this needs a log-in", category: .denied)
        }
        guard target.segments.dropFirst().first == "v1" else {
            throw HubError(.noSuchPath, "the hub has no such path")
        }
        let route = try ManagementRoute(Array(target.segments.dropFirst(2)))
        let store = directory.store
        switch (request.method, route) {
        case (.get, .account): return try jsonResponse(["name": principal.name])
        case (.get, .users): return try jsonResponse(try await store.accounts(nil).map(AccountBody.init))
        case (.post, .users):
            let body = try await jsonBody(request, NewUserBody.self, ["name", "password", "isAdmin"])
            return try created(
                AccountBody(
                    try await directory.addUser(
                        try AccountName(body.name), password: body.password, isAdmin: body.isAdmin ?? false)))
        case (.get, .user(let name)):
            guard let account = try await store.account(name) else { throw HubError.unknown(name) }
            return try jsonResponse(AccountBody(account))
        case (.patch, .user(let name)): return try await change(name, request)
        case (.delete, .user(let name)), (.delete, .organisation(let name)):
            try await store.removeAccount(name)
            return Response(status: .noContent)
        case (.get, .tokens(let name)):
            return try jsonResponse(try await store.tokens(of: name).map(TokenBody.init))
        case (.post, .tokens(let name)): return try await createToken(for: name, request)
        case (.delete, .token(let name, let id)):
            guard let id = TokenID(id) else { throw HubError(.tokenUnknown, "no token has that id") }
            try await store.revokeToken(id, of: name)
            return Response(status: .noContent)
        case (.post, .organisations):
            let body = try await jsonBody(request, NameBody.self, ["name"])
            return try created(AccountBody(try await directory.addOrganisation(try AccountName(body.name))))
        case (.post, .robots(let owner)):
            let body = try await jsonBody(request, NameBody.self, ["name"])
            return try created(
                AccountBody(try await directory.addRobot(try AccountName("\(owner)+\(body.name)"))))
        case (.get, .members(let target)):
            let roles = try await store.roles(in: target).map { ($0.key.description, "\($0.value)") }
            return try jsonResponse(Dictionary(uniqueKeysWithValues: roles))
        case (.put, .member(let target, let name)):
            let body = try await jsonBody(request, RoleBody.self, ["role"])
            guard let role = Role.allCases.first(where: { "\($0)" == body.role }) else {
                throw HubError(.unsupportedRequest, "the role is none of read, write and admin")
            }
            try await store.setRole(role, of: name, in: target)
            return Response(status: .noContent)
        case (.delete, .member(let target, let name)):
            try await store.setRole(nil, of: name, in: target)
            return Response(status: .noContent)
        case (.get, .visibility(let repository)):
            return try jsonResponse(VisibilityBody(isPublic: try await store.isPublic(repository)))
        case (.put, .visibility(let repository)):
            let body = try await jsonBody(request, VisibilityBody.self, ["isPublic"])
            try await store.setPublic(body.isPublic, repository)
            return Response(status: .noContent)
        case (.get, .audit):
            let before = try target.value("before", orThrow: .pageInvalid).flatMap { decimal($0) }
            let limit = try target.value("n", orThrow: .pageInvalid).flatMap { decimal($0) } ?? 100
            return try jsonResponse(
                try await store.auditEntries(before: before, limit: Int(min(limit, 1000))))
        default: throw HubError(.unsupported, "\(request.method) is not supported here")
        }
    }

    private func change(_ name: AccountName, _ request: Request) async throws -> Response {
        let body = try await jsonBody(request, ChangeBody.self, ["password", "isAdmin", "isDisabled"])
        // Only one of them: each is a change of its own, and half of two would be none of what was asked for.
        guard [body.password != nil, body.isAdmin != nil, body.isDisabled != nil].filter(\.self).count == 1
        else {
            throw HubError(.unsupportedRequest, "send one of password, isAdmin and isDisabled")
        }
        if let password = body.password { try await directory.setPassword(password, of: name) }
        if let isAdmin = body.isAdmin { try await directory.store.changeAccount(name, .isAdmin(isAdmin)) }
        if let isDisabled = body.isDisabled {
            try await directory.store.changeAccount(name, .isDisabled(isDisabled))
        }
        return Response(status: .noContent)
    }

    private func createToken(for name: AccountName, _ request: Request) async throws -> Response {
        let body = try await jsonBody(request, NewTokenBody.self, ["name", "scopes", "days"])
        guard body.days.map({ (1...36500).contains($0) }) ?? true else {
            throw HubError(.tokenInvalid, "days is from 1 to 36500")
        }
        let made = try await directory.createToken(
            for: name, label: body.name, scopes: try body.scopes?.map { try Scope(parsing: $0) },
            lifetime: body.days.map { Int64($0) * 86400 })
        var response = try created(MadeTokenBody(id: made.token.id.description, secret: made.secret))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private func created(_ body: some Encodable) throws -> Response {
        try jsonResponse(body, status: .created)
    }
}

private struct NewUserBody: Decodable {
    let name: String
    let password: String
    let isAdmin: Bool?
}

private struct ChangeBody: Decodable {
    let password: String?
    let isAdmin: Bool?
    let isDisabled: Bool?
}

private struct NameBody: Decodable { let name: String }
private struct RoleBody: Decodable { let role: String }
private struct VisibilityBody: Codable { let isPublic: Bool }

private struct NewTokenBody: Decodable {
    let name: String
    let scopes: [String]?
    let days: Int?
}

private struct MadeTokenBody: Encodable {
    let id: String
    let secret: String
}

private struct AccountBody: Encodable {
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

private struct TokenBody: Encodable {
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
