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
    let folder: DataFolder
    private let patience: Duration
    private let open = Mutex<[UploadID: Slot]>([:])

    private struct Slot {
        let file: UploadFile
        /// Whether a request is working on the file.
        var isBusy = false
        /// Who comes after that request.
        var waiting: [UploadID: CheckedContinuation<Void, Never>] = [:]
    }

    /// A store over a folder.
    ///
    /// `patience` is how long a request waits for the one before it on the same upload. A client whose connection broke is
    /// back sooner than the hub has read the last of what it had sent; one that is cut off without a word keeps its place
    /// until the connection counts as dead.
    package init(_ folder: DataFolder, patience: Duration = .seconds(10)) {
        self.folder = folder
        self.patience = patience
    }

    package func size(_ session: UploadSession) async throws -> Int64 {
        // A client that asks has usually lost its connection: what it sent may still be on the way to the disk, and
        // only when that has ended is the size the place to go on from.
        await waitUntilIdle(session, until: .now + patience)
        let path = folder.layout.upload(session.id)
        return try await folder.blocking {
            do {
                let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
                defer { try? file.close() }
                return try FileSystem.size(file, path)
            } catch Errno.noSuchFileOrDirectory {
                return 0
            }
        }
    }

    package func append(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition
    ) async throws -> Int64 {
        let file = try await claim(session)
        defer { release(session) }
        var arrival = Arrival(file: file, folder: folder)
        try await arrival.receive(bytes, where: condition)
        // Not synced here: until the blob is complete and verified the bytes promise nothing but an offset. But they
        // are in the file, where they outlive the process.
        try await arrival.write()
        return arrival.size
    }

    package func finish(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition,
        as digest: Digest
    ) async throws -> ReceivedBlob {
        let file = try await claim(session)
        var isFinished = false
        defer { release(session, forgetting: isFinished) }
        var arrival = Arrival(file: file, folder: folder)
        try await arrival.receive(bytes, where: condition)
        let record = BlobRecord(digest: digest, size: arrival.size)
        if let held = arrival.held {
            try Self.check(Digest(of: held, algorithm: digest.algorithm), digest)
            isFinished = true
            return ReceivedBlob(record: record, content: held)
        }
        let source = folder.layout.upload(session.id)
        let content = try await folder.blocking { [folder] in
            let content = record.size <= Arrival.smallBlob ? try file.content() : nil
            if let content {
                try Self.check(Digest(of: content, algorithm: digest.algorithm), digest)
                try FileSystem.remove(source)
                return content as [UInt8]?
            }
            try Self.check(try file.seal(digest.algorithm), digest)
            try FileSystem.move(source, to: folder.layout.blob(digest))
            return nil
        }
        isFinished = true
        return ReceivedBlob(record: record, content: content)
    }

    private static func check(_ actual: Digest, _ expected: Digest) throws {
        guard actual != expected else { return }
        throw HubError(
            .digestInvalid, "the content has digest \(actual), expected \(expected)",
            detail: expected.description)
    }

    package func discard(_ session: UploadSession) async throws {
        _ = try await claim(session)
        defer { release(session, forgetting: true) }
        let path = folder.layout.upload(session.id)
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

    /// Reserves an upload for a request, after the one that is at it.
    private func claim(_ session: UploadSession) async throws -> UploadFile {
        let deadline = ContinuousClock.now + patience
        while true {
            if let file = take(session) { return file }
            guard ContinuousClock.now < deadline else { break }
            await waitUntilIdle(session, until: deadline)
            try Task.checkCancellation()
        }
        throw HubError(
            .uploadBusy, "another request is writing to upload \"\(session.id)\"",
            hint: "wait for it to end, ask for the upload's status and go on from there")
    }

    /// - Returns: nil if another request is at it.
    private func take(_ session: UploadSession) -> UploadFile? {
        open.withLock { open in
            var slot =
                open[session.id]
                ?? Slot(file: UploadFile(folder.layout.upload(session.id), algorithm: session.algorithm))
            guard !slot.isBusy else { return nil }
            slot.isBusy = true
            open[session.id] = slot
            return slot.file
        }
    }

    private func release(_ session: UploadSession, forgetting: Bool = false) {
        let waiting = open.withLock { open -> [UploadID: CheckedContinuation<Void, Never>] in
            guard var slot = open[session.id] else { return [:] }
            slot.file.close()
            let waiting = slot.waiting
            slot.waiting = [:]
            slot.isBusy = false
            open[session.id] = forgetting ? nil : slot
            return waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    /// Waits until no request is at an upload, or until the deadline.
    private func waitUntilIdle(_ session: UploadSession, until deadline: ContinuousClock.Instant) async {
        let name = UploadID()
        let alarm = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            stopWaiting(session, name)
        }
        defer { alarm.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIdle = open.withLock { open in
                    // Whoever was woken already is not told a second time.
                    let isTimely = !Task.isCancelled && ContinuousClock.now < deadline
                    guard isTimely, open[session.id]?.isBusy == true else { return true }
                    open[session.id]?.waiting[name] = continuation
                    return false
                }
                if isIdle { continuation.resume() }
            }
        } onCancel: {
            stopWaiting(session, name)
        }
    }

    private func stopWaiting(_ session: UploadSession, _ name: UploadID) {
        open.withLock { $0[session.id]?.waiting.removeValue(forKey: name) }?.resume()
    }
}

extension HubError {
    static func outOfOrder(_ message: String) -> Self {
        Self(
            .uploadOutOfOrder, message, hint: "ask for the upload's status and go on from the offset it gives"
        )
    }
}

extension FileUploadStore {
    package func freeSpace() throws -> Int64 { try folder.freeSpace() }

    package func checkWritable() async throws {
        let path = folder.path.appending("uploads").appending("writable")
        try await folder.blocking {
            try FileSystem.makePrivateFile(path)
            try FileSystem.remove(path)
        }
    }
}
