// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Remembers, from one run to the next, where the uploads of large blobs go on.
///
/// A journal is a convenience: without it, or with a wrong one, an upload starts over. Nothing about it is an error.
package protocol UploadJournal: Sendable {
    /// Takes the record of one upload; its holder has it alone until it lets go of it.
    /// - Parameters:
    ///   - blob: what is uploaded.
    ///   - repository: where it goes.
    ///   - host: the registry.
    /// - Returns: nil if somebody else is at it, or if nothing can be kept.
    func record(of blob: Digest, in repository: Repository, at host: RegistryHost) -> (any UploadRecord)?
}

/// What is remembered of one upload.
package protocol UploadRecord: AnyObject, Sendable {
    /// Where the upload goes on, if it was begun: a URL that lets anybody write there.
    var location: String? { get }
    /// Remembers where it goes on.
    func keep(_ location: String)
    /// There is nothing to go on with: it is done, or it cannot be.
    func forget()
}
