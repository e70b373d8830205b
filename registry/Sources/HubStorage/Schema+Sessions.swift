// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Who is signed in with a browser.
    static let sessions = """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            -- SHA-256 of the secret in the cookie, which has 256 random bits.
            hash TEXT NOT NULL UNIQUE,
            agent TEXT NOT NULL,
            address TEXT,
            created_at INTEGER NOT NULL,
            used_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessions_by_account ON sessions (account_id);
        """
}
