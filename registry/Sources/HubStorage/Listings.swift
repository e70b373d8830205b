// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub

/// Keeps what searches read as true as what it is made of.
extension Database {
    /// Makes the listings anew of whatever this transaction changed; the last thing that it does.
    func refreshListings() throws {
        let stale = try cachedStatement("SELECT repository_id FROM stale_listings", []) {
            try Int64.fetchAll($0)
        }
        guard !stale.isEmpty else { return }
        for repository in stale { try refreshListing(of: repository) }
        try change("DELETE FROM stale_listings", [])
    }

    /// Forgets all that is derived here, so that the end of the transaction makes it anew.
    func forgetListings() throws {
        try change("DELETE FROM listings", [])
        try change("DELETE FROM facet_values", [])
        try change(
            "INSERT INTO stale_listings SELECT id FROM repositories WHERE true ON CONFLICT DO NOTHING", [])
    }

    /// Bytes of annotations and of a README, about, that are looked through.
    private static let head = """
        substr((SELECT group_concat(value, ' ') FROM json_each(manifests.annotations)), 1, 16384)
        """
    private static let readme = "substr(json_extract(document, '$.readme.text'), 1, 65536)"

    /// Tags that tools make to say something about another manifest are no versions: signatures of cosign, and lists of
    /// referrers (distribution-spec 1.1, "Referrers Tag Schema").
    static let isVersion = "NOT (tags.name GLOB 'sha256-*' AND length(tags.name) >= 71)"

    private func refreshListing(of repository: Int64) throws {
        let row = try cachedStatement(
            """
            SELECT repositories.name, namespace, is_public, tags.name AS tag, tags.updated_at, digest,
                tags.manifest_id, manifest_facts.kind, abi, language, \(Self.head) AS head, \(Self.readme) AS readme
            FROM repositories
            JOIN tags ON tags.repository_id = repositories.id AND tags.name = (
                SELECT name FROM tags WHERE repository_id = repositories.id AND \(Self.isVersion)
                ORDER BY updated_at DESC, name DESC LIMIT 1)
            JOIN manifests ON manifests.id = tags.manifest_id
            LEFT JOIN manifest_facts ON manifest_facts.manifest_id = manifests.id
            WHERE repositories.id = ?
            """, [repository]
        ) { try Row.fetchOne($0) }
        guard let row else { return try change("DELETE FROM listings WHERE repository_id = ?", [repository]) }
        let name: String = row["name"]
        // What was not read yet says the same as the version before it until it is.
        let isRead = (row["kind"] as String?) != nil
        var facets = try isRead ? facets(of: row) : keptFacets(of: repository)
        if name.contains("/") { facets.append(try facetID(.organisation, row["namespace"])) }
        if try isSigned(row["digest"], in: repository) { facets.append(try facetID(.signed, "true")) }
        try change(
            """
            INSERT INTO listings (name, namespace, is_public, repository_id, pulls, tag, updated_at, facets)
            VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(sum(count), 0) FROM pulls WHERE repository_id = ?4), ?5, ?6, ?7)
            ON CONFLICT (repository_id) DO UPDATE SET tag = excluded.tag, updated_at = excluded.updated_at,
                facets = excluded.facets
            """,
            [
                name, row["namespace"] as String, row["is_public"] as Bool, repository, row["tag"] as String,
                row["updated_at"] as Int64, FacetList(facets).data,
            ])
        try refreshTexts(
            of: repository, name, head: row["head"] ?? "", readme: isRead ? row["readme"] ?? "" : nil)
    }

    /// Writes words only where they are others: that is the dear part.
    private func refreshTexts(of repository: Int64, _ name: String, head: String, readme: String?) throws {
        let known = try cachedStatement(
            "SELECT head, readme FROM listing_texts WHERE rowid = ?", [repository]
        ) { try Row.fetchOne($0) }
        guard let known else {
            try change("UPDATE listing_words SET version = version + 1", [])
            return try change(
                "INSERT INTO listing_texts (rowid, name, head, readme) VALUES (?, ?, ?, ?)",
                [repository, name, head, readme ?? ""])
        }
        let oldReadme: String = known["readme"]
        if (known["head"] as String) == head, readme == nil || readme == oldReadme { return }
        try change("UPDATE listing_words SET version = version + 1", [])
        try change(
            "UPDATE listing_texts SET head = ?, readme = ? WHERE rowid = ?",
            [head, readme ?? oldReadme, repository])
    }

