// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import HubStorage
import Logging
import SystemPackage

/// A registry over a data folder of this process.
enum OpenHub {
    static let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }

    static func open(
        _ path: FilePath, limits: Registry.Limits = Registry.Limits(), policy: AccessPolicy = .open,
        mirrors: Mirrors? = nil
    ) async throws -> (registry: Registry, metadata: MetadataDatabase) {
        let folder = try DataFolder(path)
        let metadata = try await MetadataDatabase(folder, policy: policy, now: now)
        let registry = Registry(
            metadata: metadata, blobs: FileBlobStore(folder), uploads: FileUploadStore(folder),
            limits: limits, mirrors: mirrors ?? Mirrors([], logger: Logger(label: "wasme-hub")), now: now)
        try await registry.recover()
        return (registry, metadata)
    }
}
