// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

extension RegistryClient {
    /// Removes a tag, or a manifest with all its tags (distribution-spec 1.1, "Content Management").
    package func delete(_ repository: Repository, _ target: Reference.Target) async throws {
        try await delete(
            repository, "manifests/\(target)", action: "delete manifest \"\(name(repository, target))\"")
    }

    /// Removes a blob from a repository.
    package func deleteBlob(_ repository: Repository, _ digest: Digest) async throws {
        try await delete(
            repository, "blobs/\(digest)", action: "delete blob \"\(name(repository))@\(digest)\"")
    }

    private func delete(_ repository: Repository, _ path: String, action: String) async throws {
        let call = Call(
            .delete, location(repository, path), scope: Scope(repository, [.pull, .delete]),
            action: action)
        do {
            _ = try await perform(call)
        } catch var error as RegistryError where error.status == 405 {
            error.hint = "this registry deletes nothing, or not by tag; ask who runs it"
            throw error
        }
    }
}
