// SPDX-License-Identifier: Apache-2.0

import OCI

/// The reads of a pull, for whichever connection makes them.
enum ReadQuery {
    /// The tables and the condition of a blob (2) that a repository (1) holds.
    private static let linkedBlob = """
        FROM repositories
        JOIN repository_blobs ON repository_blobs.repository_id = repositories.id
        JOIN blobs ON blobs.digest = repository_blobs.digest
        LEFT JOIN blob_contents ON blob_contents.digest = blobs.digest
        WHERE repositories.name = ?1 AND repository_blobs.digest = ?2
        """

    static let blobSize = "SELECT blobs.size \(linkedBlob)"
    /// Size, and bytes if they are few.
    static let blobContent = "SELECT blobs.size, bytes \(linkedBlob)"
    /// Size, and whether the lease of the link began before a time (3) and nothing else keeps the blob.
    static let blobLease = """
        SELECT blobs.size, linked_at < ?3 AND NOT EXISTS (
            SELECT 1 FROM manifest_references
            WHERE manifest_references.repository_id = repositories.id AND blob_digest = ?2) AS ageing
        \(linkedBlob)
        """

    /// Digest, media type and bytes of what a repository (1) has under a tag or digest (2).
    static func manifest(_ target: Reference.Target) -> String {
        switch target {
        case .tag: manifestByTag
        case .digest: manifestByDigest
        }
    }

    static let manifestByTag = """
        SELECT manifests.digest, media_type, bytes FROM repositories
        JOIN tags ON tags.repository_id = repositories.id AND tags.name = ?2
        JOIN manifests ON manifests.id = tags.manifest_id
        WHERE repositories.name = ?1
        """
    static let manifestByDigest = """
        SELECT manifests.digest, media_type, bytes FROM repositories
        JOIN manifests ON manifests.repository_id = repositories.id AND manifests.digest = ?2
        WHERE repositories.name = ?1
        """

    /// Digest, size and blob of the module of the image that a repository (1) has under a tag or digest (2), and its bytes
    /// if they are few.
    static func module(_ target: Reference.Target) -> String {
        switch target {
        case .tag: moduleByTag
        case .digest: moduleByDigest
        }
    }

    private static let moduleByTag = module(
        of: "JOIN tags ON tags.manifest_id = manifests.id AND tags.name = ?2")
    private static let moduleByDigest = module(of: "AND manifests.digest = ?2")

    private static func module(of manifest: String) -> String {
        """
        SELECT module_digest, module_size, module_blob, blob_contents.bytes
        FROM repositories JOIN manifests ON manifests.repository_id = repositories.id \(manifest)
        JOIN manifest_facts ON manifest_facts.manifest_id = manifests.id
        LEFT JOIN blob_contents ON blob_contents.digest = module_blob
        WHERE repositories.name = ?1 AND module_blob IS NOT NULL
        """
    }

    static let repositoryID = "SELECT id FROM repositories WHERE name = ?1"
    /// At most so many (3) tags of a repository's key (1) after a text (2).
    static let tags = "SELECT name FROM tags WHERE repository_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
}
