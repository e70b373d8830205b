// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Which listings changed, so that what is held of them in memory is brought up to date without reading all.
    static let listingChanges = """
        -- One row for each repository that ever changed; a later change has the higher version.
        CREATE TABLE listing_changes (
            version INTEGER PRIMARY KEY AUTOINCREMENT,
            repository_id INTEGER NOT NULL UNIQUE
        ) STRICT;
        CREATE TRIGGER listings_came AFTER INSERT ON listings BEGIN
            DELETE FROM listing_changes WHERE repository_id = new.repository_id;
            INSERT INTO listing_changes (repository_id) VALUES (new.repository_id);
        END;
        CREATE TRIGGER listings_changed AFTER UPDATE ON listings BEGIN
            DELETE FROM listing_changes WHERE repository_id = new.repository_id;
            INSERT INTO listing_changes (repository_id) VALUES (new.repository_id);
        END;
        CREATE TRIGGER listings_went AFTER DELETE ON listings BEGIN
            DELETE FROM listing_changes WHERE repository_id = old.repository_id;
            INSERT INTO listing_changes (repository_id) VALUES (old.repository_id);
        END;

        CREATE INDEX tags_by_pusher ON tags (pushed_by, updated_at) WHERE pushed_by IS NOT NULL;

        -- Counts the changes of `listing_texts`: what was found by words holds for one of its values.
        CREATE TABLE listing_words (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            version INTEGER NOT NULL
        ) STRICT;
        INSERT INTO listing_words VALUES (1, 1);
        CREATE TRIGGER listing_words_went AFTER DELETE ON listings BEGIN
            UPDATE listing_words SET version = version + 1;
        END;
        """
}
