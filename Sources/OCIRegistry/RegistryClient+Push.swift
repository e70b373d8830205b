// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What a push of a blob came to.
package enum BlobPush: Hashable, Sendable {
    case uploaded
    /// The repository had it: nothing was sent.
    case alreadyThere
    /// The registry took it over from another of its repositories: nothing was sent. The repository may have had it.
    case mounted(from: Repository)
}

extension RegistryClient {
    /// Brings a blob into a repository (distribution-spec 1.1, "Pushing blobs").
    ///
    /// What is there is not sent again, unless it is so small that asking costs as much as sending. A small blob goes in
    /// one piece. A large one goes in chunks and is taken up, after a break, where the registry says it has got to;
    /// with a journal, in a later run too. A registry, or a proxy before it, that does not take it in one way gets it in
    /// the other.
    /// - Parameters:
    ///   - descriptor: what it is.
    ///   - body: its bytes; opened for each attempt.
    ///   - repository: where it goes.
    ///   - sources: other repositories of this registry that may have it, the likeliest first.
    ///   - journal: remembers the uploads of large blobs from run to run.
    ///   - resumed: told how many bytes the registry has already when an upload of an earlier run goes on.
    /// - Returns: how it got there.
    /// - Throws: `RegistryError`, or what the body's source threw.
    @discardableResult
    package func push(
        _ descriptor: Descriptor, _ body: HTTPBody, to repository: Repository,
        mountFrom sources: [Repository] = [], journal: (any UploadJournal)? = nil,
        resumed: @escaping @Sendable (_ position: Int64) -> Void = { _ in }
    ) async throws -> BlobPush {
        let action = "push blob \"\(name(repository))@\(descriptor.digest)\""
        guard body.length == descriptor.size else {
            throw RegistryError.mismatch(
                action,
                body.length < descriptor.size
                    ? .tooShort(expected: descriptor.size, actual: body.length)
                    : .tooLong(limit: descriptor.size))
        }
        let upload = BlobUpload(
            client: self, descriptor: descriptor, body: body, repository: repository, action: action)
        return try await upload.run(mountFrom: sources, journal, resumed)
    }
}
