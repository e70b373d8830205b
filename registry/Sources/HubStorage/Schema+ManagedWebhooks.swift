// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Webhooks that are set up by the API, and what came of the last attempts to tell any.
    static let managedWebhooks = """
        -- Where they lead and what signs; null for those of the configuration, which keeps both itself.
        ALTER TABLE webhooks ADD COLUMN url TEXT;
        ALTER TABLE webhooks ADD COLUMN secret TEXT;
        -- Whose repositories they are about; null for the hub's own.
        ALTER TABLE webhooks ADD COLUMN owner_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE;
        ALTER TABLE webhooks ADD COLUMN attempts INTEGER NOT NULL DEFAULT 20;
        ALTER TABLE webhooks ADD COLUMN created_at INTEGER;
        ALTER TABLE webhooks ADD COLUMN created_by TEXT;
        CREATE INDEX webhooks_by_owner ON webhooks (owner_id) WHERE owner_id IS NOT NULL;

        -- Without a reference to the event, which is forgotten when it was delivered.
        CREATE TABLE webhook_attempts (
            id INTEGER PRIMARY KEY,
            webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            event_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            repository TEXT NOT NULL,
            time INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            status INTEGER,
            problem TEXT
        ) STRICT;
        CREATE INDEX webhook_attempts_by_webhook ON webhook_attempts (webhook_id, id);
        """
}
