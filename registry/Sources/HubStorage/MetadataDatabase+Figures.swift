// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub

extension MetadataDatabase: FigureStore {
    package func count() async throws -> HubFigures {
        try await read { database in
            func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
            var figures = HubFigures()
            figures.repositories = try number("SELECT count(*) FROM repositories")
            figures.manifests = try number("SELECT count(*) FROM manifests")
            figures.tags = try number("SELECT count(*) FROM tags")
            figures.blobs = try number("SELECT count(*) FROM blobs")
            figures.blobBytes = try number("SELECT coalesce(sum(size), 0) FROM blobs")
            figures.openUploads = try number("SELECT count FROM open_uploads")
            return figures
        }
    }

    package func checkAnswers() async throws {
        try await read { _ = try Int.fetchOne($0, sql: "SELECT count FROM open_uploads") }
    }
}
