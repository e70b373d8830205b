// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What lists and searches show of repositories, and how often these are pulled.
    ///
    /// All but `pulls` is derived. Triggers note which repositories changed; the transaction that changed them brings
    /// their listings up to date before it ends (`refreshListings`).
    static let listings = """
        -- Pulls by the day, in days since 1970.
        CREATE TABLE pulls (
            repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
            day INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (repository_id, day)
        ) STRICT, WITHOUT ROWID;

        -- Each repository with a tag, in the order of names, with little beside: a search reads all of it. Its columns
        -- are called as those of `repositories`, so that one condition says of both who may see what.
        CREATE TABLE listings (
            name TEXT PRIMARY KEY,
            namespace TEXT NOT NULL,
            is_public INTEGER NOT NULL,
            repository_id INTEGER NOT NULL UNIQUE REFERENCES repositories (id) ON DELETE CASCADE,
            pulls INTEGER NOT NULL,
            -- The newest tag.
            tag TEXT NOT NULL,
            updated_at INTEGER NOT NULL,
            -- Keys of `facet_values`, four bytes each, the lowest first.
            facets BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER repositories_shown AFTER UPDATE OF is_public ON repositories BEGIN
            UPDATE listings SET is_public = new.is_public WHERE repository_id = new.id;
        END;

        -- The facet's number is the lowest three bits of the key.
        CREATE TABLE facet_values (
            id INTEGER PRIMARY KEY,
            value TEXT NOT NULL,
            label TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX facet_values_by_value ON facet_values (id & 7, value);

        -- The words of listings, by the key of the repository: name; title, description and other annotations; README.
        CREATE VIRTUAL TABLE listing_texts USING fts5(
            name, head, readme, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
        );
        CREATE TRIGGER listings_removed AFTER DELETE ON listings BEGIN
            DELETE FROM listing_texts WHERE rowid = old.repository_id;
        END;

        -- Repositories whose listing is to be made anew before the transaction ends.
        CREATE TABLE stale_listings (repository_id INTEGER PRIMARY KEY) STRICT;
        INSERT INTO stale_listings SELECT id FROM repositories;
        CREATE TRIGGER tags_added_to_listing AFTER INSERT ON tags BEGIN
            INSERT INTO stale_listings VALUES (new.repository_id) ON CONFLICT DO NOTHING;
        END;
        CREATE TRIGGER tags_moved_in_listing AFTER UPDATE OF manifest_id, updated_at ON tags BEGIN
            INSERT INTO stale_listings VALUES (new.repository_id) ON CONFLICT DO NOTHING;
        END;
        CREATE TRIGGER tags_removed_from_listing AFTER DELETE ON tags BEGIN
            INSERT INTO stale_listings VALUES (old.repository_id) ON CONFLICT DO NOTHING;
        END;
        CREATE TRIGGER facts_listed AFTER INSERT ON manifest_facts BEGIN
            INSERT INTO stale_listings
            SELECT DISTINCT repository_id FROM tags WHERE manifest_id = new.manifest_id
            ON CONFLICT DO NOTHING;
        END;
        -- A signature of another manifest came or went.
        CREATE TRIGGER referrers_listed AFTER INSERT ON manifests WHEN new.subject IS NOT NULL BEGIN
            INSERT INTO stale_listings VALUES (new.repository_id) ON CONFLICT DO NOTHING;
        END;
        CREATE TRIGGER referrers_unlisted AFTER DELETE ON manifests WHEN old.subject IS NOT NULL BEGIN
            INSERT INTO stale_listings VALUES (old.repository_id) ON CONFLICT DO NOTHING;
        END;
        """
}
