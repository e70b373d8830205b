// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import Hub
import struct NIOCore.ByteBuffer
import struct NIOCore.ByteBufferAllocator
import OCI
private import Synchronization
import SystemPackage

/// A file that grows at its end and is read at the same time.
///
/// It stays open, so that it can be read on when it was made a blob, or removed.
final class PartialFile: PartialBlob {
    private let folder: DataFolder
    private let path: FilePath
    private let file: FileDescriptor
    private let size: Mutex<Int64>

    /// Opens the file, or makes it.
    init(_ folder: DataFolder, _ path: FilePath) throws {
        self.folder = folder
        self.path = path
        file = try FileSystem.perform("open", path) {
            try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        }
        do {
            size = Mutex(try FileSystem.size(file, path))
        } catch {
            try? file.close()
            throw error
        }
    }

    deinit { try? file.close() }

    var count: Int64 { size.withLock(\.self) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        let end = count
        _ = try FileSystem.perform("write", path) { try file.writeAll(toAbsoluteOffset: end, bytes) }
        size.withLock { $0 = end + Int64(bytes.count) }
    }

    func source() throws -> any ByteSource { Source(self) }

    func read(at offset: Int64, count: Int) async throws -> ByteBuffer {
        try await folder.blocking { [self] in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            _ = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
                try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: space.prefix(count)))
            }
            return buffer
        }
    }

    private func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try FileSystem.perform("read", path) { try file.read(fromAbsoluteOffset: offset, into: buffer) }
    }

    /// What the file held when it was made.
    private final class Source: ByteSource {
        private let file: PartialFile
        private var position: Int64 = 0
        let length: Int64

        init(_ file: PartialFile) {
            self.file = file
            length = file.count
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            let count = min(Int64(buffer.count), length - position)
            guard count > 0 else { return 0 }
            let read = try file.read(
                at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(count))))
            position += Int64(read)
            return read
        }

        func seek(to offset: Int64) throws { position = max(0, min(offset, length)) }
    }
}

extension FileUploadStore {
    package func openPartial(_ session: UploadSession) async throws -> any PartialBlob {
        try await folder.blocking { [folder] in try PartialFile(folder, folder.layout.upload(session.id)) }
    }
}
