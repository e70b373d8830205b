// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import GRDB
package import Hub
import OCI

extension MetadataDatabase: WebhookStore {
    package func setWebhooks(_ webhooks: [Webhook]) async throws {
        try await write { [access] database in
            try database.authorize(access, .hub)
            try database.execute(sql: "UPDATE webhooks SET is_configured = 0")
            for webhook in webhooks {
                try database.change(
                    """
                    INSERT INTO webhooks (name, origin, repositories, kinds, queue_limit, is_configured)
                    VALUES (?, ?, ?, ?, ?, 1)
                    ON CONFLICT (name) DO UPDATE SET origin = excluded.origin,
                        repositories = excluded.repositories, kinds = excluded.kinds,
                        queue_limit = excluded.queue_limit, is_configured = 1
                    """,
                    [
                        webhook.name, webhook.origin, webhook.repositories.joined(separator: " "),
                        webhook.kinds.map(\.rawValue).sorted().joined(separator: " "), webhook.queueLimit,
                    ])
            }
            // One that is no longer wanted and that nothing waits for need not be shown for ever.
            try database.execute(
                sql: "DELETE FROM webhooks WHERE is_configured = 0 AND waiting = 0 AND dead = 0")
        }
    }

    package func webhooks() async throws -> [WebhookState] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try Row.fetchAll(database, sql: "SELECT * FROM webhooks ORDER BY name").map { row in
                WebhookState(
                    name: row["name"], origin: row["origin"], isConfigured: row["is_configured"],
                    waiting: row["waiting"], dead: row["dead"], lastDeliveryAt: row["last_delivery_at"])
            }
        }
    }

    package func dueDeliveries(of webhook: String, limit: Int) async throws -> [WebhookDelivery] {
        try await read { [access, now] database in
            try database.authorize(access, .hub)
            return try database.cachedStatement(
                """
                \(Database.deliveries) JOIN (
                    SELECT min(event_id) AS first FROM webhook_deliveries
                    WHERE webhook_id = (SELECT id FROM webhooks WHERE name = ?1) AND is_dead = 0
                    GROUP BY repository) ON first = webhook_deliveries.event_id
                WHERE webhooks.name = ?1 AND due_at <= ?2 ORDER BY webhook_deliveries.event_id LIMIT ?3
                """, [webhook, now(), limit]
            ) { try Row.fetchAll($0) }.map { try WebhookDelivery($0) }
        }
    }

    package func settle(_ delivery: WebhookDelivery, _ outcome: WebhookOutcome) async throws {
        // A crash may forget this: then the event is told once more, which receivers are prepared for.
        try await write(durable: false) { [access, now] database in
            try database.authorize(access, .hub)
            let key: StatementArguments = [delivery.webhook, delivery.sequence]
            let row = "webhook_id = (SELECT id FROM webhooks WHERE name = ?1) AND event_id = ?2"
            switch outcome {
            case .delivered:
                try database.change("DELETE FROM webhook_deliveries WHERE \(row)", key)
                try database.change(
                    "UPDATE webhooks SET last_delivery_at = ? WHERE name = ?", [now(), delivery.webhook])
            case .failed(let problem, let time):
                try database.change(
                    """
                    UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = ?3, problem = ?4 WHERE \(row)
                    """, key + [time, problem])
            case .givenUp(let problem):
                try database.change(
                    """
                    UPDATE webhook_deliveries SET attempts = attempts + 1, is_dead = 1, problem = ?3
                    WHERE \(row)
                    """, key + [problem])
            }
        }
    }

    package func deliveries(
        of webhook: String?, after: Int64, limit: Int
    ) async throws -> [WebhookDelivery] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            if let webhook { try database.checkWebhook(webhook) }
            return try database.cachedStatement(
                """
                \(Database.deliveries) WHERE (?1 IS NULL OR webhooks.name = ?1)
                AND webhook_deliveries.event_id > ?2 ORDER BY webhook_deliveries.event_id LIMIT ?3
                """, [webhook, after, limit]
            ) { try Row.fetchAll($0) }.map { try WebhookDelivery($0) }
        }
    }

    package func retryDeliveries(of webhook: String, sequence: Int64?) async throws -> Int {
        let count = try await write { [access, now] database in
            try database.authorize(access, .hub)
            try database.checkWebhook(webhook)
            try database.change(
                """
                UPDATE webhook_deliveries SET is_dead = 0, attempts = 0, due_at = ?3
                WHERE webhook_id = (SELECT id FROM webhooks WHERE name = ?1) AND (?2 IS NULL OR event_id = ?2)
                """, [webhook, sequence, now()])
            let count = database.changesCount
            if let sequence, count == 0 {
                throw HubError(
                    .webhookUnknown, "no delivery \(sequence) waits for webhook \"\(webhook)\"",
                    hint: "see 'wasme-hub webhook deliveries \(webhook)'", category: .usage)
            }
            try database.audit(
                access, "webhook.retry", webhook, sequence.map { "\($0)" }, now: now())
            return count
        }
        events.announce()
        return count
    }

    package func forgetWebhook(_ name: String) async throws {
        try await write { [access, now] database in
            try database.authorize(access, .hub)
            try database.checkWebhook(name)
            // Deliveries first, so that their events go with them.
            try database.change(
                "DELETE FROM webhook_deliveries WHERE webhook_id = (SELECT id FROM webhooks WHERE name = ?)",
                [name])
            try database.change("DELETE FROM webhooks WHERE name = ?", [name])
            try database.audit(access, "webhook.forget", name, nil, now: now())
        }
    }

    package func arrivals() -> AsyncStream<Void> { events.stream() }
}