    // MARK: - Facets

    private func facets(of row: Row) throws -> [Int64] {
        guard (row["kind"] as String) == ManifestFacts.Kind.filter.rawValue else { return [] }
        var facets: [Int64] = []
        for version in ((row["abi"] as String?) ?? "").split(separator: ",") {
            facets.append(try facetID(.abi, String(version)))
        }
        if let language = Self.languageFacet(row["language"]) {
            facets.append(try facetID(.language, language))
        }
        let manifest: Int64 = row["manifest_id"]
        let hosts = """
            SELECT json_extract(value, '$.host') AS value, max(json_extract(value, '$.title')) AS label
            FROM manifest_facts, json_each(document, '$.hosts')
            WHERE manifest_id = ? AND json_extract(value, '$.isTaken') GROUP BY 1
            """
        let capabilities = """
            SELECT json_extract(value, '$.capability') AS value, json_extract(value, '$.words') AS label
            FROM manifest_facts, json_each(document, '$.module.capabilities') WHERE manifest_id = ?
            """
        for (facet, query) in [(Facet.host, hosts), (.capability, capabilities)] {
            for found in try cachedStatement(query, [manifest], { try Row.fetchAll($0) }) {
                guard let value = found["value"] as String? else { continue }
                facets.append(try facetID(facet, value, label: found["label"]))
            }
        }
        return facets
    }

    private func keptFacets(of repository: Int64) throws -> [Int64] {
        let data = try cachedStatement("SELECT facets FROM listings WHERE repository_id = ?", [repository]) {
            try Data.fetchOne($0)
        }
        let derived = [Facet.organisation.number, Facet.signed.number]
        return FacetList(data ?? Data()).ids.filter { !derived.contains(Int($0 & 7)) }
    }

    /// A language as one of few: it is what an image says, and not every image's own.
    private static func languageFacet(_ text: String?) -> String? {
        guard let text = text?.lowercased(), (1...30).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) || $0 == 0x20 })
        else { return nil }
        return text
    }

    /// The key of a value, which is made if it is not known.
    private func facetID(_ facet: Facet, _ value: String, label: String? = nil) throws -> Int64 {
        let known = try cachedStatement(
            "SELECT id, label FROM facet_values WHERE id & 7 = ? AND value = ?", [facet.number, value]
        ) { try Row.fetchOne($0) }
        if let known {
            if let label, label != (known["label"] as String) {
                try change("UPDATE facet_values SET label = ? WHERE id = ?", [label, known["id"] as Int64])
            }
            return known["id"]
        }
        try change(
            """
            INSERT INTO facet_values (id, value, label)
            SELECT ((coalesce(max(id), 0) >> 3) + 1) * 8 + ?, ?, ? FROM facet_values
            """, [facet.number, value, label ?? value])
        return lastInsertedRowID
    }

    /// Whether somebody signed a manifest: by a referrer, or by the tag that cosign made before there were any.
    private func isSigned(_ digest: String, in repository: Int64) throws -> Bool {
        try cachedStatement(
            """
            SELECT EXISTS (
                SELECT 1 FROM manifests WHERE repository_id = ?1 AND subject = ?2 AND (artifact_type IN (
                    'application/vnd.cncf.notary.signature', 'application/vnd.dev.cosign.artifact.sig.v1+json',
                    'application/vnd.dev.cosign.simplesigning.v1+json')
                    OR artifact_type GLOB 'application/vnd.dev.sigstore.bundle*')
            ) OR EXISTS (
                SELECT 1 FROM tags WHERE repository_id = ?1 AND name = replace(?2, ':', '-') || '.sig')
            """, [repository, digest]
        ) { try Bool.fetchOne($0) ?? false }
    }
}

/// Keys of values of facets, as a row of `listings` keeps them.
struct FacetList {
    let ids: [Int64]

    init(_ ids: [Int64]) { self.ids = Array(Set(ids)).sorted() }

    init(_ data: Data) {
        ids = data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { index in
                Int64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
            }
        }
    }

    var data: Data {
        var data = Data(capacity: ids.count * 4)
        for id in ids {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: id).littleEndian) { data.append(contentsOf: $0) }
        }
        return data
    }
}
