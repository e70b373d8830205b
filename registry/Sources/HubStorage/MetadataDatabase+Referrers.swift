// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import GRDB
package import Hub
package import OCI

extension MetadataDatabase {
    package func referrers(
        to subject: Digest, artifactType: MediaType?, in repository: Repository, after: Int64, limit: Int
    ) async throws -> ReferrerPage {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            let statement = try database.cachedStatement(
                sql: """
                    SELECT id, digest, media_type, artifact_type, annotations, length(bytes) AS size FROM manifests
                    WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND subject = ?2
                    AND (?3 IS NULL OR artifact_type = ?3) AND id > ?4 ORDER BY id
                    """)
            try statement.setArguments([
                repository.path, subject.description, artifactType?.rawValue, after,
            ])
            var page = ReferrerPage()
            var size = 0
            var last: Int64 = 0
            let rows = try Row.fetchCursor(statement)
            while let row = try rows.next() {
                let annotations: String = row["annotations"]
                size += annotations.utf8.count
                // One answer is one index, which may be no larger than a manifest.
                if page.referrers.count == limit || (size > ManifestDocument.maximumSize / 2 && last > 0) {
                    page.next = last
                    break
                }
                last = row["id"]
                page.referrers.append(try Descriptor(referrer: row, annotations: annotations))
            }
            return page
        }
    }
}

extension Descriptor {
    fileprivate init(referrer row: Row, annotations text: String) throws {
        let annotations = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        self.init(
            mediaType: MediaType(rawValue: row["media_type"]), digest: try Digest(row["digest"] as String),
            size: row["size"], artifactType: (row["artifact_type"] as String?).map(MediaType.init(rawValue:)),
            annotations: annotations.isEmpty ? nil : annotations)
    }
}
