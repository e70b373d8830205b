// SPDX-License-Identifier: Apache-2.0

import OCI

extension Registry {
    /// What a collection removed.
    package struct Collected: Hashable, Sendable, Encodable {
        /// Uploads that were left.
        package var uploads = 0
        /// Tags and manifests that a policy gave up.
        package var tags = 0
        package var manifests = 0
        /// Blobs that a repository held and no manifest of it needed.
        package var links = 0
        /// Blobs that no repository held.
        package var blobs = 0
        package var bytes: Int64 = 0
        /// Files that nothing knew of, as a crash leaves them.
        package var strays = 0

        package init() {}
    }

    /// Removes what nobody needs, beside pushes, mounts and deletes.
    ///
    /// What is needed is decided in the transaction that removes it: a manifest names its blobs by foreign keys, and
    /// what was pushed or asked for a moment ago is leased. `isDeep` also looks for files that nothing knows of.
    @discardableResult
    package func collect(isDeep: Bool = false) async throws -> Collected {
        let number = collections.begin(at: now())
        do {
            let collected = try await collect(isDeep, number)
            collections.end(number, at: now(), collected)
            return collected
        } catch {
            collections.end(number, at: now(), nil)
            throw error
        }
    }

    private func collect(_ isDeep: Bool, _ number: Int) async throws -> Collected {
        let registry = acting(for: .host)
        var collected = Collected()
        try await registry.collectUploads(&collected)
        collections.note(number, .tags, collected)
        let retired = try await registry.metadata.retire(now: now())
        collected.tags = retired.tags
        collected.manifests = retired.manifests + (try await registry.retireMirrored())
        collections.note(number, .links, collected)
        collected.links = try await registry.metadata.unlinkUnused(before: now() - limits.blobLease)
        collections.note(number, .blobs, collected)
        try await registry.collectBlobs(&collected)
        if isDeep {
            collections.note(number, .strays, collected)
            try await registry.collectStrays(&collected)
        }
        return collected
    }

    private func collectUploads(_ collected: inout Collected) async throws {
        var left: [UploadID] = []
        for session in try await metadata.uploads(before: now() - limits.uploadLifetime) {
            do {
                try await uploads.discard(session)
            } catch let error as HubError where error.code == .uploadBusy {
                // Somebody is still at it, after all that time: the next collection will see.
                continue
            }
            left.append(session.id)
        }
        if !left.isEmpty { collected.uploads = try await metadata.endUploads(left) }
    }

    private func collectBlobs(_ collected: inout Collected) async throws {
        var last: Digest?
        while true {
            let batch = try await metadata.unusedBlobs(after: last, limit: 200)
            guard !batch.isEmpty else { return }
            last = batch.last
            let removed = try await gate.removing(batch) { batch in
                let forgotten = try await metadata.forgetBlobs(batch)
                // Only now, that the transaction is on the disk: a name without bytes would be worse than bytes without a name.
                for blob in forgotten { try await blobs.remove(blob.digest) }
                return forgotten
            }
            collected.blobs += removed.count
            collected.bytes += removed.reduce(0) { $0 + $1.size }
        }
    }

    private func collectStrays(_ collected: inout Collected) async throws {
        for try await batch in blobs.digests() {
            let unknown = try await metadata.unknownBlobs(batch)
            guard !unknown.isEmpty else { continue }
            collected.strays += try await removeStrays(unknown)
        }
    }

    /// Removes those of some blobs that are in their places and that nothing knows of, unless somebody stores them at
    /// this moment.
    /// - Returns: how many.
    @discardableResult
    func removeStrays(_ digests: [Digest]) async throws -> Int {
        try await gate.removing(digests) { batch in
            // Asked now that no push can come between.
            let strays = try await metadata.unknownBlobs(batch)
            for digest in strays { try await blobs.remove(digest) }
            return strays.count
        }
    }
}
