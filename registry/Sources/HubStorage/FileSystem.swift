// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import Hub
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The few system calls that durable files are made of.
///
/// All of them block: they run on the thread pool.
enum FileSystem {
    /// Makes a folder's entries survive a crash of the machine.
    static func syncFolder(_ path: FilePath) throws { try perform { try Files.synchronizeDirectory(path) } }

    /// Makes a file's bytes survive a crash of the machine.
    static func sync(_ file: FileDescriptor, _ path: FilePath) throws {
        guard fsync(file.rawValue) == 0 else { throw failure("sync", path, errno) }
    }

    /// Bytes that this user could still write where a folder lies.
    static func freeSpace(_ path: FilePath) throws -> Int64 {
        var figures = statvfs()
        guard statvfs(path.string, &figures) == 0 else {
            throw failure("look at the file system of", path, errno)
        }
        let (bytes, isHuge) = UInt64(figures.f_bavail).multipliedReportingOverflow(
            by: UInt64(figures.f_frsize))
        return isHuge ? .max : Int64(clamping: bytes)
    }

    /// Makes a folder for the owner alone.
    /// - Returns: false if it is there already.
    static func makeFolder(_ path: FilePath) throws -> Bool {
        if mkdir(path.string, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw failure("create", path, errno) }
        return false
    }

    /// Makes an empty file for the owner alone, unless it is there.
    static func makePrivateFile(_ path: FilePath) throws {
        try perform("create", path) {
            try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite
            ).close()
        }
    }

    /// Moves a file to another name at once, and makes the move survive a crash of the machine.
    static func move(_ source: FilePath, to target: FilePath) throws {
        try perform { try Files.rename(source, to: target) }
    }

    /// Removes a file; it need not be there.
    static func remove(_ path: FilePath) throws { try perform { try Files.remove(path) } }

    /// Reads a file in blocks.
    static func read(_ path: FilePath, _ use: (UnsafeRawBufferPointer) -> Void) throws {
        let file = try perform("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
        defer { try? file.close() }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { block.deallocate() }
        while true {
            let count = try perform("read", path) { try file.read(into: block) }
            guard count > 0 else { return }
            use(UnsafeRawBufferPointer(rebasing: block.prefix(count)))
        }
    }

    /// Gives a file a second name, or copies it where that is not possible; false if it is not there.
    static func share(_ source: FilePath, as target: FilePath) throws -> Bool {
        if link(source.string, target.string) == 0 || errno == EEXIST { return true }
        if errno == ENOENT { return false }
        let partial = FilePath(target.string + ".partial")
        try remove(partial)
        let file = try perform("create", partial) {
            try FileDescriptor.open(
                partial, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: .ownerReadWrite)
        }
        defer { try? file.close() }
        var failure: (any Error)?
        try read(source) { bytes in
            do {
                if failure == nil { _ = try perform("write", partial) { try file.writeAll(bytes) } }
            } catch { failure = error }
        }
        if let failure { throw failure }
        try sync(file, partial)
        try move(partial, to: target)
        return true
    }

    /// Names of what is in a folder.
    static func contents(_ path: FilePath) throws -> [String] { try perform { try Files.contents(path) } }

    /// Bytes of an open file.
    static func size(_ file: FileDescriptor, _ path: FilePath) throws -> Int64 {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw failure("read", path, errno) }
        return Int64(status.st_size)
    }

    /// Has the system read a part of a file before it is asked for; a hint, whose failure does no harm.
    static func prefetch(_ file: FileDescriptor, at offset: Int64, count: Int) {
        #if os(Linux)
            _ = posix_fadvise(file.rawValue, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
        #endif
    }

    /// Takes the lock on a file for as long as it stays open; false if another process has it.
    static func lock(_ file: FileDescriptor, _ path: FilePath) throws -> Bool {
        if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw failure("lock", path, errno) }
        return false
    }

    /// Runs a call of SystemPackage and names what it failed on.
    static func perform<Result>(
        _ action: String, _ path: FilePath, _ call: () throws -> Result
    ) throws -> Result {
        do {
            return try call()
        } catch let error as Errno {
            throw failure(action, path, error.rawValue)
        }
    }

    /// Runs a call of `Files` and makes its error the hub's.
    private static func perform<Result>(_ call: () throws -> Result) throws -> Result {
        do {
            return try call()
        } catch let error as SystemError {
            throw failure(error)
        }
    }

    /// The error of the hub for an `errno`.
    static func failure(_ action: String, _ path: FilePath, _ errno: Int32) -> HubError {
        failure(SystemError(action, path.string, errno: errno))
    }

    /// The path is in the cause only: clients never see it.
    private static func failure(_ cause: SystemError) -> HubError {
        guard [ENOSPC, EDQUOT, EFBIG].contains(cause.errno) else {
            return HubError(.storageFailed, "the hub's storage failed", cause: cause, hint: cause.hint)
        }
        return .full(cause)
    }
}

extension HubError {
    static func full(_ cause: any Error) -> Self {
        HubError(
            .storageFull, "the hub has no space left for this", cause: cause,
            hint: "free space on the hub's disk, then push again")
    }
}
