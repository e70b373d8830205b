// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The right to change a slot, held while the value lives; the system takes it back from a process that is killed.
package final class SlotLock: Sendable {
    private let lock: FileLock

    /// Takes the right at once.
    /// - Parameters:
    ///   - folder: the slot's own folder, see `SlotFolder.stateFolder`.
    ///   - holder: what to tell others who wait, as in "anna@build-1 deploys add-header".
    /// - Throws: `DeploymentError` with code `busy` that names the holder; `SystemError`.
    package init(_ folder: FilePath, holder: String) throws {
        let file = folder.appending(".lock")
        guard let lock = try FileLock(file, wait: false) else {
            let holder = Self.holder(of: folder) ?? "another process"
            throw DeploymentError(
                .busy, "the slot \"\(folder)\" is being changed: \(holder)",
                hint: "try again when that has ended; a process that is gone holds nothing")
        }
        self.lock = lock
        // In place: another file under this name would be another lock. Who holds it is told as a courtesy only.
        if let descriptor = try? FileDescriptor.open(file, .writeOnly, options: [.truncate, .closeOnExec]) {
            _ = try? descriptor.writeAll("process \(getpid()), \(holder)\n".utf8)
            try? descriptor.close()
        }
    }

    /// Waits for the right.
    /// - Parameters:
    ///   - folder: the slot's own folder.
    ///   - holder: what to tell others who wait.
    ///   - limit: how long.
    ///   - waiting: told once who holds it, if it has to wait.
    /// - Returns: the right.
    /// - Throws: `DeploymentError` with code `busy` that names the holder, at the end; `SystemError`.
    package static func wait(
        _ folder: FilePath, holder: String, within limit: Duration, waiting: (String) -> Void
    ) async throws -> SlotLock {
        let deadline = ContinuousClock.now + limit
        var isTold = false
        while true {
            do {
                return try SlotLock(folder, holder: holder)
            } catch let error as DeploymentError where error.code == .busy {
                guard ContinuousClock.now < deadline else { throw error }
                if !isTold { waiting(Self.holder(of: folder) ?? "another process") }
                isTold = true
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private static func holder(of folder: FilePath) -> String? {
        guard let bytes = try? Files.read(folder.appending(".lock"), limit: 4096) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first
        return text.map { String($0) }
    }
}
