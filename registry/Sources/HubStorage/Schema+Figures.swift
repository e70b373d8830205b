// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// How much there is of everything, kept with each change: to count it would be to read it all.
    static let figures = """
        CREATE TABLE figures (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            repositories INTEGER NOT NULL,
            manifests INTEGER NOT NULL,
            tags INTEGER NOT NULL,
            blobs INTEGER NOT NULL,
            blob_bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO figures SELECT 1, (SELECT count(*) FROM repositories), (SELECT count(*) FROM manifests),
            (SELECT count(*) FROM tags), (SELECT count(*) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blobs);
        CREATE TRIGGER manifests_counted AFTER INSERT ON manifests BEGIN
            UPDATE figures SET manifests = manifests + 1;
        END;
        CREATE TRIGGER manifests_discounted AFTER DELETE ON manifests BEGIN
            UPDATE figures SET manifests = manifests - 1;
        END;
        CREATE TRIGGER tags_counted AFTER INSERT ON tags BEGIN UPDATE figures SET tags = tags + 1; END;
        CREATE TRIGGER tags_discounted AFTER DELETE ON tags BEGIN UPDATE figures SET tags = tags - 1; END;
        CREATE TRIGGER blobs_counted AFTER INSERT ON blobs BEGIN
            UPDATE figures SET blobs = blobs + 1, blob_bytes = blob_bytes + new.size;
        END;
        CREATE TRIGGER blobs_resized AFTER UPDATE OF size ON blobs BEGIN
            UPDATE figures SET blob_bytes = blob_bytes + new.size - old.size;
        END;
        CREATE TRIGGER blobs_discounted AFTER DELETE ON blobs BEGIN
            UPDATE figures SET blobs = blobs - 1, blob_bytes = blob_bytes - old.size;
        END;

        -- What each organisation or user has, by the first part of names; no row for those with nothing.
        CREATE TABLE namespace_holdings (
            namespace TEXT PRIMARY KEY,
            repositories INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO namespace_holdings SELECT namespace, count(*), sum(held_bytes) FROM repositories GROUP BY namespace;
        CREATE INDEX namespace_holdings_by_size ON namespace_holdings (bytes DESC, namespace);
        CREATE TRIGGER repositories_counted AFTER INSERT ON repositories BEGIN
            UPDATE figures SET repositories = repositories + 1;
            INSERT INTO namespace_holdings VALUES (new.namespace, 1, new.held_bytes)
            ON CONFLICT DO UPDATE SET repositories = repositories + 1, bytes = bytes + excluded.bytes;
        END;
        CREATE TRIGGER repositories_resized AFTER UPDATE OF held_bytes ON repositories
        WHEN new.held_bytes <> old.held_bytes BEGIN
            UPDATE namespace_holdings SET bytes = bytes + new.held_bytes - old.held_bytes
            WHERE namespace = new.namespace;
        END;
        CREATE TRIGGER repositories_discounted AFTER DELETE ON repositories BEGIN
            UPDATE figures SET repositories = repositories - 1;
            UPDATE namespace_holdings SET repositories = repositories - 1, bytes = bytes - old.held_bytes
            WHERE namespace = old.namespace;
            DELETE FROM namespace_holdings WHERE namespace = old.namespace AND repositories = 0;
        END;
        """
}
