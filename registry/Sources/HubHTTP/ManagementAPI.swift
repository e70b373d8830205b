// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// `/api/v1`: accounts, roles, tokens and the audit log, for administrators and for people about themselves.
///
/// Bodies are JSON and hold no member that is not known: what somebody thinks was set must not be left out in silence.
struct ManagementAPI: Sendable {
    private let gatekeeper: Gatekeeper
    private let arrival: Arrival
    private let registry: Registry
    private let settings: [SettingInEffect]
    private let directory: Directory
    private var principal: Principal { arrival.principal }

    init(gatekeeper: Gatekeeper, arrival: Arrival, registry: Registry, settings: [SettingInEffect]) {
        self.gatekeeper = gatekeeper
        self.settings = settings
        self.arrival = arrival
        self.registry = registry.acting(for: arrival.principal)
        directory = gatekeeper.directory(for: arrival.principal)
    }

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
        case (.get, .account):
            return try jsonResponse(
                OwnAccountBody(name: principal.name, isAdmin: await directory.isHubsOwn))
        case (.put, .password):
            let body = try await jsonBody(request, PasswordBody.self, ["old", "new"])
            try await gatekeeper.changePassword(of: principal, from: body.old, to: body.new)
            return Response(status: .noContent)
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
        case (.get, .sessions(let name)):
            return try jsonResponse(
                try await store.sessions(of: name, at: registry.now()).map {
                    SessionBody($0, current: arrival.session)
                })
        case (.delete, .session(let name, let id)):
            guard let id = TokenID(id) else { throw HubError(.sessionUnknown, "no session has that id") }
            try await store.endSession(id, of: name)
            return Response(status: .noContent)
        case (.get, .organisations):
            return try jsonResponse(try await store.memberships().map(MembershipBody.init))
        case (.get, .organisation(let name)):
            let membership = try await store.membership(in: name)
            return try jsonResponse(HoldingBody(try await store.holding(of: name), membership))
        case (.get, .repositories(let name)):
            let (limit, last) = try target.page()
            let length = min(limit ?? registry.limits.pageLength, registry.limits.pageLength)
            return try jsonResponse(
                try await store.repositories(of: name, after: last, limit: length)
                    .map(HeldRepositoryBody.init))
        case (.get, .robots(let owner)):
            return try jsonResponse(try await store.robots(of: owner).map(AccountBody.init))
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
        case (.get, .storage):
            let holdings = try await store.holdings(limit: 1000)
            return try jsonResponse(StorageBody(try await registry.figures(), holdings))
        case (.get, .collection), (.post, .collection):
            try await store.authorizeHub()
            if request.method == .post {
                try await store.noteCollection()
                registry.collections.request()
            }
            return try jsonResponse(
                CollectionBody(registry.collections.state),
                status: request.method == .post ? .accepted : .ok)
        case (.get, .settings):
            try await store.authorizeHub()
            return try jsonResponse(settings)
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
        if let password = body.password {
            // A session that was left open must not be enough to lock its owner out.
            guard arrival.session == nil || name.description != principal.name else {
                throw HubError(
                    .denied, "a session does not replace its own password",
                    hint: "PUT /api/v1/account/password",
                    category: .denied)
            }
            try await directory.setPassword(password, of: name)
        }
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
