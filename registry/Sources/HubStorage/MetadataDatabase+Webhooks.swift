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
            try database.execute(sql: "UPDATE webhooks SET is_configured = 0 WHERE url IS NULL")
            for webhook in webhooks {
                let isTaken = try Bool.fetchOne(
                    database, sql: "SELECT url IS NOT NULL FROM webhooks WHERE name = ?",
                    arguments: [webhook.name])
                guard isTaken != true else {
                    throw HubError(
                        .webhookExists,
                        "the webhook \"\(webhook.name)\" of the configuration was made by the API",
                        hint: "give it another name, or delete that one", category: .usage)
                }
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
                    isManaged: (row["url"] as String?) != nil,
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

    package func settle(
        _ delivery: WebhookDelivery, _ outcome: WebhookOutcome, status: Int?
    ) async throws {
        // A crash may forget this: then the event is told once more, which receivers are prepared for.
        try await write(durable: false) { [access, now] database in
            try database.authorize(access, .hub)
            let key: StatementArguments = [delivery.webhook, delivery.sequence]
            let row = "webhook_id = (SELECT id FROM webhooks WHERE name = ?1) AND event_id = ?2"
            try database.note(delivery, outcome.problem, status: status, now: now())
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
            let id = try Int64.fetchOne(
                database, sql: "SELECT id FROM webhooks WHERE name = ?", arguments: [name])
            if let id { try database.forget(webhook: id) }
            try database.audit(access, "webhook.forget", name, nil, now: now())
        }
        webhookChanges.announce()
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
            is_dead, webhook_deliveries.attempts, due_at, problem
        FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
        JOIN webhook_events ON webhook_events.id = webhook_deliveries.event_id
        """

    func hasWebhook(_ name: String) throws -> Bool {
        try cachedStatement("SELECT EXISTS (SELECT 1 FROM webhooks WHERE name = ?)", [name]) {
            try Bool.fetchOne($0) ?? false
        }
    }

    /// Forgets a webhook; deliveries first, so that their events go with them.
    func forget(webhook id: Int64) throws {
        try change("DELETE FROM webhook_deliveries WHERE webhook_id = ?", [id])
        try change("DELETE FROM webhooks WHERE id = ?", [id])
    }

    /// Attempts that are shown of each webhook.
    private static let keptAttempts = 100

    /// Notes what came of an attempt, and forgets those that are long past.
    fileprivate func note(
        _ delivery: WebhookDelivery, _ problem: String?, status: Int?, now: Int64
    ) throws {
        try change(
            """
            INSERT INTO webhook_attempts (webhook_id, sequence, event_id, kind, repository, time, attempt, status, problem)
            SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM webhooks WHERE name = ?1
            """,
            [
                delivery.webhook, delivery.sequence, delivery.eventID, delivery.kind,
                delivery.event.target.repository, now, delivery.attempts + 1, status, problem,
            ])
        try change(
            """
            DELETE FROM webhook_attempts WHERE id <= (
                SELECT id FROM webhook_attempts WHERE webhook_id = (SELECT id FROM webhooks WHERE name = ?1)
                ORDER BY id DESC LIMIT 1 OFFSET ?2)
            AND webhook_id = (SELECT id FROM webhooks WHERE name = ?1)
            """, [delivery.webhook, Self.keptAttempts])
    }

    fileprivate func checkWebhook(_ name: String) throws {
        guard try !hasWebhook(name) else { return }
        throw HubError(
            .webhookUnknown, "there is no webhook \"\(name)\"", hint: "see 'wasme-hub webhook list'",
            category: .usage)
    }
}

extension WebhookOutcome {
    fileprivate var problem: String? {
        switch self {
        case .delivered: nil
        case .failed(let problem, _), .givenUp(let problem): problem
        }
    }
}
