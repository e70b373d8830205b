// SPDX-License-Identifier: Apache-2.0

private import GRDB
package import Hub
package import OCI

extension MetadataDatabase: CatalogStore {
    package func tags(in repository: Repository, after: String, limit: Int) async throws -> [String]? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            guard let id = try database.repositoryID(repository) else { return nil }
            return try database.cachedStatement(ReadQuery.tags, [id, after, limit]) {
                try String.fetchAll($0)
            }
        }
    }

    package func repositories(after: String, limit: Int) async throws -> [String] {
        let condition = ListingCondition(access)
        return try await read { [access] database in
            try database.authorizeCatalog(access)
            return try database.cachedStatement(
                """
                SELECT name FROM repositories WHERE name > ? AND \(condition.sql)
                AND EXISTS (SELECT 1 FROM manifests WHERE repository_id = repositories.id)
                ORDER BY name LIMIT ?
                """, [after] + condition.arguments + [limit]
            ) { try String.fetchAll($0) }
        }
    }

    package func taggedImages(
        in repository: Repository, before: TaggedImage.Position?, limit: Int
    ) async throws -> [TaggedImage] {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            guard let id = try database.repositoryID(repository) else { return [] }
            return try database.cachedStatement(
                """
                SELECT name, digest, media_type, total_size, updated_at, pushed_by FROM tags
                JOIN manifests ON manifests.id = tags.manifest_id
                WHERE tags.repository_id = ? AND (updated_at, name) < (?, ?)
                ORDER BY updated_at DESC, name DESC LIMIT ?
                """, [id, before?.updatedAt ?? .max, before?.tag ?? "", limit]
            ) { try Row.fetchAll($0) }.map { row in
                TaggedImage(
                    tag: row["name"], digest: try Digest(row["digest"] as String),
                    mediaType: MediaType(rawValue: row["media_type"]), size: row["total_size"],
                    updatedAt: row["updated_at"], pushedBy: row["pushed_by"])
            }
        }
    }
}
