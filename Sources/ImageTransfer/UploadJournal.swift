// SPDX-License-Identifier: Apache-2.0

import Files
private import Foundation
package import OCI
package import OCIRegistry
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Remembers uploads in a folder, a file for each.
///
/// Whoever uploads holds the lock of its file: the system drops it with the process, however that ends. The files are
/// secrets of their user, who may remove any of them at any time; one that is a day old is not asked any more.
package struct FileUploadJournal: UploadJournal {
    private let folder: FilePath
    private let now: @Sendable () -> Int64

    /// Registries let go of uploads after a while, mostly days.
    private static let lifetime: Int64 = 24 * 60 * 60

    /// - Parameters:
    ///   - folder: where the files are; made when there is something to remember.
    ///   - now: the time that records grow old by, in seconds since 1970.
    package init(
        _ folder: FilePath, now: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) {
        self.folder = folder
        self.now = now
    }

    package func record(
        of blob: Digest, in repository: Repository, at host: RegistryHost
    ) -> (any UploadRecord)? {
        // What cannot be kept is not: the upload goes its way all the same.
        guard (try? Files.createDirectory(folder)) != nil else { return nil }
        sweep()
        let key = "\(host)/\(repository)@\(blob)"
        return FileUploadRecord(folder.appending(Digest(of: key.utf8).hex), key)
    }

    /// Removes what is too old, unless somebody is at it.
    private func sweep() {
        for name in (try? Files.contents(folder)) ?? [] where name.utf8.count == 64 {
            let path = folder.appending(name)
            guard let file = LockedFile(path, create: false), now() - file.changed > Self.lifetime else {
                continue
            }
            try? Files.remove(path)
        }
    }
}

/// One upload's file, locked.
private final class FileUploadRecord: UploadRecord {
    private let file: LockedFile
    private let path: FilePath
    private let key: String
    let location: String?

    private struct Entry: Codable {
        var upload: String
        var location: String
    }

    init?(_ path: FilePath, _ key: String) {
        guard let file = LockedFile(path, create: true) else { return nil }
        self.file = file
        self.path = path
        self.key = key
        // The line may be followed by the rest of a longer one, or be no entry at all: then there is none.
        let line = file.read().prefix { $0 != UInt8(ascii: "\n") }
        let entry = try? JSONDecoder().decode(Entry.self, from: Data(line))
        location = entry.flatMap { $0.upload == key ? $0.location : nil }
    }

    func keep(_ location: String) {
        guard let line = try? canonicalJSON(Entry(upload: key, location: location)) else { return }
        file.write(line + [UInt8(ascii: "\n")])
    }

    func forget() {
        file.write([])
        try? Files.remove(path)
    }

    deinit {
        // Nothing was begun: no trace is left.
        if file.isEmpty, file.isNamed { try? Files.remove(path) }
    }
}

/// A small file that only its owner reads, and that only one holder has at a time.
private final class LockedFile: Sendable {
    private let descriptor: Int32

    /// More than any URL that a server takes.
    private static let limit = 64 << 10

    init?(_ path: FilePath, create: Bool) {
        descriptor = open(path.string, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { return nil }
        // A file that was removed before its lock was free is nobody's any more.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isNamed else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    private var status: stat {
        var status = stat()
        fstat(descriptor, &status)
        return status
    }

    var isEmpty: Bool { status.st_size == 0 }

    /// Whether it is still in its folder.
    var isNamed: Bool { status.st_nlink > 0 }

    /// When it was written last, in seconds since 1970.
    var changed: Int64 {
        #if canImport(Darwin)
            Int64(status.st_mtimespec.tv_sec)
        #else
            Int64(status.st_mtim.tv_sec)
        #endif
    }

    func read() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.limit) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, Self.limit, 0))
        }
    }

    /// Writes over what was there, in one piece.
    func write(_ bytes: [UInt8]) {
        guard bytes.isEmpty || pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else { return }
        ftruncate(descriptor, off_t(bytes.count))
    }
}
