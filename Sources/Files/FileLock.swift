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

/// An exclusive advisory lock on a file, held while the value lives; the system drops it with the process.
package final class FileLock: Sendable {
    private let descriptor: FileDescriptor

    /// Takes the lock; nil if another process holds it and `wait` is false.
    /// - Parameters:
    ///   - path: the lock's file; created if needed, removed or moved by its holder only.
    ///   - wait: whether to wait for another holder.
    /// - Throws: `SystemError`.
    package init?(_ path: FilePath, wait: Bool = true) throws {
        while true {
            let descriptor = try attempt("open", path) {
                try FileDescriptor.open(
                    path, .readWrite, options: [.create, .closeOnExec],
                    permissions: [.ownerReadWrite, .groupRead, .otherRead])
            }
            do {
                let isHeld = try Self.hold(descriptor, path, wait: wait)
                // What the last holder moved away or removed meanwhile is no longer the file that others lock.
                if isHeld, Self.leads(path, to: descriptor) {
                    self.descriptor = descriptor
                    return
                }
                try? descriptor.close()
                if !isHeld { return nil }
            } catch {
                try? descriptor.close()
                throw error
            }
        }
    }

    deinit { try? descriptor.close() }

    private static func hold(_ descriptor: FileDescriptor, _ path: FilePath, wait: Bool) throws -> Bool {
        while flock(descriptor.rawValue, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            if code == EWOULDBLOCK { return false }
            throw SystemError("lock", path.string, errno: code)
        }
        return true
    }

    private static func leads(_ path: FilePath, to descriptor: FileDescriptor) -> Bool {
        var held = stat()
        var named = stat()
        return fstat(descriptor.rawValue, &held) == 0 && stat(path.string, &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }
}
