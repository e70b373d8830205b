// SPDX-License-Identifier: Apache-2.0

import Diagnostics
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
    static func syncFolder(_ path: FilePath) throws {
        let folder = try perform("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .directory)
        }
        defer { try? folder.close() }
        try sync(folder, path)
    }

    /// Makes a file's bytes survive a crash of the machine.
    static func sync(_ file: FileDescriptor, _ path: FilePath) throws {
        guard fsync(file.rawValue) == 0 else { throw failure("sync", path, errno) }
    }

    /// Makes a folder for the owner alone.
    /// - Returns: false if it is there already.
    static func makeFolder(_ path: FilePath) throws -> Bool {
        if mkdir(path.string, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw failure("create", path, errno) }
        return false
    }

    /// Moves a file to another name at once.
    static func move(_ source: FilePath, to target: FilePath) throws {
        guard rename(source.string, target.string) == 0 else { throw failure("rename", source, errno) }
    }

    /// Removes a file; it need not be there.
    static func remove(_ path: FilePath) throws {
        guard unlink(path.string) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
    }

    /// Bytes of an open file.
    static func size(_ file: FileDescriptor, _ path: FilePath) throws -> Int64 {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw failure("read", path, errno) }
        return Int64(status.st_size)
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

    /// Turns an `errno` into the error of the hub.
    ///
    /// The path is in the cause only: clients never see it.
    static func failure(_ action: String, _ path: FilePath, _ errno: Int32) -> HubError {
        let cause = SystemError(action, path.string, errno: errno)
        guard [ENOSPC, EDQUOT, EFBIG].contains(errno) else {
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
