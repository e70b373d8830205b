// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
import OCI
package import SystemPackage

/// What the hub knows, in SQLite.
///
/// WAL with `synchronous=FULL`: a commit that was answered survives a crash of the machine. Reads never wait for
/// writes.
package struct MetadataDatabase: Sendable {
    let path: FilePath
    let pool: DatabasePool
    let writes: GroupCommit
    /// Who the store acts for.
    package let access: Access
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    /// Wakes those who deliver events.
    let events: Arrivals
    /// Wakes those who have to know which webhooks there are.
    let webhookChanges: Arrivals
    /// What searches hold in memory.
    let listings: ListingCache

    /// Opens the database of a data folder, and brings it to the present schema.
    ///
    /// It acts for nobody in particular until it is told otherwise.
    package init(
        _ folder: DataFolder, policy: AccessPolicy = .open, now: @escaping @Sendable () -> Int64
    ) async throws {
        try await self.init(beside: folder.path, policy: policy, now: now)
    }

    /// Opens the database of a folder that a hub may be serving: for what is in the database only.
    package init(
        beside path: FilePath, policy: AccessPolicy, now: @escaping @Sendable () -> Int64
    ) async throws {
        self.now = now
        events = Arrivals()
        webhookChanges = Arrivals()
        listings = ListingCache()
        access = Access(policy, .anonymous)
        var configuration = Configuration()
        configuration.label = "hub"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        do {
            let layout = DataLayout(path)
            self.path = layout.database
            try FileSystem.makePrivateFile(layout.database)
            pool = try DatabasePool(path: layout.database.string, configuration: configuration)
            writes = GroupCommit(pool)
            let migrator = Schema.migrator
            guard try await pool.read({ try !migrator.hasBeenSuperseded($0) }) else {
                throw HubError.newer(layout)
            }
            try migrator.migrate(pool)
            let isStale = try await pool.read {
                try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM stale_listings)") ?? false
            }
            if isStale { try await writes.write { try $0.refreshListings() } }
        } catch let error as DatabaseError {
            throw HubError(
                .dataFolder, "cannot open the database of data folder \"\(path)\"", cause: error,
                hint: "restore the folder from a backup, or choose another one with --data")
        }
    }

    /// The same database for somebody else.
    init(_ database: MetadataDatabase, acting principal: Principal) {
        path = database.path
        pool = database.pool
        writes = database.writes
        now = database.now
        events = database.events
        webhookChanges = database.webhookChanges
        listings = database.listings
        access = Access(database.access.policy, principal)
    }

    /// Makes changes that are durable when this returns.
    func write<Result: Sendable>(
        durable: Bool = true, _ changes: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        do {
            return try await writes.write(durable: durable, changes)
        } catch let error as DatabaseError {
            throw HubError(error)
        }
    }

    /// Reads one consistent state.
    func read<Result: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        do {
            return try await pool.read(query)
        } catch let error as DatabaseError {
            throw HubError(error)
        }
    }

    /// Journal mode, synchronous level and foreign keys of the writing connection after a durable commit, as SQLite
    /// names them: what durability rests on can be asked for.
    package func settings() async throws -> [String] {
        try await write { _ in }
        return try await pool.writeWithoutTransaction { database in
            try ["journal_mode", "synchronous", "foreign_keys"].compactMap {
                try String.fetchOne(database, sql: "PRAGMA \($0)")
            }
        }
    }

    /// Runs a statement, as somebody could who has the database file.
    package func execute(_ sql: String) async throws { try await write { try $0.execute(sql: sql) } }

    /// Lets go of what is kept to answer faster; it comes back with the next questions.
    package func releaseMemory() { pool.releaseMemoryEventually() }

    /// Closes all connections of this process, and leaves the log to the hub that may be at work.
    package func leave() throws { try pool.close() }

    /// Closes all connections; what is under way ends first.
    ///
    /// Afterwards the database is one file.
    package func close() throws {
        try pool.barrierWriteWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try pool.close()
    }
}

extension HubError {
    init(_ error: DatabaseError) {
        switch error.resultCode {
        case .SQLITE_FULL: self = .full(error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .overloaded, "the hub's database is held by another process", cause: error,
                hint: "try again in a moment")
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_WRITE: self = .full(error)
        default: self.init(.storageFailed, "the hub's database failed", cause: error)
        }
    }
}

extension Database {
    /// The key of a repository; nil if it is not known.
    func repositoryID(_ repository: Repository) throws -> Int64? {
        try cachedStatement(ReadQuery.repositoryID, [repository.path]) {
            try Int64.fetchOne($0)
        }
    }

    /// The key of a repository, which is made if it is not known.
    func makeRepositoryID(_ repository: Repository, now: Int64) throws -> Int64 {
        if let id = try repositoryID(repository) { return id }
        try change("INSERT INTO repositories (name, created_at) VALUES (?, ?)", [repository.path, now])
        return lastInsertedRowID
    }

    /// Runs a query that is compiled once per connection.
    func cachedStatement<Result>(
        _ sql: String, _ arguments: StatementArguments, _ fetch: (Statement) throws -> Result
    ) throws -> Result {
        let statement = try cachedStatement(sql: sql)
        try statement.setArguments(arguments)
        return try fetch(statement)
    }

    /// Runs a change that is compiled once per connection.
    func change(_ sql: String, _ arguments: StatementArguments) throws {
        let statement = try cachedStatement(sql: sql)
        try statement.execute(arguments: arguments)
    }
}
