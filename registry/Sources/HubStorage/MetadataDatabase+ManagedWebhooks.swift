// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import GRDB
package import Hub

extension MetadataDatabase: ManagedWebhookStore {
    /// Each is a queue that pushes write into.
    private static let mostOfOneOwner = 20

    package func webhooks(of owner: AccountName?) async throws -> [WebhookDescription] {
        try await read { [access] database in
            try database.authorize(access, owner)
            return try database.cachedStatement(
                "SELECT * FROM webhooks WHERE owner_id IS (SELECT id FROM accounts WHERE name = ?) ORDER BY name",
                [owner?.description]
            ) { try Row.fetchAll($0) }.map { WebhookDescription($0, owner) }
        }
    }

    package func addWebhook(_ managed: ManagedWebhook) async throws {
        try await write { [access, now] database in
            try database.authorize(access, managed.owner)
            let owner = try managed.owner.map { name in
                guard let owner = try database.account(name), owner.kind == .organisation else {
                    throw HubError.unknown(name)
                }
                return owner.id.rawValue
            }
            let webhook = managed.webhook
            let count = try database.cachedStatement(
                "SELECT count(*) FROM webhooks WHERE owner_id IS ?", [owner]
            ) { try Int.fetchOne($0) ?? 0 }
            guard count < Self.mostOfOneOwner else {
                throw HubError(
                    .webhookInvalid, "there are \(count) webhooks, and no more are kept",
                    hint: "delete one that nobody needs", category: .usage)
            }
            guard try !database.hasWebhook(webhook.name) else {
                throw HubError(
                    .webhookExists, "there is a webhook \"\(webhook.name)\"", hint: "choose another name",
                    category: .usage)
            }
            try database.change(
                """
                INSERT INTO webhooks (name, origin, repositories, kinds, queue_limit, is_configured, url, secret,
                    owner_id, attempts, created_at, created_by)
                VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
                """,
                [
                    webhook.name, webhook.origin, webhook.repositories.joined(separator: " "),
                    webhook.kinds.map(\.rawValue).sorted().joined(separator: " "), webhook.queueLimit,
                    managed.url, managed.secret, owner, managed.attempts, now(), access.principal.name,
                ])
            try database.audit(access, "webhook.create", webhook.name, webhook.origin, now: now())
        }
        webhookChanges.announce()
    }

    package func changeWebhook(
        _ name: String, of owner: AccountName?, _ change: WebhookChange
    ) async throws {
        try await write { [access, now] database in
            try database.authorize(access, owner)
            let row = try database.managedWebhook(name, of: owner)
            try database.change(
                """
                UPDATE webhooks SET url = coalesce(?, url), origin = coalesce(?, origin), secret = coalesce(?, secret),
                    repositories = coalesce(?, repositories), kinds = coalesce(?, kinds),
                    attempts = coalesce(?, attempts) WHERE id = ?
                """,
                [
                    change.url, change.origin, change.secret, change.repositories?.joined(separator: " "),
                    change.kinds?.map(\.rawValue).sorted().joined(separator: " "), change.attempts,
                    row["id"] as Int64,
                ])
            try database.audit(access, "webhook.change", row["name"], change.description, now: now())
        }
        webhookChanges.announce()
    }

    package func removeWebhook(_ name: String, of owner: AccountName?) async throws {
        try await write { [access, now] database in
            try database.authorize(access, owner)
            let row = try database.managedWebhook(name, of: owner)
            try database.forget(webhook: row["id"])
            try database.audit(access, "webhook.delete", row["name"], nil, now: now())
        }
        webhookChanges.announce()
    }

    package func attempts(
        of webhook: String, of owner: AccountName?, limit: Int
    ) async throws -> [WebhookAttempt] {
        try await read { [access] database in
            try database.authorize(access, owner)
            let id: Int64 = try database.webhook(webhook, of: owner)["id"]
            return try database.cachedStatement(
                "SELECT * FROM webhook_attempts WHERE webhook_id = ? ORDER BY id DESC LIMIT ?", [id, limit]
            ) { try Row.fetchAll($0) }.map { row in
                WebhookAttempt(
                    sequence: row["sequence"], eventID: row["event_id"], kind: row["kind"],
                    repository: row["repository"], time: row["time"], attempt: row["attempt"],
                    status: row["status"], problem: row["problem"])
            }
        }
    }

    package func pingWebhook(_ name: String, of owner: AccountName?) async throws -> String {
        let event = try await write { [access, now] database in
            try database.authorize(access, owner)
            let row = try database.webhook(name, of: owner)
            let event = try database.keep(
                kind: ChangeEvent.ping, of: "", for: [row], now: now(), ChangeEvent(pingBy: access.principal))
            try database.audit(access, "webhook.ping", row["name"], nil, now: now())
            return event
        }
        events.announce()
        return event
    }
}

extension MetadataDatabase {
    package func managedWebhooks() async throws -> [ManagedWebhook] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT webhooks.*, accounts.name AS owner FROM webhooks
                    LEFT JOIN accounts ON accounts.id = webhooks.owner_id WHERE url IS NOT NULL ORDER BY webhooks.name
                    """
            ).map { row in
                ManagedWebhook(
                    webhook: Webhook(row), owner: try (row["owner"] as String?).map { try AccountName($0) },
                    url: row["url"], secret: row["secret"], attempts: row["attempts"])
            }
        }
    }

    package func changesOfWebhooks() -> AsyncStream<Void> { webhookChanges.stream() }
}

extension WebhookDescription {
    fileprivate init(_ row: Row, _ owner: AccountName?) {
        let webhook = Webhook(row)
        self.init(
            name: owner == nil ? webhook.name : String(webhook.name.drop { $0 != "/" }.dropFirst()),
            owner: owner, webhook: webhook, isManaged: (row["url"] as String?) != nil,
            attempts: row["attempts"], waiting: row["waiting"], dead: row["dead"],
            lastDeliveryAt: row["last_delivery_at"], createdAt: row["created_at"],
            createdBy: row["created_by"])
    }
}

extension Database {
    /// Refuses to let somebody manage webhooks of the hub, or of an organisation, who has no right to that.
    fileprivate func authorize(_ access: Access, _ owner: AccountName?) throws {
        try authorize(access, owner.map { .organisation($0) } ?? .hub)
        guard let owner, try account(owner)?.kind != .organisation else { return }
        throw HubError.unknown(owner)
    }

    fileprivate func webhook(_ name: String, of owner: AccountName?) throws -> Row {
        let row = try cachedStatement(
            "SELECT * FROM webhooks WHERE name = ? AND owner_id IS (SELECT id FROM accounts WHERE name = ?)",
            [Webhook.fullName(name, of: owner), owner?.description]
        ) { try Row.fetchOne($0) }
        guard let row else {
            throw HubError(.webhookUnknown, "there is no webhook \"\(name.prefix(80))\"", category: .usage)
        }
        return row
    }

    /// The same, unless its place is the configuration.
    fileprivate func managedWebhook(_ name: String, of owner: AccountName?) throws -> Row {
        let row = try webhook(name, of: owner)
        guard (row["url"] as String?) != nil else {
            throw HubError(
                .denied, "the webhook \"\(name)\" is set up in the hub's configuration",
                hint: "whoever runs the hub changes and removes it there", category: .denied)
        }
        return row
    }
}
