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
    /// How much there is of everything at this moment; `freeBytes` stays 0.
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

extension Registry {
    /// How much is kept.
    package func figures() async throws -> HubFigures {
        var figures = try await metadata.count()
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
