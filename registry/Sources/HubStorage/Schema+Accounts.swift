// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Who there is and what they may do.
    static let accounts = """
        -- Users, robots and organisations share one table because they share one space of names: `acme/proxy` belongs
        -- to the organisation or to the user "acme". Keys are never used twice, since tokens live on for a while.
        CREATE TABLE accounts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('user', 'robot', 'organisation')),
            -- Whom a robot belongs to.
            owner_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE,
            is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
            is_disabled INTEGER NOT NULL DEFAULT 0 CHECK (is_disabled IN (0, 1)),
            -- The hash with its parameters.
            password TEXT,
            created_at INTEGER NOT NULL,
            CHECK (kind = 'user' OR (password IS NULL AND is_admin = 0)),
            CHECK ((kind = 'robot') = (owner_id IS NOT NULL))
        ) STRICT;
        CREATE INDEX accounts_by_owner ON accounts (owner_id) WHERE owner_id IS NOT NULL;

        -- A role in all repositories of an organisation.
        CREATE TABLE memberships (
            organisation_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
            PRIMARY KEY (account_id, organisation_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX memberships_by_organisation ON memberships (organisation_id);

        -- A role in one repository, by name: it may be given before the first push.
        CREATE TABLE repository_grants (
            repository TEXT NOT NULL,
            account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
            PRIMARY KEY (account_id, repository)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX repository_grants_by_repository ON repository_grants (repository);

        -- A secret that is as good as a password within its scopes.
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY,
            account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            -- 'refresh': what a client keeps after a log-in instead of the password.
            kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
            -- SHA-256 of the secret, which has 256 random bits.
            hash TEXT NOT NULL UNIQUE,
            -- Separated by spaces; null for all that the account may do.
            scopes TEXT,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            last_used_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX tokens_by_account ON tokens (account_id);

        -- Keys of session tokens; the newest one signs.
        CREATE TABLE signing_keys (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            private_bytes BLOB NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;

        -- Every change. Lines are added and never changed.
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            actor TEXT NOT NULL,
            address TEXT,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT
        ) STRICT;
        CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END;
        CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is not cut'); END;

        ALTER TABLE repositories ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1));
        -- The part of the name that an organisation or a user owns.
        ALTER TABLE repositories ADD COLUMN namespace TEXT NOT NULL
            GENERATED ALWAYS AS (substr(name, 1, instr(name || '/', '/') - 1)) VIRTUAL;
        ALTER TABLE uploads ADD COLUMN account_id INTEGER;
        """
}
