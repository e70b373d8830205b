// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import GRDB
package import Hub
import OCI

extension MetadataDatabase: SearchStore {
    /// Where a word may stand; letters of ASCII are the same in both cases, as SQLite's LIKE has it.
    private static let texts =
        ["repositories.name"]
        + ["title", "description", "version"].map {
            "json_extract(annotations, '$.\"org.opencontainers.image.\($0)\"')"
        }

    package func search(
        _ query: SearchQuery, after: String, limit: Int
    ) async throws -> [FoundRepository] {
        let condition = ListingCondition(access)
        let hasWord = "(\(Self.texts.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ")))"
        let conditions = ["repositories.name > ?", condition.sql] + query.words.map { _ in hasWord }
        let patterns = query.words.flatMap { word in Self.texts.map { _ in "%\(Self.escaped(word))%" } }
        let arguments =
            [after] + condition.arguments + StatementArguments(patterns) + [limit]
        return try await read { [access] database in
            try database.authorizeCatalog(access)
            return try database.cachedStatement(
                """
                SELECT repositories.name AS repository, tags.name, digest, media_type, total_size, updated_at,
                    annotations, manifest_facts.kind AS kind, abi, language, licence
                FROM repositories
                JOIN tags ON tags.repository_id = repositories.id AND tags.name = (
                    SELECT name FROM tags WHERE repository_id = repositories.id
                    ORDER BY updated_at DESC, name DESC LIMIT 1)
                JOIN manifests ON manifests.id = tags.manifest_id
                LEFT JOIN manifest_facts ON manifest_facts.manifest_id = manifests.id
                WHERE \(conditions.joined(separator: " AND "))
                ORDER BY repositories.name LIMIT ?
                """, arguments
            ) { try Row.fetchAll($0) }.map { row in
                FoundRepository(
                    repository: try Repository(row["repository"] as String),
                    image: TaggedImage(
                        tag: row["name"], digest: try Digest(row["digest"] as String),
                        mediaType: MediaType(rawValue: row["media_type"]), size: row["total_size"],
                        updatedAt: row["updated_at"]),
                    annotations: try JSONDecoder().decode(
                        [String: String].self, from: Data((row["annotations"] as String).utf8)),
                    filter: (row["kind"] as String?) == ManifestFacts.Kind.filter.rawValue
                        ? FilterSummary(row) : nil)
            }
        }
    }

    /// A word in which nothing stands for anything but itself.
    private static func escaped(_ word: String) -> String {
        var escaped = ""
        for character in word.unicodeScalars {
            if "%_\\".unicodeScalars.contains(character) { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(character)
        }
        return escaped
    }
}
