// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// File operations that survive a crash: what is there is whole, and what was reported is there.
package enum Files {
    /// What a path leads to.
    package enum Kind: Sendable {
        case file
        case directory
        case other
    }

    /// What is at a path, following links; nil for nothing.
    package static func kind(_ path: FilePath) -> Kind? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    /// Reads a whole file that is expected to be small.
    /// - Parameters:
    ///   - path: the file.
    ///   - limit: the most bytes to accept.
    /// - Returns: its bytes.
    /// - Throws: `SystemError`; a longer file is `EFBIG`.
    package static func read(_ path: FilePath, limit: Int = 64 << 20) throws -> [UInt8] {
        // No seek: a pipe, a terminal and a file of /proc have no length beforehand.
        let file = try attempt("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try attempt("read", path) { try file.read(into: chunk) }
            guard count > 0 else { return bytes }
            guard count <= limit - bytes.count else { throw SystemError("read", path.string, errno: EFBIG) }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        }
    }

    /// Writes a file whole or not at all: beside it, to the disk, then over it.
    package static func replace(_ path: FilePath, with bytes: some Collection<UInt8>) throws {
        let temporary = path.removingLastComponent().appending(
            ".\(path.lastComponent?.string ?? "")-\(randomName())")
        let sink = try FileSink(temporary)
        try Array(bytes).withUnsafeBytes { try sink.write($0) }
        try sink.finish()
        do {
            try rename(temporary, to: path)
        } catch {
            unlink(temporary.string)
            throw error
        }
    }

    /// Moves a file, replacing what was there, and brings the move to the disk.
    package static func rename(_ source: FilePath, to destination: FilePath) throws {
        guard Self.posixRename(source, destination) == 0 else {
            throw SystemError("write", destination.string, errno: errno)
        }
        try synchronizeDirectory(destination.removingLastComponent())
    }

    private static func posixRename(_ source: FilePath, _ destination: FilePath) -> Int32 {
        #if canImport(Glibc)
            Glibc.rename(source.string, destination.string)
        #elseif canImport(Musl)
            Musl.rename(source.string, destination.string)
        #else
            Darwin.rename(source.string, destination.string)
        #endif
    }

    /// Brings the names in a folder to the disk.
    package static func synchronizeDirectory(_ path: FilePath) throws {
        let folder = path.isEmpty ? FilePath(".") : path
        let descriptor = try attempt("open", folder) {
            try FileDescriptor.open(folder, .readOnly, options: .closeOnExec)
        }
        defer { try? descriptor.close() }
        guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else {
            throw SystemError("write", folder.string, errno: errno)
        }
    }

    /// Makes a folder and those above it; one that is there already is fine.
    package static func createDirectory(_ path: FilePath) throws {
        guard !path.isEmpty, kind(path) != .directory else { return }
        try createDirectory(path.removingLastComponent())
        guard mkdir(path.string, 0o777) == 0 || (errno == EEXIST && kind(path) == .directory) else {
            throw SystemError("create folder", path.string, errno: errno)
        }
    }

    /// Names in a folder, sorted; hidden ones too.
    package static func contents(_ path: FilePath) throws -> [String] {
        guard let folder = opendir(path.string) else {
            throw SystemError("read folder", path.string, errno: errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a folder with all it holds; links are removed, not followed.
    ///
    /// What is not there is fine.
    package static func remove(_ path: FilePath) throws {
        if unlink(path.string) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw SystemError("remove", path.string, errno: errno)
        }
        for name in try contents(path) { try remove(path.appending(name)) }
        guard rmdir(path.string) == 0 || errno == ENOENT else {
            throw SystemError("remove", path.string, errno: errno)
        }
    }

    /// A name that no other process chooses.
    package static func randomName() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }
}

/// An exclusive advisory lock on a file, held while the value lives; the system drops it with the process.
package final class FileLock: Sendable {
    private let descriptor: FileDescriptor

    /// Takes the lock; nil if another process holds it and `wait` is false.
    /// - Parameters:
    ///   - path: the lock's file; created if needed, never removed.
    ///   - wait: whether to wait for another holder.
    /// - Throws: `SystemError`.
    package init?(_ path: FilePath, wait: Bool = true) throws {
        descriptor = try attempt("open", path) {
            try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        }
        while flock(descriptor.rawValue, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            try? descriptor.close()
            if code == EWOULDBLOCK { return nil }
            throw SystemError("lock", path.string, errno: code)
        }
    }

    deinit { try? descriptor.close() }
}
