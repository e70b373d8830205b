// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub

/// Puts the writes of many requests into one transaction, because the disk's answer to a commit is what a push
/// waits for, and SQLite has one writer.
///
/// Each write has a savepoint of its own: one that fails takes nothing with it. A caller goes on only after the
/// commit that holds its write.
actor GroupCommit {
    private let database: DatabasePool
    private var waiting: [Write] = []
    private var isCommitting = false

    private struct Write {
        let isDurable: Bool
        /// Makes the changes and returns what to do once they are committed, or not.
        let perform: @Sendable (Database) -> @Sendable ((any Error)?) -> Void
        let fail: @Sendable (any Error) -> Void
    }

    init(_ database: DatabasePool) { self.database = database }

    /// Makes changes and returns once they are committed.
    ///
    /// `durable` says whether they must survive a crash of the machine, or only one of the process.
    func write<Result: Sendable>(
        durable: Bool = true, _ changes: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            waiting.append(
                Write(
                    isDurable: durable,
                    perform: { database in
                        let result = Swift.Result { try Self.inSavepoint(database, changes) }
                        return { commitError in
                            if let commitError {
                                continuation.resume(throwing: commitError)
                            } else {
                                continuation.resume(with: result)
                            }
                        }
                    },
                    fail: { continuation.resume(throwing: $0) }))
            guard !isCommitting else { return }
            isCommitting = true
            // Not a child of the caller: it serves whoever waits meanwhile, and must not be cancelled with one of them.
            Task { await commitWaiting() }
        }
    }

    private func commitWaiting() async {
        while !waiting.isEmpty {
            let batch = waiting
            waiting = []
            do {
                let (finishers, failure) = try await database.writeWithoutTransaction { database in
                    Self.commit(batch, database)
                }
                for finish in finishers { finish(failure) }
                for write in batch.dropFirst(finishers.count) {
                    write.fail(failure ?? CancellationError())
                }
            } catch {
                for write in batch { write.fail(error) }
            }
        }
        isCommitting = false
    }

    private static func commit(
        _ batch: [Write], _ database: Database
    ) -> ([@Sendable ((any Error)?) -> Void], (any Error)?) {
        var finishers: [@Sendable ((any Error)?) -> Void] = []
        do {
            let level = batch.contains(where: \.isDurable) ? "FULL" : "NORMAL"
            try database.execute(sql: "PRAGMA synchronous = \(level)")
            try database.inTransaction(.immediate) {
                for write in batch { finishers.append(write.perform(database)) }
                try database.refreshListings()
                return .commit
            }
            return (finishers, nil)
        } catch {
            return (finishers, error)
        }
    }

    private static func inSavepoint<Result>(
        _ database: Database, _ changes: (Database) throws -> Result
    ) throws -> Result {
        var result: Result?
        try database.inSavepoint {
            result = try changes(database)
            return .commit
        }
        guard let result else { throw DatabaseError(message: "the savepoint was left early") }
        return result
    }
}
