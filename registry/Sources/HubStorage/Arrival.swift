// SPDX-License-Identifier: Apache-2.0

import Hub
private import NIOCore

/// The bytes of one request on their way into an upload.
///
/// The first few are held back: if there are no more, no file is ever made of them.
struct Arrival {
    /// Bytes of the largest blob that the database keeps: below, a file of its own costs more than it saves.
    static let smallBlob = 16 << 10

    let file: UploadFile
    let folder: DataFolder
    /// Bytes of the upload so far.
    private(set) var size: Int64 = 0
    /// All bytes of the upload, as long as they are few and none of them is in the file.
    private(set) var held: [UInt8]?
    /// Bytes that wait for more, so that the disk is not asked for every few of them.
    private var gathered: [ByteBuffer] = []
    private var gatheredCount = 0
    /// Bytes that are being written and hashed, at the same time, while more are received: a large blob comes as fast as
    /// the slowest of the three goes.
    private var underWay: BesideWork?
    private static let gatheredMost = 256 << 10
    /// Bytes of the upload when the disk was last asked how much is left.
    private var checked: Int64 = 0
    /// How many bytes may come until it is asked again.
    private static let checkInterval: Int64 = 4 << 20

    init(file: UploadFile, folder: DataFolder) {
        self.file = file
        self.folder = folder
    }

    /// Takes the bytes; if they break a condition, the upload is as long afterwards as it was before.
    mutating func receive(_ bytes: some IncomingBytes, where condition: AppendCondition) async throws {
        let start = try await folder.blocking { [file] in try file.open() }
        size = start
        if start == 0 { held = [] }
        if let expected = condition.start, expected != start {
            throw HubError.outOfOrder("the chunk begins at \(expected), the upload stands at \(start)")
        }
        do {
            try await takeAll(bytes, from: start, condition)
            try await flush()
            if let count = condition.count, size - start != count {
                throw HubError.outOfOrder("the chunk has \(size - start) bytes, its range \(count)")
            }
        } catch let error as HubError where [.bodyCutShort, .bodyTimedOut].contains(error.code) {
            // The sender can go on from what arrived.
            try await write()
            throw error
        } catch let error as HubError {
            try await folder.blocking { [file] in try file.truncate(to: start) }
            throw error
        }
    }

    private mutating func takeAll(
        _ bytes: some IncomingBytes, from start: Int64, _ condition: AppendCondition
    ) async throws {
        do {
            for try await chunk in bytes { try await take(chunk, from: start, condition) }
        } catch {
            // The file is not to be touched before. That the disk failed outweighs why the sender did.
            try await land()
            throw error
        }
    }

    private mutating func take(
        _ chunk: ByteBuffer, from start: Int64, _ condition: AppendCondition
    ) async throws {
        size += Int64(chunk.readableBytes)
        guard size <= condition.limit else {
            throw HubError(
                .blobTooLarge, "the blob is larger than the \(condition.limit) bytes this hub accepts")
        }
        if let count = condition.count, size - start > count {
            throw HubError.outOfOrder("the chunk is longer than the \(count) bytes of its range")
        }
        if held != nil, size <= Self.smallBlob {
            held?.append(contentsOf: chunk.readableBytesView)
            return
        }
        if condition.reserve > 0, size - checked >= Self.checkInterval || checked == 0 {
            guard try folder.freeSpace() >= condition.reserve else { throw HubError.noSpace }
            checked = size
        }
        gather(chunk)
        // Waiting for the disk here is what holds the sender back.
        if gatheredCount >= Self.gatheredMost { try await takeOff() }
    }

    private mutating func gather(_ bytes: ByteBuffer) {
        if let first = held {
            held = nil
            if !first.isEmpty { gather(ByteBuffer(bytes: first)) }
        }
        gathered.append(bytes)
        gatheredCount += bytes.readableBytes
    }

    /// Bytes that were gathered last, and where they begin.
    private mutating func takeGathered() -> (parts: [ByteBuffer], offset: Int64) {
        defer { (gathered, gatheredCount) = ([], 0) }
        return (gathered, size - Int64(gatheredCount))
    }

    /// Begins to put what was gathered into the file, when what was gathered before is there.
    private mutating func takeOff() async throws {
        try await land()
        let (parts, offset) = takeGathered()
        underWay = BesideWork(
            folder, [{ [file] in try file.write(parts) }, { [file] in try file.hash(parts, at: offset) }])
    }

    /// Waits for what is under way.
    private mutating func land() async throws {
        let work = underWay
        underWay = nil
        try await work?.wait()
    }

    /// Puts what was gathered into the file.
    private mutating func flush() async throws {
        try await land()
        guard gatheredCount > 0 else { return }
        let (parts, offset) = takeGathered()
        try await folder.blocking { [file] in
            try file.write(parts)
            try file.hash(parts, at: offset)
        }
    }

    /// Puts what is held back into the file, too.
    mutating func write() async throws {
        if held?.isEmpty == false { gather(ByteBuffer()) }
        held = nil
        try await flush()
    }
}
