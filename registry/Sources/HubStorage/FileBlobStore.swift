// SPDX-License-Identifier: Apache-2.0

package import Hub
private import struct NIOCore.ByteBuffer
private import struct NIOCore.ByteBufferAllocator
private import class NIOCore.NIOFileHandle
package import OCI
private import Synchronization
private import SystemPackage

/// Finished blobs as files named by their digest.
package struct FileBlobStore: BlobStore {
    private let folder: DataFolder

    package init(_ folder: DataFolder) { self.folder = folder }

    package func open(_ digest: Digest) async throws -> any BlobReader {
        try await folder.blocking { [folder] in try FileBlobReader(folder, folder.layout.blob(digest)) }
    }

    package func remove(_ digest: Digest) async throws {
        try await folder.blocking { [folder] in try FileSystem.remove(folder.layout.blob(digest)) }
    }

    package func digests() -> AsyncThrowingStream<[Digest], any Error> {
        let folders = folder.layout.blobFolders
        let next = Mutex(folders.startIndex)
        return AsyncThrowingStream { [folder] in
            let position = next.withLock { position in
                defer { position += 1 }
                return position
            }
            guard position < folders.endIndex else { return nil }
            let (algorithm, path) = folders[position]
            return try await folder.blocking {
                try FileSystem.contents(path).compactMap { try? Digest(algorithm: algorithm, hex: $0) }
            }
        }
    }
}

/// An open blob.
///
/// The file stays readable for this reader even if it is removed meanwhile.
private final class FileBlobReader: BlobReader {
    let size: Int64
    private let folder: DataFolder
    private let path: FilePath
    private let file: FileDescriptor

    init(_ folder: DataFolder, _ path: FilePath) throws {
        self.folder = folder
        self.path = path
        file = try FileSystem.perform("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
        do {
            size = try FileSystem.size(file, path)
        } catch {
            try? file.close()
            throw error
        }
    }

    deinit { try? file.close() }

    func read(at offset: Int64, count: Int) async throws -> ByteBuffer {
        try await folder.blocking { [self] in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            _ = try FileSystem.perform("read", path) {
                try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
                    let target = UnsafeMutableRawBufferPointer(rebasing: space.prefix(count))
                    return try file.read(fromAbsoluteOffset: offset, into: target)
                }
            }
            return buffer
        }
    }

    func handle() throws -> NIOFileHandle? {
        let copy = try FileSystem.perform("open", path) { try file.duplicate() }
        return NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: copy.rawValue)
    }

    func prefetch(at offset: Int64, count: Int) {
        guard count > 0 else { return }
        folder.background { [self] in FileSystem.prefetch(file, at: offset, count: count) }
    }
}
