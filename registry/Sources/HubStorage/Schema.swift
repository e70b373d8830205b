// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The shape of the database, step by step.
///
/// A step that was released is never changed.
/// Every rule that must hold is a constraint here; the code that runs before it only says more clearly what is wrong.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: repositories, blobs, manifests, tags, uploads") { database in
            try database.execute(sql: first)
        }
        migrator.registerMigration("2: accounts, roles, tokens") { database in
            try database.execute(sql: accounts)
        }
        migrator.registerMigration("3: small blobs, sizes, policies") { database in
            try database.execute(sql: storage)
        }
        migrator.registerMigration("4: webhooks") { database in
            try database.execute(sql: webhooks)
        }
        migrator.registerMigration("5: facts about manifests") { database in
            try database.execute(sql: facts)
        }
        migrator.registerMigration("6: mirrors") { database in
            try database.execute(
                sql: """
                    -- When a tag of a mirror was last asked for where it comes from.
                    ALTER TABLE tags ADD COLUMN checked_at INTEGER;
                    -- When a manifest of a mirror was last pulled, by the hour.
                    ALTER TABLE manifests ADD COLUMN used_at INTEGER;
                    """)
        }
        migrator.registerMigration("7: requests to copy") { database in
            try database.execute(
                sql: """
                    -- What commands ask the hub to copy that has the data folder to itself.
                    CREATE TABLE sync_requests (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        asked_at INTEGER NOT NULL,
                        request TEXT NOT NULL,
                        progress TEXT,
                        report TEXT,
                        problem TEXT
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("8: listings, facets, pulls") { database in
            try database.execute(sql: listings)
        }
        migrator.registerMigration("9: sessions of browsers") { database in
            try database.execute(sql: sessions)
        }
        migrator.registerMigration("10: who pushed") { database in
            try database.execute(
                sql: """
                    -- Who moved the tag last, as the audit log calls them; null where that was not kept.
                    ALTER TABLE tags ADD COLUMN pushed_by TEXT;
                    """)
        }
        migrator.registerMigration("11: modules count for quotas") { database in
            try database.execute(sql: moduleSizes)
        }
        migrator.registerMigration("12: webhooks by the API") { database in
            try database.execute(sql: managedWebhooks)
        }
        migrator.registerMigration("13: changes of listings") { database in
            try database.execute(sql: listingChanges)
        }
        migrator.registerMigration("14: how much there is") { database in
            try database.execute(sql: figures)
        }
        return migrator
    }

    private static let first = """
        CREATE TABLE repositories (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            created_at INTEGER NOT NULL
        ) STRICT;

        -- Bytes that the blob store holds. A blob without links is what a collector may remove.
        CREATE TABLE blobs (
            digest TEXT PRIMARY KEY,
            size INTEGER NOT NULL CHECK (size >= 0),
            created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- The only right by which a repository serves a blob.
        CREATE TABLE repository_blobs (
            repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
            digest TEXT NOT NULL REFERENCES blobs (digest) ON DELETE RESTRICT,
            linked_at INTEGER NOT NULL,
            PRIMARY KEY (repository_id, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

        CREATE TABLE manifests (
            id INTEGER PRIMARY KEY,
            repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
            digest TEXT NOT NULL,
            media_type TEXT NOT NULL,
            artifact_type TEXT,
            subject TEXT,
            annotations TEXT NOT NULL,
            bytes BLOB NOT NULL,
            total_size INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (repository_id, digest)
        ) STRICT;
        CREATE INDEX manifests_by_subject ON manifests (repository_id, subject) WHERE subject IS NOT NULL;

        -- What a manifest names. A column that is null stands for content that need not be here.
        CREATE TABLE manifest_references (
            manifest_id INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
            digest TEXT NOT NULL,
            repository_id INTEGER NOT NULL,
            blob_digest TEXT,
            child_id INTEGER REFERENCES manifests (id) ON DELETE RESTRICT,
            PRIMARY KEY (manifest_id, digest),
            FOREIGN KEY (repository_id, blob_digest) REFERENCES repository_blobs (repository_id, digest)
                ON DELETE RESTRICT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX manifest_references_by_blob ON manifest_references (repository_id, blob_digest)
            WHERE blob_digest IS NOT NULL;
        CREATE INDEX manifest_references_by_child ON manifest_references (child_id) WHERE child_id IS NOT NULL;

        CREATE TABLE tags (
            repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (repository_id, name)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX tags_by_manifest ON tags (manifest_id);
        CREATE INDEX tags_by_age ON tags (repository_id, updated_at);

        -- By name, not by reference: an upload that is never finished makes no repository.
        CREATE TABLE uploads (
            id TEXT PRIMARY KEY,
            repository TEXT NOT NULL,
            algorithm TEXT NOT NULL,
            started_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
