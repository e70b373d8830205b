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

    /// Bytes of the module that the hub took out of a layer of an image, of the manifest at hand: one that is a layer by
    /// itself counts as that.
    static let moduleBytes = """
        ifnull((SELECT module_size FROM manifest_facts WHERE manifest_id = manifests.id
            AND module_blob IS NOT NULL AND NOT EXISTS (SELECT 1 FROM manifest_references
                WHERE manifest_references.manifest_id = manifests.id AND digest = module_blob)), 0)
        """

    /// Counts modules with the bytes of their images' repositories, for each image.
    static let moduleSizes = """
        ALTER TABLE manifests ADD COLUMN module_bytes INTEGER NOT NULL DEFAULT 0;
        CREATE TRIGGER manifests_module_changed AFTER UPDATE OF module_bytes ON manifests BEGIN
            UPDATE repositories SET held_bytes = held_bytes + new.module_bytes - old.module_bytes
            WHERE id = new.repository_id;
        END;
        CREATE TRIGGER manifests_module_removed AFTER DELETE ON manifests WHEN old.module_bytes > 0 BEGIN
            UPDATE repositories SET held_bytes = held_bytes - old.module_bytes WHERE id = old.repository_id;
        END;
        UPDATE manifests SET module_bytes = \(moduleBytes)
        WHERE id IN (SELECT manifest_id FROM manifest_facts WHERE module_blob IS NOT NULL);
        """
}
