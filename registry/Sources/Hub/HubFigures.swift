// SPDX-License-Identifier: Apache-2.0

package import OCI

/// How much a hub keeps.
package struct HubFigures: Hashable, Sendable {
    package var repositories: Int64 = 0
    package var manifests: Int64 = 0
    package var tags: Int64 = 0
    /// Blobs, each once however many repositories hold it, and their bytes.
    package var blobs: Int64 = 0
    package var blobBytes: Int64 = 0
    package var openUploads: Int64 = 0
    /// Bytes left on the disk.
    package var freeBytes: Int64 = 0

    package init() {}
}

/// What can be asked about a store as a whole.
package protocol FigureStore: Sendable {
    /// Counts everything; `freeBytes` stays 0.
    func count() async throws -> HubFigures
    /// Throws if the store does not answer.
    func checkAnswers() async throws
}

/// The disk underneath a store.
package protocol SpaceStore: Sendable {
    /// Bytes that could be written now.
    func freeSpace() throws -> Int64
    /// Throws if nothing can be written.
    func checkWritable() async throws
}

/// Counts made a moment ago: counting a large store takes long enough that no one who asks often may cause it each time.
actor FigureCache {
    private var last: (figures: HubFigures, until: ContinuousClock.Instant)?

    /// What a store holds; counting takes a twentieth of the time at most.
    func count(_ store: some FigureStore) async throws -> HubFigures {
        if let last, ContinuousClock.now < last.until { return last.figures }
        let start = ContinuousClock.now
        let figures = try await store.count()
        last = (figures, ContinuousClock.now + (ContinuousClock.now - start) * 20)
        return figures
    }
}

extension Registry {
    /// How much is kept.
    package func figures() async throws -> HubFigures {
        var figures = try await figureCache.count(metadata)
        figures.freeBytes = try uploads.freeSpace()
        return figures
    }

    /// What keeps the registry from its work, by the part that does; empty if nothing does.
    package func troubles() async -> [String: String] {
        var troubles: [String: String] = [:]
        do { try await metadata.checkAnswers() } catch { troubles["database"] = "it does not answer" }
        do {
            try await uploads.checkWritable()
        } catch {
            troubles["storage"] = "nothing can be written"
        }
        if let free = try? uploads.freeSpace(), free < limits.freeSpace {
            troubles["space"] = "\(free) bytes are left, less than the \(limits.freeSpace) to be kept free"
        }
        return troubles
    }

    /// Refuses bytes for which there is no room on the disk, or no quota in the repository, before they come.
    ///
    /// `count` bytes were announced after `offset` that are there; `digest` is what they will make, if that is known.
    package func checkRoom(
        for count: Int64, after offset: Int64 = 0, as digest: Digest? = nil, in repository: Repository
    ) async throws {
        guard count > 0 else { return }
        try checkSpace(for: count)
        let (end, isTooFar) = offset.addingReportingOverflow(count)
        try await metadata.checkQuota(for: isTooFar ? .max : end, as: digest, in: repository)
    }

    /// Refuses bytes that would leave less space on the disk than is to be kept free.
    func checkSpace(for count: Int64) throws {
        guard limits.freeSpace > 0, try uploads.freeSpace() - count < limits.freeSpace else { return }
        throw HubError.noSpace
    }
}

extension HubError {
    /// Too little space is left for what somebody wants to send.
    package static let noSpace = HubError(
        .storageFull, "the hub has not enough space left for this",
        hint: "ask whoever runs it to make room, and try again")
}
