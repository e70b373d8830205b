// SPDX-License-Identifier: Apache-2.0

package import OCI
package import OCIRegistry

/// The blobs of a repository of a registry.
package struct RegistryBlobs: BlobAccess {
    let client: RegistryClient
    let repository: Repository

    package init(_ client: RegistryClient, _ repository: Repository) {
        self.client = client
        self.repository = repository
    }

    package var isRemote: Bool { true }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try await client.manifest(repository, .digest(descriptor.digest))
    }

    package func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        try await client.blob(repository, blob, into: sink, after: beginning)
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? {
        try await client.part(repository, blob, range)
    }

    package func referrers(of digest: Digest) async throws -> [Descriptor] {
        try await client.referrers(repository, digest)
    }
}
