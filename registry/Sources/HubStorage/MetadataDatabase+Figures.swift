// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub

extension MetadataDatabase: FigureStore {
    package func count() async throws -> HubFigures {
        try await read { database in
            let row = try database.cachedStatement(
                "SELECT figures.*, open_uploads.count AS open_uploads FROM figures, open_uploads", []
            ) { try Row.fetchOne($0) }
            guard let row else { throw DatabaseError(message: "the database has no figures") }
            var figures = HubFigures()
            figures.repositories = row["repositories"]
            figures.manifests = row["manifests"]
            figures.tags = row["tags"]
            figures.blobs = row["blobs"]
            figures.blobBytes = row["blob_bytes"]
            figures.openUploads = row["open_uploads"]
            return figures
        }
    }

    package func checkAnswers() async throws {
        try await read { _ = try Int.fetchOne($0, sql: "SELECT count FROM open_uploads") }
    }
}
