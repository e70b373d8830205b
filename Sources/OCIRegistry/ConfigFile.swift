// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import JSON
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A file of docker's `config.json` shape: read as it is, changed whole or not at all.
struct ConfigFile {
    let path: FilePath

    /// The largest file that is read.
    private static let limit = 16 << 20
    /// How long a change waits for one of another process.
    private static let patience = Duration.seconds(10)

    init(_ path: FilePath) { self.path = path }

    /// What is in it; nil if there is no file.
    func read() throws -> CredentialFile? { try read(path) }

    private func read(_ place: FilePath) throws -> CredentialFile? {
        let bytes: [UInt8]
        do {
            bytes = try Files.read(place, limit: Self.limit)
        } catch let error as SystemError where [ENOENT, ENOTDIR].contains(error.errno) {
            return nil
        }
        return try reading { try CredentialFile(parsing: bytes) }
    }

    /// Looks at content of the file, and says which file it is if that fails.
    func reading<Value>(_ look: () throws -> Value) throws -> Value {
        do {
            return try look()
        } catch let error as JSONError {
            throw unreadable("\(error)")
        } catch let error as CredentialFile.Damage {
            throw unreadable("\(error)")
        }
    }

    private func unreadable(_ why: String) -> RegistryError {
        RegistryError(
            .credentials, "cannot read the credentials in \"\(path)\": \(why)",
            hint: "mend the file; it is left as it is", category: .usage)
    }

    /// Changes the file; one that cannot be read stays as it is.
    ///
    /// A link is followed, not replaced. Two changes at once come one after the other, and each sees the other's.
    func change(_ change: (inout CredentialFile) throws -> Void) async throws {
        let target = try destination()
        let folder = target.removingLastComponent()
        if Files.kind(folder) != .directory {
            try Files.createDirectory(folder)
            // Secrets will be in it: docker's own mode.
            chmod(folder.string, 0o700)
        }
        try await withLock(on: folder) {
            var content = try read(target) ?? CredentialFile()
            try reading { try change(&content) }
            try replace(target, with: content.text)
        }
    }

    /// Holds the folder's own lock meanwhile: a lock's file would be left lying among docker's.
    private func withLock(on folder: FilePath, _ work: () throws -> Void) async throws {
        let descriptor = try attempt("open", folder) {
            try FileDescriptor.open(folder, .readOnly, options: .closeOnExec)
        }
        defer { try? descriptor.close() }
        let deadline = ContinuousClock.now + Self.patience
        while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
            // Some file systems have no locks: a change that is whole or not at all has to do there.
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            guard ContinuousClock.now < deadline else {
                throw RegistryError(
                    .credentials, "another process is changing \"\(path)\" and does not come to an end",
                    hint: "look for another login that is stopped", category: .failed)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        try work()
    }

    /// Where the path leads, whether or not there is a file.
    private func destination() throws -> FilePath {
        var place = path
        for _ in 0..<40 {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let count = readlink(place.string, &buffer, Int(PATH_MAX))
            guard count > 0 else { return place }
            let link = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
            place = place.removingLastComponent().pushing(FilePath(link))
        }
        throw SystemError("write", path.string, errno: ELOOP)
    }

    /// Writes beside the file, to the disk, then over it; readable for its owner alone, whatever it was before.
    private func replace(_ target: FilePath, with text: String) throws {
        let folder = target.removingLastComponent()
        let draft = folder.appending(".\(target.lastComponent?.string ?? "")-\(Files.randomName())")
        let sink = try FileSink(draft, permissions: [.ownerReadWrite])
        var text = text
        try text.withUTF8 { try sink.write(UnsafeRawBufferPointer($0)) }
        try sink.finish()
        var status = stat()
        if stat(target.string, &status) == 0 {
            // Root who logs in for somebody leaves the file to its owner.
            _ = chown(draft.string, status.st_uid, status.st_gid)
        }
        do {
            try Files.rename(draft, to: target)
        } catch {
            unlink(draft.string)
            throw error
        }
    }
}
