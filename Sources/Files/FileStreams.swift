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

/// A new file that bytes are written to; it stays only if `finish` was called.
package final class FileSink: ByteSink {
    package let path: FilePath
    private let descriptor: FileDescriptor
    private var finished = false

    /// Creates the file; one that exists already is an error.
    package init(
        _ path: FilePath, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    ) throws {
        self.path = path
        descriptor = try attempt("create", path) {
            try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions
            )
        }
    }

    deinit {
        guard !finished else { return }
        try? descriptor.close()
        unlink(path.string)
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

    /// Brings the bytes to the disk and closes the file.
    package func finish() throws {
        guard fsync(descriptor.rawValue) == 0 else { throw SystemError("write", path.string, errno: errno) }
        finished = true
        do {
            try attempt("write", path) { try descriptor.close() }
        } catch {
            unlink(path.string)
            throw error
        }
    }
}

/// Runs a system call and says on which file it failed.
package func attempt<Value>(_ action: String, _ path: FilePath, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let errno as Errno {
        throw SystemError(action, path.string, errno: errno.rawValue)
    }
}
