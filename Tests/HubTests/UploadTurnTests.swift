// SPDX-License-Identifier: Apache-2.0

import Glibc
import Hub
import HubStorage
import NIOCore
import OCI
import TestSupport
import Testing

/// Two requests at one upload: a connection that broke, and the one that goes on.
@Suite struct UploadTurnTests {
    private static let first = sampleBytes(100_000)
    private static let second = sampleBytes(50_000, seed: 2)
    private static let announced = 1_000_000

    private static func patch(_ path: String, _ count: Int, at offset: Int) -> String {
        """
        PATCH \(path) HTTP/1.1\r
        Host: h\r
        Content-Length: \(count)\r
        Content-Range: \(offset)-\(offset + count - 1)\r
        \r

        """
    }

    @Test func `who goes on after a break is served once the hub has noticed the break`() async throws {
        try await withHub { hub in
            let path = try await hub.client.startUpload(in: "acme/filter")
            let reply = try await onThread { [port = hub.client.port] in
                let broken = try Wire(port: port)
                try broken.send(Self.patch(path, Self.announced, at: 0))
                try broken.send(Self.first)
                // Now the hub is at it.
                while hub.files("uploads").isEmpty { usleep(1000) }
                // Its end, and the next request, at nearly the same moment.
                let next = try Wire(port: port)
                broken.finishSending()
                try next.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                let status = try next.reply()
                try #require(status?["Range"] == "0-\(Self.first.count - 1)", "\(String(describing: status))")
                try next.send(Self.patch(path, Self.second.count, at: Self.first.count))
                try next.send(Self.second)
                return try next.reply()
            }
            #expect(reply?.status == 202, "\(reply?.text ?? "")")
            let bytes = Self.first + Self.second
            let end = try await hub.client.send("PUT", "\(path)?digest=\(Digest(of: bytes))", body: [])
            #expect(end.status == 201)
        }
    }

    @Test func `of two writers one waits, and neither damages what the other brought`() async throws {
        try await withHub { hub in
            let path = try await hub.client.startUpload(in: "acme/filter")
            let port = hub.client.port
            for round in 0..<8 {
                // Both say that theirs begins at the same place; whoever comes second is told where it stands.
                let offset = round * Self.second.count
                let replies = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            try await onThread {
                                let wire = try Wire(port: port)
                                try wire.send(Self.patch(path, Self.second.count, at: offset))
                                try wire.send(Self.second)
                                return try wire.reply()?.status ?? 0
                            }
                        }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(replies.sorted() == [202, 416])
            }
            let bytes = (0..<8).flatMap { _ in Self.second }
            let end = try await hub.client.send("PUT", "\(path)?digest=\(Digest(of: bytes))", body: [])
            #expect(end.status == 201)
        }
    }

    @Test func `who comes while another stays is told so in the end`() async throws {
        let turns = try Turns(patience: .milliseconds(50))
        async let stays = turns.stay()
        await turns.staying()
        let error = await #expect(throws: HubError.self) { try await turns.append(.none) }
        #expect(error?.code == .uploadBusy)
        // A status is given all the same: what is known for sure.
        #expect(try await turns.size() == 0)
        turns.finish(with: Self.first)
        #expect(try await stays == Int64(Self.first.count))
        #expect(try await turns.size() == Int64(Self.first.count))
    }

    @Test func `waiting ends with whoever waits`() async throws {
        let turns = try Turns(patience: .seconds(3600))
        async let stays = turns.stay()
        await turns.staying()
        let waits = Task { try await turns.append(.none) }
        waits.cancel()
        await #expect(throws: CancellationError.self) { try await waits.value }
        turns.finish(with: [])
        #expect(try await stays == 0)
    }
}

/// One upload of a store, and a request at it that stays until it is told to end.
private struct Turns: Sendable {
    private let scratch: ScratchDirectory
    private let store: FileUploadStore
    private let session: UploadSession
    private let body = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
    private let begin = AsyncStream<Void>.makeStream()

    init(patience: Duration) throws {
        scratch = try ScratchDirectory("turns")
        store = FileUploadStore(try DataFolder(scratch.appending("data")), patience: patience)
        session = UploadSession(
            id: UploadID(), repository: try Repository("acme/filter"), owner: nil, algorithm: .sha256,
            startedAt: 0)
    }

    func append(_ chunks: Chunks) async throws -> Int64 {
        let anything = AppendCondition(start: nil, count: nil, limit: 1 << 20)
        return try await store.append(chunks, to: session, where: anything)
    }

    func size() async throws -> Int64 { try await store.size(session) }

    func stay() async throws -> Int64 {
        try await append(Chunks(stream: body.stream) { [begin] in begin.continuation.yield() })
    }

    /// Waits until the staying request is at the upload.
    func staying() async { for await _ in begin.stream { break } }

    func finish(with bytes: [UInt8]) {
        if !bytes.isEmpty { body.continuation.yield(ByteBuffer(bytes: bytes)) }
        body.continuation.finish()
    }
}

/// A body that comes when the test says.
private struct Chunks: AsyncSequence {
    let stream: AsyncThrowingStream<ByteBuffer, any Error>
    var onRead: @Sendable () -> Void = {}

    /// A body without a byte.
    static var none: Chunks { Chunks(stream: AsyncThrowingStream { $0.finish() }) }

    func makeAsyncIterator() -> AsyncThrowingStream<ByteBuffer, any Error>.AsyncIterator {
        onRead()
        return stream.makeAsyncIterator()
    }
}
