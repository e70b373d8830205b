// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import SystemPackage

/// A connection to the database that one thread at a time reads by, with statements that are compiled once.
///
/// It never waits: what cannot be had at once is an error.
final class ReadConnection {
    struct Failure: Error {
        /// A result code of SQLite.
        let code: Int32
    }

    private var connection: OpaquePointer?
    private var statements: [String: Statement] = [:]

    init(_ path: FilePath) throws {
        var connection: OpaquePointer?
        // Nobody else uses the connection, so it needs no lock of its own.
        let code = sqlite3_open_v2(
            path.string, &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let connection else {
            sqlite3_close_v2(connection)
            throw Failure(code: code)
        }
        self.connection = connection
    }

    deinit { close() }

    /// Lets go of the database; whatever is asked afterwards fails.
    func close() {
        statements = [:]
        sqlite3_close_v2(connection)
        connection = nil
    }

    /// Reads one consistent state of the database.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN")
        defer { try? run("COMMIT") }
        return try body()
    }

    private func run(_ sql: String) throws {
        try query(sql) { statement in
            while try statement.step() {}
        }
    }

    /// Runs a query; the statement is good for as long as `read` runs.
    func query<Result>(_ sql: String, _ read: (Statement) throws -> Result) throws -> Result {
        let statement: Statement
        if let known = statements[sql] {
            statement = known
        } else {
            guard let connection else { throw Failure(code: SQLITE_MISUSE) }
            statement = try Statement(connection, sql)
            statements[sql] = statement
        }
        defer { statement.reset() }
        return try read(statement)
    }

    /// A compiled query.
    final class Statement {
        private let handle: OpaquePointer
        /// The value that tells SQLite to copy what it is given.
        private static let transient = unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)

        fileprivate init(_ connection: OpaquePointer, _ sql: String) throws {
            var handle: OpaquePointer?
            let code = sqlite3_prepare_v3(
                connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
            guard code == SQLITE_OK, let handle else { throw Failure(code: code) }
            self.handle = handle
        }

        deinit { sqlite3_finalize(handle) }

        fileprivate func reset() { sqlite3_reset(handle) }

        /// Goes on to the next row; false if there is none.
        func step() throws -> Bool {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: return true
            case SQLITE_DONE: return false
            case let code: throw Failure(code: code)
            }
        }

        func bind(_ text: String?, at index: Int32) throws {
            guard var text else { return try check(sqlite3_bind_null(handle, index)) }
            try check(
                text.withUTF8 { bytes in
                    bytes.withMemoryRebound(to: CChar.self) { characters in
                        sqlite3_bind_text(
                            handle, index, characters.baseAddress, Int32(characters.count), Self.transient)
                    }
                })
        }

        func bind(_ number: Int64, at index: Int32) throws {
            try check(sqlite3_bind_int64(handle, index, number))
        }

        private func check(_ code: Int32) throws {
            guard code == SQLITE_OK else { throw Failure(code: code) }
        }

        func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

        func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

        /// The bytes of a text or a blob, until the next step.
        func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
            let start = sqlite3_column_blob(handle, column)
            return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        }
    }
}
