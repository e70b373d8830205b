// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import OCI
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A file as bytes to send.
package final class FileSource: ByteSource {
    private let descriptor: FileDescriptor
    private let path: FilePath
    package let length: Int64

    /// Opens a file for reading.
    package init(_ path: FilePath) throws {
        self.path = path
        let descriptor = try attempt("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
        do {
            length = try attempt("read", path) { try descriptor.seek(offset: 0, from: .end) }
            _ = try attempt("read", path) { try descriptor.seek(offset: 0, from: .start) }
        } catch {
            try? descriptor.close()
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try attempt("read", path) { try descriptor.read(into: buffer) }
    }

    package func seek(to offset: Int64) throws {
        _ = try attempt("read", path) { try descriptor.seek(offset: offset, from: .start) }
    }
}

/// A file that bytes are written to.
///
/// A new one stays only if `finish` was called; one that is continued stays whatever happens.
package final class FileSink: ByteSink {
    package let path: FilePath
    private let descriptor: FileDescriptor
    private let isKept: Bool
    private var finished = false

    /// Creates the file; one that exists already is an error.
    package init(
        _ path: FilePath, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    ) throws {
        self.path = path
        isKept = false
        descriptor = try attempt("create", path) {
            try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions
            )
        }
    }

    /// Opens a file that is there, to write on behind what it holds.
    package init(continuing path: FilePath) throws {
        self.path = path
        isKept = true
        descriptor = try attempt("open", path) {
            try FileDescriptor.open(path, .writeOnly, options: [.append, .closeOnExec])
        }
    }

    deinit {
        guard !finished else { return }
        try? descriptor.close()
        if !isKept { unlink(path.string) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        _ = try attempt("write", path) { try descriptor.writeAll(bytes) }
    }

    /// Drops what was written, so that a broken transfer can start over.
    package func reset() throws {
        _ = try attempt("write", path) { try descriptor.seek(offset: 0, from: .start) }
        guard ftruncate(descriptor.rawValue, 0) == 0 else {
            throw SystemError("write", path.string, errno: errno)
        }
    }

    /// Closes the file, after its bytes were brought to the disk; if not `durably`, that is left to
    /// `Files.synchronize`, which does it for several files at once.
    package func finish(durably: Bool = true) throws {
        if durably { try bringToDisk(descriptor, path) } else { startWriting(descriptor) }
        finished = true
        do {
            try attempt("write", path) { try descriptor.close() }
        } catch {
            if !isKept { unlink(path.string) }
            throw error
        }
    }
}

/// Brings a file's bytes, or a folder's names, to the disk.
func bringToDisk(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    // Some file systems have nothing to bring there for a folder.
    guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else {
        throw SystemError("write", path.string, errno: errno)
    }
}

/// Lets the system begin to write a file's bytes, or those of a range; whoever brings them to the disk later waits the less.
///
/// Without it each file would have to be waited for on its own: where bytes have no place on the disk yet, as the file
/// systems of Linux put it off, syncing one file does nothing for the others.
package func startWriting(_ descriptor: FileDescriptor, _ range: Range<Int64>? = nil) {
    // Linux alone has the call; 2 is SYNC_FILE_RANGE_WRITE, and no count stands for all (sync_file_range(2)).
    _ = syncFileRange?(descriptor.rawValue, range?.lowerBound ?? 0, Int64(range?.count ?? 0), 2)
}

private let syncFileRange = dlsym(nil, "sync_file_range").map {
    unsafeBitCast($0, to: (@convention(c) (CInt, Int64, Int64, CUnsignedInt) -> CInt).self)
}

/// Runs a system call and says on which file it failed.
package func attempt<Value>(_ action: String, _ path: FilePath, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let errno as Errno {
        throw SystemError(action, path.string, errno: errno.rawValue)
    }
}
