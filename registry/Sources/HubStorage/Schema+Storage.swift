// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Small blobs, sizes of repositories, policies, and since when a manifest has no tag.
    static let storage = """
        -- The bytes of small blobs: one sync of the log makes them durable together with what names them.
        CREATE TABLE blob_contents (
            digest TEXT PRIMARY KEY REFERENCES blobs (digest) ON DELETE CASCADE,
            bytes BLOB NOT NULL
        ) STRICT;

        -- Bytes of a repository's blobs and manifests; what several repositories hold counts for each.
        ALTER TABLE repositories ADD COLUMN held_bytes INTEGER NOT NULL DEFAULT 0;
        UPDATE repositories SET held_bytes =
            (SELECT coalesce(sum(size), 0) FROM repository_blobs JOIN blobs USING (digest)
                WHERE repository_id = repositories.id)
            + (SELECT coalesce(sum(length(bytes)), 0) FROM manifests WHERE repository_id = repositories.id);
        CREATE TRIGGER repository_blobs_added AFTER INSERT ON repository_blobs BEGIN
            UPDATE repositories SET held_bytes = held_bytes + (SELECT size FROM blobs WHERE digest = new.digest)
            WHERE id = new.repository_id;
        END;
        CREATE TRIGGER repository_blobs_removed AFTER DELETE ON repository_blobs BEGIN
            UPDATE repositories SET held_bytes = held_bytes - (SELECT size FROM blobs WHERE digest = old.digest)
            WHERE id = old.repository_id;
        END;
        CREATE TRIGGER manifests_added AFTER INSERT ON manifests BEGIN
            UPDATE repositories SET held_bytes = held_bytes + length(new.bytes) WHERE id = new.repository_id;
        END;
        CREATE TRIGGER manifests_removed AFTER DELETE ON manifests BEGIN
            UPDATE repositories SET held_bytes = held_bytes - length(old.bytes) WHERE id = old.repository_id;
        END;

        -- When a tag last left the manifest.
        ALTER TABLE manifests ADD COLUMN left_at INTEGER;
        CREATE TRIGGER tags_removed AFTER DELETE ON tags BEGIN
            UPDATE manifests SET left_at = unixepoch() WHERE id = old.manifest_id;
        END;
        CREATE TRIGGER tags_moved AFTER UPDATE OF manifest_id ON tags
        WHEN old.manifest_id <> new.manifest_id BEGIN
            UPDATE manifests SET left_at = unixepoch() WHERE id = old.manifest_id;
        END;

        -- What was decided about repositories: "acme/proxy", "acme/*" or "*".
        CREATE TABLE policies (
            scope TEXT PRIMARY KEY,
            policy TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- What manifests name and nobody has pushed yet.
        CREATE INDEX manifest_references_absent ON manifest_references (repository_id, digest)
            WHERE blob_digest IS NULL AND child_id IS NULL;
        -- How many uploads are open: counting them would cost each new one more.
        CREATE TABLE open_uploads (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            count INTEGER NOT NULL
        ) STRICT;
        INSERT INTO open_uploads SELECT 1, count(*) FROM uploads;
        CREATE TRIGGER uploads_begun AFTER INSERT ON uploads BEGIN UPDATE open_uploads SET count = count + 1; END;
        CREATE TRIGGER uploads_ended AFTER DELETE ON uploads BEGIN UPDATE open_uploads SET count = count - 1; END;
        CREATE INDEX uploads_by_age ON uploads (started_at);
        """
}
