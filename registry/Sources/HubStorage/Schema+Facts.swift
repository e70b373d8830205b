// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What was found out about manifests: derived from them and their blobs, and made again by `wasme-hub reindex`.
    static let facts = """
        CREATE TABLE manifest_facts (
            manifest_id INTEGER PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('filter', 'unreadable', 'other')),
            reason TEXT,
            -- JSON, as the API shows it.
            document TEXT NOT NULL,
            abi TEXT,
            language TEXT,
            licence TEXT,
            module_digest TEXT,
            module_size INTEGER,
            -- The blob that is the module: a layer, or one that was taken out of a layer and that no repository holds.
            module_blob TEXT REFERENCES blobs (digest) ON DELETE RESTRICT,
            CHECK (module_blob IS NULL OR (module_digest IS NOT NULL AND module_size IS NOT NULL))
        ) STRICT;
        CREATE INDEX manifest_facts_by_blob ON manifest_facts (module_blob) WHERE module_blob IS NOT NULL;

        -- Manifests that are still to be read, and how often that was begun.
        CREATE TABLE pending_facts (
            manifest_id INTEGER PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
            attempts INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        INSERT INTO pending_facts (manifest_id) SELECT id FROM manifests;
        CREATE TRIGGER manifests_to_read AFTER INSERT ON manifests BEGIN
            INSERT INTO pending_facts (manifest_id) VALUES (new.id);
        END;
        -- What a manifest names and was not here, is: it may say something else now.
        CREATE TRIGGER manifest_references_came AFTER UPDATE OF blob_digest, child_id ON manifest_references
        WHEN (old.blob_digest IS NULL AND new.blob_digest IS NOT NULL)
            OR (old.child_id IS NULL AND new.child_id IS NOT NULL)
        BEGIN
            INSERT INTO pending_facts (manifest_id) VALUES (new.manifest_id) ON CONFLICT DO NOTHING;
        END;

        -- The revision of the reader that all facts are from.
        CREATE TABLE facts_revision (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            revision TEXT NOT NULL
        ) STRICT;
        """
}
