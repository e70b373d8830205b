// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import NIOPosix
import OCI
private import Synchronization
package import SystemPackage

/// The folder that a hub keeps everything in, locked by the one process that uses it.
package final class DataFolder: Sendable {
    let layout: DataLayout
    package var path: FilePath { layout.path }
    private let lock: FileDescriptor
    /// Where file calls wait, so that no request's task and no event loop does.
    let threads: NIOThreadPool
    private let space = Mutex<(bytes: Int64, time: ContinuousClock.Instant)?>(nil)

    /// Opens the folder, and makes it if it is not there.
    package init(_ path: FilePath) throws {
        layout = DataLayout(path)
        do {
            try Self.makeFolders(path)
            let lockPath = path.appending("lock")
            lock = try FileSystem.perform("open", lockPath) {
                try FileDescriptor.open(
                    lockPath, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
            }
            let isOurs: Bool
            do {
                isOurs = try FileSystem.lock(lock, lockPath)
            } catch {
                try? lock.close()
                throw error
            }
            guard isOurs else {
                let holder = Self.holder(lock)
                try? lock.close()
                throw HubError(
                    .folderInUse,
                    "data folder \"\(path)\" is in use by another hub\(holder.map { " (process \($0))" } ?? "")",
                    hint: "stop the other hub, or choose another folder with --data")
            }
        } catch let error as HubError where error.code != .folderInUse {
            throw HubError(
                .dataFolder, "cannot use data folder \"\(path)\"", cause: error.cause,
                hint: "make it writable for this user, or choose another folder with --data")
        }
        threads = NIOThreadPool(numberOfThreads: 16)
        threads.start()
        try writeHolder()
        for name in ["blobs", "uploads"] { _ = try FileSystem.makeFolder(path.appending(name)) }
        for algorithm in Digest.Algorithm.allCases {
            _ = try FileSystem.makeFolder(path.appending("blobs").appending(algorithm.rawValue))
        }
        // All of them at once: a push that found its folder missing would have to wait for another sync.
        var isNew = false
        for folder in layout.blobFolders where try FileSystem.makeFolder(folder.path) { isNew = true }
        if isNew {
            for algorithm in Digest.Algorithm.allCases {
                try FileSystem.syncFolder(path.appending("blobs").appending(algorithm.rawValue))
            }
        }
        for folder in [path.appending("blobs"), path] { try FileSystem.syncFolder(folder) }
    }

    deinit {
        threads.shutdownGracefully { _ in }
        try? lock.close()
    }

    /// Bytes that could be written now.
    ///
    /// Asked at every upload: what was found is good for a moment.
    func freeSpace() throws -> Int64 {
        let now = ContinuousClock.now
        if let (bytes, time) = space.withLock({ $0 }), now - time < .milliseconds(200) { return bytes }
        let bytes = try FileSystem.freeSpace(path)
        space.withLock { $0 = (bytes, now) }
        return bytes
    }

    /// Whether a process has a folder to itself at this moment.
    package static func isInUse(_ path: FilePath) throws -> Bool {
        let lockPath = path.appending("lock")
        let lock = try FileSystem.perform("open", lockPath) {
            try FileDescriptor.open(lockPath, .readOnly, options: .closeOnExec)
        }
        defer { try? lock.close() }
        return try !FileSystem.lock(lock, lockPath)
    }

    /// Runs blocking calls away from the tasks that serve requests.
    func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await threads.runIfActive(work)
    }

    /// Runs a blocking call some time soon, that nobody waits for.
    func background(_ work: @escaping @Sendable () -> Void) {
        threads.submit { state in
            if case .active = state { work() }
        }
    }

    private func writeHolder() throws {
        let text = "\(ProcessInfo.processInfo.processIdentifier)\n"
        try FileSystem.perform("write", path.appending("lock")) {
            try lock.resize(to: 0)
            _ = try lock.writeAll(toAbsoluteOffset: 0, text.utf8)
        }
    }

    private static func holder(_ lock: FileDescriptor) -> Int? {
        let text = try? withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = try lock.read(fromAbsoluteOffset: 0, into: buffer)
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        return text.flatMap { Int($0.prefix { $0.isNumber }) }
    }

    private static func makeFolders(_ path: FilePath) throws {
        var folder = FilePath(root: path.root ?? "", [])
        for component in path.components {
            folder.append(component)
            // The parents may well be read-only for us; only the last one matters.
            do {
                _ = try FileSystem.makeFolder(folder)
            } catch  where folder != path { continue }
        }
    }
}
