// SPDX-License-Identifier: Apache-2.0

package import OCI

/// The reads of a pull, on the caller's thread and without waiting for anybody: for an event loop, where handing a
/// short query to another thread costs more than the query.
///
/// Each one is a transaction that begins with `Access.authorize`, as in `MetadataStore`. Nil, and any error, means no
/// more than "not like this": whoever asked then asks the `MetadataStore`, which finds out what is wrong and says it.
/// One thread at a time uses an instance.
package protocol ImmediateReads: AnyObject {
    /// The manifest that a tag or digest names.
    func manifest(
        _ target: Reference.Target, in repository: Repository, _ access: Access
    ) throws -> StoredManifest?
    /// The size of a blob that the repository holds; nil also if its lease must be renewed first, having begun before
    /// `renewal`.
    func blobSize(
        _ digest: Digest, in repository: Repository, renewal: Int64, _ access: Access
    ) throws -> Int64?
    /// A blob that the repository holds, with its bytes if they are few.
    func content(_ digest: Digest, in repository: Repository, _ access: Access) throws -> ReceivedBlob?
    /// Names of tags after a text.
    func tags(in repository: Repository, after: String, limit: Int, _ access: Access) throws -> [String]?
    /// The module of the image that a tag or digest names, with its bytes if they are few.
    func module(
        _ target: Reference.Target, in repository: Repository, _ access: Access
    ) throws -> (module: ModuleRecord, content: [UInt8]?)?
    /// Whether what a log-in was checked against is still so: the account in use with that password, the token valid.
    func holds(_ proof: LogInProof) throws -> Bool
    /// Lets go of the store; nothing can be read afterwards.
    func close()
}

/// Makes immediate reads possible.
package protocol ImmediateStore: Sendable {
    /// Reads for one thread, to be closed before the store is.
    func immediateReads() throws -> any ImmediateReads
}
