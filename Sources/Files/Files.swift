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

    /// Bytes of a regular file, following links; nil for anything else.
    package static func size(_ path: FilePath) -> Int64? {
        var status = stat()
        guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(status.st_size)
    }

    /// When a file or folder last changed, in seconds since 1970; nil for nothing.
    package static func modified(_ path: FilePath) -> Double? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// What tells a file from the one that replaces it; nil for nothing.
    package static func stamp(_ path: FilePath) -> FileStamp? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let time = status.st_ctimespec
        #else
            let time = status.st_ctim
        #endif
        return FileStamp(
            device: UInt64(status.st_dev), number: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
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
    ///
    /// Who holds a lock may name the `draft` that is written first: what a killed process left of it is written anew.
    /// Without one, each writer has a draft of its own. What the new content leads to, as folders `beside` it, is
    /// brought to the disk before it has its name. With `permissions` it has just these, whatever the process's mask is.
    package static func replace(
        _ path: FilePath, with bytes: some Collection<UInt8>, draft: FilePath? = nil,
        beside folders: [FilePath] = [], permissions: FilePermissions? = nil
    ) throws {
        if let draft { try remove(draft) }
        let temporary =
            draft
            ?? path.removingLastComponent().appending(".\(path.lastComponent?.string ?? "")-\(randomName())")
        let sink = try FileSink(temporary)
        try Array(bytes).withUnsafeBytes { try sink.write($0) }
        try sink.finish(durably: false)
        do {
            if let permissions { try setPermissions(permissions, of: temporary) }
            try synchronize([temporary] + folders)
            try rename(temporary, to: path)
        } catch {
            unlink(temporary.string)
            throw error
        }
    }

    /// Says who may do what with a file or a folder, whatever the process's mask is.
    package static func setPermissions(_ permissions: FilePermissions, of path: FilePath) throws {
        guard chmod(path.string, permissions.rawValue) == 0 else {
            throw SystemError("change permissions of", path.string, errno: errno)
        }
    }

    /// Who may do what with a file or a folder, following links; nil if there is none.
    package static func permissions(_ path: FilePath) -> FilePermissions? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        return FilePermissions(rawValue: status.st_mode & 0o7777)
    }

    /// Writes behind what a file holds, creating it if needed, with `permissions` as far as the process's mask lets it;
    /// this is not brought to the disk.
    package static func append(
        _ text: String, to path: FilePath,
        permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    ) throws {
        let file = try attempt("open", path) {
            try FileDescriptor.open(
                path, .writeOnly, options: [.append, .create, .closeOnExec], permissions: permissions)
        }
        defer { try? file.close() }
        _ = try attempt("write", path) { try file.writeAll(text.utf8) }
    }

    /// Moves a file, replacing what was there, and brings the move to the disk; if not `durably`, that is left to
    /// `synchronizeDirectory`, which does it for all moves into a folder at once.
    package static func rename(_ source: FilePath, to destination: FilePath, durably: Bool = true) throws {
        guard Self.posixRename(source, destination) == 0 else {
            throw SystemError("write", destination.string, errno: errno)
        }
        if durably { try synchronizeDirectory(destination.removingLastComponent()) }
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
    package static func synchronizeDirectory(_ path: FilePath) throws { try synchronize(path) }

    /// Brings files and folders to the disk.
    ///
    /// All are on their way before the first is waited for: a disk takes about as long for one as for several together.
    package static func synchronize(_ paths: [FilePath]) throws {
        for path in paths.dropFirst() {
            if let descriptor = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) {
                startWriting(descriptor)
                try? descriptor.close()
            }
        }
        for path in paths { try synchronize(path) }
    }

    private static func synchronize(_ path: FilePath) throws {
        // The folder of a relative name.
        let path = path.isEmpty ? FilePath(".") : path
        let descriptor = try attempt("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
        defer { try? descriptor.close() }
        try bringToDisk(descriptor, path)
    }

    /// Makes a folder and those above it; one that is there already is fine, and stays as it is.
    ///
    /// With `permissions` a new one has just these, whatever the process's mask is; those above it follow the mask.
    package static func createDirectory(_ path: FilePath, permissions: FilePermissions? = nil) throws {
        guard !path.isEmpty, kind(path) != .directory else { return }
        try createDirectory(path.removingLastComponent())
        guard mkdir(path.string, 0o777) == 0 else {
            if errno == EEXIST, kind(path) == .directory { return }
            throw SystemError("create folder", path.string, errno: errno)
        }
        if let permissions { try setPermissions(permissions, of: path) }
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

/// Where a file lies, its size and when it last changed.
package struct FileStamp: Hashable, Sendable {
    fileprivate let device: UInt64
    fileprivate let number: UInt64
    fileprivate let size: Int64
    fileprivate let seconds: Int64
    fileprivate let nanoseconds: Int64
}
