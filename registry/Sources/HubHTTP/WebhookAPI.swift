// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// Who is told what happens: `/api/v1/webhooks` for those who run the hub, and below an organisation for its
/// administrators.
struct WebhookAPI: Sendable {
    struct Route: Hashable {
        enum Part: Hashable {
            case all
            case one(String)
            case deliveries(String)
            case ping(String)
        }

        /// The organisation; nil for the hub's own.
        let owner: AccountName?
        let part: Part

        /// Nil for a path that is about something else.
        init?(_ segments: [String]) throws {
            guard segments.starts(with: ["api", "v1"]) else { return nil }
            var path = segments.dropFirst(2)
            if path.first == "organisations", path.count > 2 {
                guard path.dropFirst(2).first == "webhooks" else { return nil }
                owner = try AccountName(path[path.startIndex + 1])
                path = path.dropFirst(2)
            } else {
                owner = nil
            }
            guard path.first == "webhooks" else { return nil }
            let rest = Array(path.dropFirst())
            switch (rest.count, rest.last) {
            case (0, _): part = .all
            case (1, _): part = .one(rest[0])
            case (2, "deliveries"): part = .deliveries(rest[0])
            case (2, "ping"): part = .ping(rest[0])
            default: throw HubError(.noSuchPath, "the hub's API has no such path")
            }
        }
    }

    let directory: Directory
    /// Nil for a hub that tells nobody.
    let rules: (any WebhookRules)?

    private static let members: Set = ["url", "secret", "repositories", "events", "attempts"]
    private static let mostDeliveries: Int64 = 100

    func respond(to request: Request, _ target: RequestTarget, _ route: Route) async throws -> Response {
        let store = directory.store
        // Before anything is said of what there is.
        try store.access.authorizeEntry()
        let owner = route.owner
        switch (request.method, route.part) {
        case (.get, .all), (.head, .all):
            return try jsonResponse(try await store.webhooks(of: owner).map { WebhookBody($0) })
        case (.post, .all): return try await create(request, owner)
        case (_, .all): throw MethodNotAllowed(method: request.method, allowed: [.get, .head, .post])
        case (.get, .one(let name)), (.head, .one(let name)):
            return try jsonResponse(WebhookBody(try await webhook(name, owner)))
        case (.patch, .one(let name)):
            try await change(name, request, owner)
            return try jsonResponse(WebhookBody(try await webhook(name, owner)))
        case (.delete, .one(let name)):
            try await store.removeWebhook(name, of: owner)
            return Response(status: .noContent)
        case (_, .one):
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head, .patch, .delete])
        case (.get, .deliveries(let name)), (.head, .deliveries(let name)):
            let limit = try target.value("n", orThrow: .pageInvalid).flatMap { decimal($0) } ?? 20
            return try jsonResponse(
                try await store.attempts(
                    of: name, of: owner, limit: Int(min(limit, Self.mostDeliveries))
                ).map(WebhookAttemptBody.init))
        case (_, .deliveries): throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        case (.post, .ping(let name)):
            let event = try await store.pingWebhook(name, of: owner)
            return try jsonResponse(PingBody(event: event), status: .accepted)
        case (_, .ping): throw MethodNotAllowed(method: request.method, allowed: [.post])
        }
    }

    private func webhook(_ name: String, _ owner: AccountName?) async throws -> WebhookDescription {
        let found = try await directory.store.webhooks(of: owner).first { $0.name == name }
        guard let found else {
            throw HubError(.webhookUnknown, "there is no webhook \"\(name.prefix(80))\"", category: .usage)
        }
        return found
    }

    private func create(_ request: Request, _ owner: AccountName?) async throws -> Response {
        // Whoever may not decide need not send what would be.
        _ = try await directory.store.webhooks(of: owner)
        let body = try await jsonBody(request, NewWebhookBody.self, Self.members.union(["name"]))
        guard let rules else { throw HubError.sendsNoEvents }
        let secret = try await directory.addWebhook(
            Directory.WebhookRequest(
                name: body.name, url: body.url, secret: body.secret, repositories: body.repositories,
                events: body.events, attempts: body.attempts), of: owner, by: rules)
        var made = WebhookBody(try await webhook(body.name, owner))
        made.secret = secret
        var response = try jsonResponse(made, status: .created)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private func change(_ name: String, _ request: Request, _ owner: AccountName?) async throws {
        _ = try await webhook(name, owner)
        let body = try await jsonBody(request, WebhookChangeBody.self, Self.members)
        guard let rules else { throw HubError.sendsNoEvents }
        try await directory.changeWebhook(
            name, of: owner,
            Directory.WebhookChangeRequest(
                url: body.url, secret: body.secret, repositories: body.repositories, events: body.events,
                attempts: body.attempts), by: rules)
    }
}

extension HubError {
    /// Nobody is told anything.
    static let sendsNoEvents = HubError(.webhookInvalid, "this hub sends no events", category: .usage)
}

private struct WebhookChangeBody: Decodable {
    let url: String?
    let secret: String?
    let repositories: [String]?
    let events: [String]?
    let attempts: Int?
}

private struct NewWebhookBody: Decodable {
    let name: String
    let url: String
    let secret: String?
    let repositories: [String]?
    let events: [String]?
    let attempts: Int?
}

private struct PingBody: Encodable { let event: String }

private struct WebhookBody: Encodable {
    let name: String
    let organisation: String?
    let origin: String
    let repositories: [String]
    let events: [String]
    let isConfigured: Bool
    let attempts: Int?
    let waiting: Int
    let dead: Int
    let lastDeliveryAt: Int64?
    let createdAt: Int64?
    let createdBy: String?
    /// In the answer to who set it up, if the hub drew it.
    var secret: String?

    init(_ description: WebhookDescription) {
        name = description.name
        organisation = description.owner?.description
        origin = description.webhook.origin
        repositories = description.webhook.repositories
        events = description.webhook.kinds.map(\.rawValue).sorted()
        isConfigured = !description.isManaged
        attempts = description.isManaged ? description.attempts : nil
        waiting = description.waiting
        dead = description.dead
        lastDeliveryAt = description.lastDeliveryAt
        createdAt = description.createdAt
        createdBy = description.createdBy
    }
}

private struct WebhookAttemptBody: Encodable {
    let event: String
    let sequence: Int64
    let kind: String
    let repository: String?
    let time: Int64
    let attempt: Int
    let status: Int?
    let problem: String?

    init(_ attempt: WebhookAttempt) {
        event = attempt.eventID
        sequence = attempt.sequence
        kind = attempt.kind
        repository = attempt.repository.isEmpty ? nil : attempt.repository
        time = attempt.time
        self.attempt = attempt.attempt
        status = attempt.status
        problem = attempt.problem
    }
}
