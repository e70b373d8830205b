// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Events, and whom they are still to be told.
    static let webhooks = """
        -- What the last start's configuration has, without addresses and secrets.
        CREATE TABLE webhooks (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL,
            -- Patterns of repositories and kinds of events, separated by spaces.
            repositories TEXT NOT NULL,
            kinds TEXT NOT NULL,
            queue_limit INTEGER NOT NULL,
            is_configured INTEGER NOT NULL CHECK (is_configured IN (0, 1)),
            waiting INTEGER NOT NULL DEFAULT 0,
            dead INTEGER NOT NULL DEFAULT 0,
            last_delivery_at INTEGER
        ) STRICT;

        -- Keys are never used twice: they are the order that receivers see.
        CREATE TABLE webhook_events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            time INTEGER NOT NULL,
            event TEXT NOT NULL
        ) STRICT;

        CREATE TABLE webhook_deliveries (
            webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
            event_id INTEGER NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
            repository TEXT NOT NULL,
            is_dead INTEGER NOT NULL CHECK (is_dead IN (0, 1)),
            attempts INTEGER NOT NULL DEFAULT 0,
            due_at INTEGER NOT NULL,
            problem TEXT,
            PRIMARY KEY (webhook_id, event_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_id);
        CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, repository, event_id)
            WHERE is_dead = 0;

        CREATE TRIGGER webhook_deliveries_added AFTER INSERT ON webhook_deliveries BEGIN
            UPDATE webhooks SET waiting = waiting + 1 - new.is_dead, dead = dead + new.is_dead
            WHERE id = new.webhook_id;
        END;
        CREATE TRIGGER webhook_deliveries_changed AFTER UPDATE OF is_dead ON webhook_deliveries
        WHEN old.is_dead <> new.is_dead BEGIN
            UPDATE webhooks SET waiting = waiting + old.is_dead - new.is_dead,
                dead = dead + new.is_dead - old.is_dead
            WHERE id = new.webhook_id;
        END;
        CREATE TRIGGER webhook_deliveries_removed AFTER DELETE ON webhook_deliveries BEGIN
            UPDATE webhooks SET waiting = waiting - 1 + old.is_dead, dead = dead - old.is_dead
            WHERE id = old.webhook_id;
            DELETE FROM webhook_events WHERE id = old.event_id AND NOT EXISTS (
                SELECT 1 FROM webhook_deliveries WHERE event_id = old.event_id);
        END;
        """
}
