// SPDX-License-Identifier: Apache-2.0

package import Hub
import OCI

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

extension MetadataDatabase: ImmediateStore {
    package func immediateReads() throws -> any ImmediateReads {
        ImmediateReader(try ReadConnection(path))
    }
}

/// Reads for one thread, by a connection of its own.
final class ImmediateReader: ImmediateReads {
    private let connection: ReadConnection

    init(_ connection: ReadConnection) { self.connection = connection }

    func manifest(
        _ target: Reference.Target, in repository: Repository, _ access: Access
    ) throws -> StoredManifest? {
        try read(repository, access) {
            try connection.query(ReadQuery.manifest(target)) { statement in
                try statement.bind(repository.path, at: 1)
                try statement.bind(target.description, at: 2)
                guard try statement.step() else { return nil }
                return StoredManifest(
                    digest: try Digest(statement.text(0)), mediaType: MediaType(rawValue: statement.text(1)),
                    bytes: Array(statement.bytes(2)))
            }
        }
    }

    func blobSize(
        _ digest: Digest, in repository: Repository, renewal: Int64, _ access: Access
    ) throws -> Int64? {
        try read(repository, access) {
            try connection.query(ReadQuery.blobLease) { statement in
                try statement.bind(repository.path, at: 1)
                try statement.bind(digest.description, at: 2)
                try statement.bind(renewal, at: 3)
                guard try statement.step(), statement.integer(1) == 0 else { return nil }
                return statement.integer(0)
            }
        }
    }

    func content(_ digest: Digest, in repository: Repository, _ access: Access) throws -> ReceivedBlob? {
        try read(repository, access) {
            try connection.query(ReadQuery.blobContent) { statement in
                try statement.bind(repository.path, at: 1)
                try statement.bind(digest.description, at: 2)
                guard try statement.step() else { return nil }
                return ReceivedBlob(
                    record: BlobRecord(digest: digest, size: statement.integer(0)),
                    content: statement.isNull(1) ? nil : Array(statement.bytes(1)))
            }
        }
    }

    func tags(
        in repository: Repository, after: String, limit: Int, _ access: Access
    ) throws -> [String]? {
        // Two queries, that must see the same state.
        try connection.transaction {
            if !access.isUnlimited { try access.authorize(.pull, repository, facts: facts) }
            let id: Int64? = try connection.query(ReadQuery.repositoryID) { statement in
                try statement.bind(repository.path, at: 1)
                return try statement.step() ? statement.integer(0) : nil
            }
            guard let id else { return nil }
            return try connection.query(ReadQuery.tags) { statement in
                try statement.bind(id, at: 1)
                try statement.bind(after, at: 2)
                try statement.bind(Int64(limit), at: 3)
                var names: [String] = []
                while try statement.step() { names.append(statement.text(0)) }
                return names
            }
        }
    }

    func module(
        _ target: Reference.Target, in repository: Repository, _ access: Access
    ) throws -> (module: ModuleRecord, content: [UInt8]?)? {
        try read(repository, access) {
            try connection.query(ReadQuery.module(target)) { statement in
                try statement.bind(repository.path, at: 1)
                try statement.bind(target.description, at: 2)
                guard try statement.step() else { return nil }
                let module = ModuleRecord(
                    digest: try Digest(statement.text(0)), size: statement.integer(1),
                    blob: try Digest(statement.text(2)[...]))
                return (module, statement.isNull(3) ? nil : Array(statement.bytes(3)))
            }
        }
    }

    func holds(_ proof: LogInProof) throws -> Bool {
        try connection.query(AccessQuery.holdsLogIn) { statement in
            try statement.bind(proof.account.rawValue, at: 1)
            try statement.bind(proof.token?.description, at: 2)
            try statement.bind(Int64(time(nil)), at: 3)
            try statement.bind(proof.password, at: 4)
            return try statement.step() && statement.integer(0) != 0
        }
    }

    func close() { connection.close() }

    /// Runs one query after its authorization, both in one transaction; a query alone is one already.
    private func read<Result>(
        _ repository: Repository, _ access: Access, _ query: () throws -> Result
    ) throws -> Result {
        if access.isUnlimited { return try query() }
        return try connection.transaction {
            try access.authorize(.pull, repository, facts: facts)
            return try query()
        }
    }

    private var facts: ConnectionFacts { ConnectionFacts(connection: connection, now: Int64(time(nil))) }
}

/// What the transaction of a connection knows about rights.
private struct ConnectionFacts: AccessFacts {
    let connection: ReadConnection
    /// Seconds since 1970.
    let now: Int64

    func isActive(_ account: AccountID, token: TokenID?) throws -> Bool {
        try connection.query(AccessQuery.isActive) { statement in
            try statement.bind(account.rawValue, at: 1)
            try statement.bind(token?.description, at: 2)
            try statement.bind(now, at: 3)
            return try statement.step() && statement.integer(0) != 0
        }
    }

    func isAdmin(_ account: AccountID) throws -> Bool {
        try connection.query(AccessQuery.isAdmin) { statement in
            try statement.bind(account.rawValue, at: 1)
            return try statement.step() && statement.integer(0) != 0
        }
    }

    func role(of account: AccountID, in repository: Repository) throws -> Role? {
        try connection.query(AccessQuery.roleInRepository) { statement in
            try statement.bind(account.rawValue, at: 1)
            try statement.bind(repository.path, at: 2)
            try statement.bind(repository.namespace, at: 3)
            return try role(statement)
        }
    }

    func role(of account: AccountID, inOrganisation name: AccountName) throws -> Role? {
        try connection.query(AccessQuery.roleInOrganisation) { statement in
            try statement.bind(account.rawValue, at: 1)
            try statement.bind(name.description, at: 2)
            return try role(statement)
        }
    }

    private func role(_ statement: ReadConnection.Statement) throws -> Role? {
        guard try statement.step(), !statement.isNull(0) else { return nil }
        return Role(rawValue: Int(statement.integer(0)))
    }

    func isPublic(_ repository: Repository) throws -> Bool {
        try connection.query(AccessQuery.isPublic) { statement in
            try statement.bind(repository.path, at: 1)
            return try statement.step() && statement.integer(0) != 0
        }
    }
}