extension WebhookDelivery {
    fileprivate init(_ row: Row) throws {
        let event = try JSONDecoder().decode(ChangeEvent.self, from: Data((row["event"] as String).utf8))
        self.init(
            webhook: row["name"], sequence: row["id"], eventID: row["event_name"], kind: row["kind"],
            time: row["time"], event: event, isDead: row["is_dead"], attempts: row["attempts"],
            dueAt: row["due_at"], problem: row["problem"])
    }
}

extension Database {
    fileprivate static let deliveries = """
        SELECT webhooks.name, webhook_events.id, webhook_events.event_id AS event_name, kind, time, event,
            is_dead, attempts, due_at, problem
        FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
        JOIN webhook_events ON webhook_events.id = webhook_deliveries.event_id
        """

    fileprivate func checkWebhook(_ name: String) throws {
        let isKnown = try cachedStatement("SELECT EXISTS (SELECT 1 FROM webhooks WHERE name = ?)", [name]) {
            try Bool.fetchOne($0) ?? false
        }
        guard !isKnown else { return }
        throw HubError(
            .webhookUnknown, "there is no webhook \"\(name)\"", hint: "see 'wasme-hub webhook list'",
            category: .usage)
    }

    /// Keeps an event for all who want to know of it, in the transaction of the change.
    ///
    /// - Returns: whether there is anybody.
    func keep(
        _ kind: ChangeEvent.Kind, in repository: Repository, now: Int64, _ event: () throws -> ChangeEvent
    ) throws -> Bool {
        let wanting = try cachedStatement("SELECT * FROM webhooks WHERE is_configured", []) {
            try Row.fetchAll($0)
        }.filter { Webhook($0).wants(kind, in: repository) }
        guard !wanting.isEmpty else { return false }
        try change(
            "INSERT INTO webhook_events (event_id, kind, time, event) VALUES (?, ?, ?, ?)",
            [
                UploadID().description, kind.rawValue, now,
                String(decoding: try canonicalJSON(try event()), as: UTF8.self),
            ])
        let id = lastInsertedRowID
        for row in wanting {
            let isFull = row["waiting"] as Int >= row["queue_limit"] as Int
            try change(
                """
                INSERT INTO webhook_deliveries (webhook_id, event_id, repository, is_dead, due_at, problem)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    row["id"] as Int64, id, repository.path, isFull, now,
                    isFull ? "more deliveries wait than the queue holds" : nil,
                ])
        }
        return true
    }
}

extension Webhook {
    fileprivate init(_ row: Row) {
        func words(_ column: String) -> [String] {
            (row[column] as String).split(separator: " ").map(String.init)
        }
        self.init(
            name: row["name"], origin: row["origin"], repositories: words("repositories"),
            kinds: Set(words("kinds").compactMap(ChangeEvent.Kind.init)), queueLimit: row["queue_limit"])
    }
}
