// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What happens during a transfer, for whoever shows it.
package enum TransferEvent: Sendable {
    /// The blobs that belong to the image.
    case planned([Descriptor])
    /// The other side has this blob already.
    case present(Descriptor)
    /// The other side took this blob over from another of its repositories: nothing was sent.
    case mounted(Descriptor, from: Repository)
    /// This many bytes of a blob are across from an earlier run; the rest follows.
    case resumed(Descriptor, at: Int64)
    /// How many bytes of a blob are across; less than before when it had to start over.
    case moved(Descriptor, Int64)
    /// The blob is across and is what its digest says.
    case finished(Descriptor)
}
