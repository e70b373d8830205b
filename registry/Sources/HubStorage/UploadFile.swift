// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
private import Hub
import struct NIOCore.ByteBuffer
import OCI
private import Synchronization
import SystemPackage

/// The file of one upload and the hash of what it holds.
///
/// All calls block. Between requests the file is closed; the hash is kept, so that a blob is read again only after a restart.
/// The same bytes may be written and hashed at the same time.
final class UploadFile: Sendable {
    private let path: FilePath
    private let state: Mutex<State>
    private let hasher: Mutex<DigestHasher>

    private struct State {
        var file: FileDescriptor?
        var size: Int64 = 0
        /// Bytes that are on their way to the disk.
        var started: Int64 = 0
    }

    /// So many bytes are sent on their way together.
    private static let stretch: Int64 = 8 << 20

    init(_ path: FilePath, algorithm: Digest.Algorithm) {
        self.path = path
        state = Mutex(State())
        hasher = Mutex(DigestHasher(algorithm))
    }

    deinit { close() }

    /// Opens the file if there is one.
    /// - Returns: the bytes it holds.
    func open() throws -> Int64 {
        try state.withLock { state in
            guard state.file == nil else { return state.size }
            do {
                state.file = try openFile()
            } catch let error as HubError
                where (error.cause as? SystemError)?.errno == Errno.noSuchFileOrDirectory.rawValue
            {
                state.size = 0
                return 0
            }
            if let file = state.file { state.size = try FileSystem.size(file, path) }
            return state.size
        }
    }

    private func openFile(creating: Bool = false) throws -> FileDescriptor {
        try FileSystem.perform("open", path) {
            try FileDescriptor.open(
                path, .readWrite,
                options: creating ? [.create, .exclusiveCreate, .closeOnExec] : .closeOnExec,
                permissions: .ownerReadWrite)
        }
    }

    /// Closes the file.
    func close() {
        state.withLock { state in
            try? state.file?.close()
            state.file = nil
        }
    }

    /// Writes bytes to where the file ends.
    func write(_ parts: [ByteBuffer]) throws {
        try state.withLock { state in
            let file = try state.file ?? openFile(creating: true)
            state.file = file
            for part in parts {
                try part.withUnsafeReadableBytes { bytes in
                    _ = try FileSystem.perform("write", path) {
                        try file.writeAll(toAbsoluteOffset: state.size, bytes)
                    }
                    state.size += Int64(bytes.count)
                }
            }
            // Otherwise all of a large blob would wait until it is sealed, and its client with it.
            if state.size - state.started >= Self.stretch {
                startWriting(file, state.started..<state.size)
                state.started = state.size
            }
        }
    }

    /// Adds the bytes that begin at an offset to the hash; all before them are in the file.
    func hash(_ parts: [ByteBuffer], at offset: Int64) throws {
        try hasher.withLock { hasher in
            // What was written before a restart, or cut off, is not in the hash: read it first.
            if hasher.count != offset, let file = state.withLock(\.file) {
                try rehash(hasher, file, upTo: offset)
            }
            for part in parts { part.withUnsafeReadableBytes { hasher.update($0) } }
        }
    }

    /// Cuts the file off, to take back what a request added.
    func truncate(to size: Int64) throws {
        try state.withLock { state in
            guard let file = state.file else { return }
            try FileSystem.perform("truncate", path) { try file.resize(to: size) }
            state.size = size
            state.started = min(state.started, size)
        }
        // It may hold bytes that were never written, and as many may come in their place.
        hasher.withLock { if $0.count > size { $0.reset() } }
    }

    /// All bytes.
    func content() throws -> [UInt8] {
        try state.withLock { state in
            var bytes: [UInt8] = []
            if let file = state.file { try read(file, upTo: state.size) { bytes.append(contentsOf: $0) } }
            return bytes
        }
    }

    /// Makes the bytes survive a crash and says what they are.
    func seal(_ algorithm: Digest.Algorithm) throws -> Digest {
        let (file, size) = state.withLock { ($0.file, $0.size) }
        guard let file else { return Digest(of: [], algorithm: algorithm) }
        try FileSystem.sync(file, path)
        return try hasher.withLock { hasher in
            guard algorithm == hasher.algorithm else {
                let other = DigestHasher(algorithm)
                try rehash(other, file, upTo: size)
                return other.finalize()
            }
            if hasher.count != size { try rehash(hasher, file, upTo: size) }
            return hasher.finalize()
        }
    }

    private func rehash(_ hasher: DigestHasher, _ file: FileDescriptor, upTo size: Int64) throws {
        hasher.reset()
        try read(file, upTo: size) { hasher.update($0) }
    }

    private func read(
        _ file: FileDescriptor, upTo size: Int64, _ use: (UnsafeRawBufferPointer) -> Void
    ) throws {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { block.deallocate() }
        var offset: Int64 = 0
        while offset < size {
            // What comes behind may just be being written.
            let most = Int(min(Int64(block.count), size - offset))
            let count = try FileSystem.perform("read", path) {
                try file.read(
                    fromAbsoluteOffset: offset,
                    into: UnsafeMutableRawBufferPointer(rebasing: block.prefix(most)))
            }
            guard count > 0 else { return }
            use(UnsafeRawBufferPointer(rebasing: block.prefix(count)))
            offset += Int64(count)
        }
    }
}
