// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub
import OCI

extension Database {
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
        _ = try keep(kind: kind.rawValue, of: repository.path, for: wanting, now: now, try event())
        return true
    }

    /// Keeps an event for these webhooks.
    /// - Returns: what tells the event from any other.
    func keep(
        kind: String, of repository: String, for webhooks: [Row], now: Int64, _ event: ChangeEvent
    ) throws -> String {
        let name = UploadID().description
        try change(
            "INSERT INTO webhook_events (event_id, kind, time, event) VALUES (?, ?, ?, ?)",
            [name, kind, now, String(decoding: try canonicalJSON(event), as: UTF8.self)])
        let id = lastInsertedRowID
        for row in webhooks {
            let isFull = row["waiting"] as Int >= row["queue_limit"] as Int
            try change(
                """
                INSERT INTO webhook_deliveries (webhook_id, event_id, repository, is_dead, due_at, problem)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    row["id"] as Int64, id, repository, isFull, now,
                    isFull ? "more deliveries wait than the queue holds" : nil,
                ])
        }
        return name
    }
}

extension Webhook {
    init(_ row: Row) {
        func words(_ column: String) -> [String] {
            (row[column] as String).split(separator: " ").map(String.init)
        }
        self.init(
            name: row["name"], origin: row["origin"], repositories: words("repositories"),
            kinds: Set(words("kinds").compactMap(ChangeEvent.Kind.init)), queueLimit: row["queue_limit"])
    }
}
