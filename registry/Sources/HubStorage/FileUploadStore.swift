// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
package import Hub
private import NIOCore
package import OCI
private import Synchronization
private import SystemPackage

/// Uploads as files that are renamed into place when they are complete.
package final class FileUploadStore: UploadStore {
    private let folder: DataFolder
    private let open = Mutex<[UploadID: Slot]>([:])

    private struct Slot {
        let file: UploadFile
        /// Whether a request is working on the file.
        var isBusy = false
        /// Who wants to know how far the upload is once that request has ended.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    package init(_ folder: DataFolder) { self.folder = folder }

    package func create(_ session: UploadSession) async throws {
        try await use(session) { file in _ = try file.open(creating: true) }
    }

    package func size(_ session: UploadSession) async throws -> Int64 {
        // A client that asks has usually lost its connection: what it sent may still be on the way to the disk, and
        // only when that has ended is the size the place to go on from.
        await waitUntilIdle(session)
        let path = folder.upload(session.id)
        return try await folder.blocking {
            do {
                let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
                defer { try? file.close() }
                return try FileSystem.size(file, path)
            } catch Errno.noSuchFileOrDirectory {
                throw HubError.lost(session)
            }
        }
    }

    package func append(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition
    ) async throws -> Int64 {
        let file = try claim(session)
        defer { release(session) }
        let start = try await folder.blocking { try Self.open(file, session) }
        if let expected = condition.start, expected != start {
            throw HubError.outOfOrder("the chunk begins at \(expected), the upload stands at \(start)")
        }
        var size = start
        do {
            for try await chunk in bytes {
                size += Int64(chunk.readableBytes)
                guard size <= condition.limit else {
                    throw HubError(
                        .blobTooLarge, "the blob is larger than the \(condition.limit) bytes this hub accepts"
                    )
                }
                if let count = condition.count, size - start > count {
                    throw HubError.outOfOrder("the chunk is longer than the \(count) bytes of its range")
                }
                // Waiting for the disk here is what holds the sender back.
                try await folder.blocking { try file.write(chunk) }
            }
            if let count = condition.count, size - start != count {
                throw HubError.outOfOrder("the chunk has \(size - start) bytes, its range \(count)")
            }
        } catch let error as HubError where error.code != .bodyCutShort {
            try await folder.blocking { try file.truncate(to: start) }
            throw error
        }
        // Not synced here: until the blob is complete and verified the bytes promise nothing but an offset.
        return size
    }

    package func commit(_ session: UploadSession, as digest: Digest) async throws -> Int64 {
        let file = try claim(session)
        var isFinished = false
        defer { release(session, forgetting: isFinished) }
        let source = folder.upload(session.id)
        let size = try await folder.blocking { [folder] in
            let size = try Self.open(file, session)
            let actual = try file.seal(digest.algorithm)
            guard actual == digest else {
                throw HubError(
                    .digestInvalid,
                    "the content has digest \(actual.map(\.description) ?? "unknown"), expected \(digest)",
                    detail: digest.description)
            }
            try folder.makeDurableFolder(for: digest)
            try FileSystem.move(source, to: folder.blob(digest))
            return size
        }
        isFinished = true
        return size
    }

    package func discard(_ session: UploadSession) async throws {
        _ = try claim(session)
        defer { release(session, forgetting: true) }
        let path = folder.upload(session.id)
        try await folder.blocking { try FileSystem.remove(path) }
    }

    package func discardAll(except sessions: [UploadSession]) async throws {
        let kept = Set(sessions.map(\.id.description))
        let uploads = folder.path.appending("uploads")
        try await folder.blocking {
            for name in try FileManager.default.contentsOfDirectory(atPath: uploads.string)
            where !kept.contains(name) {
                try FileSystem.remove(uploads.appending(name))
            }
        }
    }

    /// Does something blocking with the file of an upload, alone.
    private func use(
        _ session: UploadSession, _ work: @escaping @Sendable (UploadFile) throws -> Void
    ) async throws {
        let file = try claim(session)
        defer { release(session) }
        try await folder.blocking { try work(file) }
    }

    private func claim(_ session: UploadSession) throws -> UploadFile {
        try open.withLock { open in
            var slot =
                open[session.id]
                ?? Slot(file: UploadFile(folder.upload(session.id), algorithm: session.algorithm))
            guard !slot.isBusy else {
                throw HubError(
                    .uploadBusy, "another request is writing to upload \"\(session.id)\"",
                    hint: "wait for it to end, ask for the upload's status and go on from there")
            }
            slot.isBusy = true
            open[session.id] = slot
            return slot.file
        }
    }

    private func release(_ session: UploadSession, forgetting: Bool = false) {
        let waiting = open.withLock { open -> [CheckedContinuation<Void, Never>] in
            guard var slot = open[session.id] else { return [] }
            slot.file.close()
            let waiting = slot.waiting
            slot.waiting = []
            slot.isBusy = false
            open[session.id] = forgetting ? nil : slot
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func waitUntilIdle(_ session: UploadSession) async {
        await withCheckedContinuation { continuation in
            let isIdle = open.withLock { open in
                guard open[session.id]?.isBusy == true else { return true }
                open[session.id]?.waiting.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private static func open(_ file: UploadFile, _ session: UploadSession) throws -> Int64 {
        do {
            return try file.open()
        } catch let error as HubError
            where (error.cause as? SystemError)?.errno == Errno.noSuchFileOrDirectory.rawValue
        {
            throw HubError.lost(session)
        }
    }
}

extension HubError {
    fileprivate static func outOfOrder(_ message: String) -> Self {
        Self(
            .uploadOutOfOrder, message, hint: "ask for the upload's status and go on from the offset it gives"
        )
    }

    fileprivate static func lost(_ session: UploadSession) -> Self {
        Self(
            .uploadUnknown, "upload \"\(session.id)\" is not known",
            hint: "it was finished, cancelled or forgotten: start a new one")
    }
}
