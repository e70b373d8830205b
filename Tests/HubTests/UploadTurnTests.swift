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
        let scratch = try ScratchDirectory("turns")
        let folder = try DataFolder(scratch.appending("data"))
        let store = FileUploadStore(folder, patience: .milliseconds(50))
        let session = UploadSession(
            id: UploadID(), repository: try Repository("acme/filter"), owner: nil, algorithm: .sha256,
            startedAt: 0)
        let anything = AppendCondition(start: nil, count: nil, limit: 1 << 20)
        let (chunks, source) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        let (begun, isBegun) = AsyncStream<Void>.makeStream()
        async let stays = store.append(
            Chunks(stream: chunks, onRead: { isBegun.yield() }), to: session, where: anything)
        for await _ in begun { break }
        let error = await #expect(throws: HubError.self) {
            try await store.append(Chunks.none, to: session, where: anything)
        }
        #expect(error?.code == .uploadBusy)
        // A status is given all the same: what is known for sure.
        #expect(try await store.size(session) == 0)
        source.yield(ByteBuffer(bytes: Self.first))
        source.finish()
        #expect(try await stays == Int64(Self.first.count))
        #expect(try await store.size(session) == Int64(Self.first.count))
    }

    @Test func `waiting ends with whoever waits`() async throws {
        let scratch = try ScratchDirectory("turns")
        let folder = try DataFolder(scratch.appending("data"))
        let store = FileUploadStore(folder, patience: .seconds(3600))
        let session = UploadSession(
            id: UploadID(), repository: try Repository("acme/filter"), owner: nil, algorithm: .sha256,
            startedAt: 0)
        let anything = AppendCondition(start: nil, count: nil, limit: 1 << 20)
        let (chunks, source) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        let (begun, isBegun) = AsyncStream<Void>.makeStream()
        async let stays = store.append(
            Chunks(stream: chunks, onRead: { isBegun.yield() }), to: session, where: anything)
        for await _ in begun { break }
        let waits = Task {
            try await store.append(Chunks.none, to: session, where: anything)
        }
        waits.cancel()
        await #expect(throws: CancellationError.self) { try await waits.value }
        source.finish()
        #expect(try await stays == 0)
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
