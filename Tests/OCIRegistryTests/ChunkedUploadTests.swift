// SPDX-License-Identifier: Apache-2.0

import Files
import ImageTransfer
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Uploads of large blobs, in one run and over several.
@Suite final class ChunkedUploadTests: Sendable {
    private let uploads = UploadServer()
    private let bytes = sample(1_000_000)
    private let scratch: ScratchDirectory
    private let resumedAt = Log()

    init() throws { scratch = try ScratchDirectory("journal") }

    private var folder: FilePath { scratch.appending("uploads") }
    private var patches: [String] {
        uploads.log.compactMap {
            $0.hasPrefix("PATCH") ? $0.split(separator: " ").last.map(String.init) : nil
        }
    }
    private func count(_ method: String) -> Int { uploads.log.filter { $0.hasPrefix("\(method) ") }.count }

    /// One run: a client of its own, which takes a third of the blob for large.
    private func push(
        to server: LoopbackServer, _ clock: TestClock = TestClock(), attempts: Int = 1
    ) async throws -> BlobPush {
        let client = try server.client(clock) {
            $0.chunkSize = 300_000
            $0.retry.attempts = attempts
        }
        return try await client.push(
            blob(bytes), HTTPBody(bytes), to: repository, journal: FileUploadJournal(folder)
        ) { [resumedAt] position in resumedAt.add("\(position)") }
    }

    /// A server that breaks the connection in the middle of the second chunk that ever comes.
    private func breakingServer(
        _ misbehave: @escaping @Sendable (LoopbackExchange, inout UploadServer.State) throws -> Bool = {
            _, _ in
            false
        }
    ) throws -> LoopbackServer {
        let count = Log()
        return try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange, location: "/up/1?_state=secret") { exchange, state in
                if try misbehave(exchange, &state) { return true }
                guard exchange.request.method == "PATCH", count.add("") == 2 else { return false }
                state.stored += try exchange.body().prefix(150_000)
                exchange.close()
                return true
            }
        }
    }

    @Test func `a large blob goes in chunks to where each answer says`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            let number = uploads.log.count
            try uploads.serve(exchange, location: "up/\(number)?_state=\(number)")
        }
        #expect(try await push(to: server) == .uploaded)
        #expect(uploads.stored == bytes)
        #expect(patches == ["0-299999", "300000-599999", "600000-899999", "900000-999999"])
        #expect(uploads.log.last?.hasPrefix("PUT /v2/acme/auth/blobs/uploads/up/up") == true)
        #expect(try Files.contents(folder) == [])
    }

    @Test func `chunks grow with the speed of the way`() async throws {
        let clock = TestClock()
        let server = try LoopbackServer { [uploads] exchange in
            if exchange.request.method == "PATCH" { clock.advance(by: .seconds(5)) }
            try uploads.serve(exchange)
        }
        #expect(try await push(to: server, clock) == .uploaded)
        #expect(patches == ["0-299999", "300000-899999", "900000-999999"])
    }

    @Test func `the least size that a registry wants is kept`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            guard exchange.request.method != "POST" else {
                return try exchange.respond(
                    202, headers: [("Location", "/up"), ("OCI-Chunk-Min-Length", "400000")])
            }
            try uploads.serve(exchange)
        }
        #expect(try await push(to: server) == .uploaded)
        #expect(patches == ["0-399999", "400000-799999", "800000-999999"])
    }

    @Test(arguments: ["0-LAST", "bytes=0-LAST", "bytes 0-LAST", "", "0-0", "7-LAST", "0-9999999"])
    func `a chunk is what the registry says of it, if that makes sense`(_ range: String) async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                guard exchange.request.method == "PATCH" else { return false }
                // Takes less than comes, and says so in this way.
                let body = try exchange.body()
                let saysWhere = range.contains("0-LAST")
                state.stored += saysWhere ? body.prefix(200_000) : body[...]
                let text = range.replacing("LAST", with: "\(state.stored.count - 1)")
                try exchange.respond(
                    202, headers: [("Location", "/up/2")] + (text.isEmpty ? [] : [("Range", text)]))
                return true
            }
        }
        #expect(try await push(to: server) == .uploaded)
        #expect(uploads.stored == bytes)
    }

    @Test func `a break is taken up in the next run where the registry has got to`() async throws {
        let server = try breakingServer()
        let error = await failure { _ = try await push(to: server) }
        #expect(error?.code == .connectionLost)
        #expect(uploads.stored.count == 450_000)
        #expect(resumedAt.all == [])

        #expect(try await push(to: server) == .uploaded)
        #expect(uploads.stored == bytes)
        #expect(resumedAt.all == ["450000"])
        #expect(count("POST") == 1)
        #expect(patches == ["0-299999", "300000-599999", "450000-749999", "750000-999999"])
        // What is done is forgotten.
        #expect(try Files.contents(folder) == [])
    }

    @Test func `a run that is stopped leaves the upload to the next`() async throws {
        let started = AsyncStream<Void>.makeStream()
        let isFirst = Mutex(true)
        let server = try LoopbackServer { [uploads] exchange in
            if exchange.request.method == "PATCH", uploads.stored.count == 300_000,
                isFirst.withLock({
                    let was = $0; $0 = false; return was
                })
            {
                _ = try exchange.readBody()
                started.continuation.yield()
                return exchange.waitForEnd()
            }
            try uploads.serve(exchange)
        }
        let run = Task { try await push(to: server) }
        for await _ in started.stream { break }
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(count("DELETE") == 0)
        #expect(try await push(to: server) == .uploaded)
        #expect(uploads.stored == bytes)
        #expect(count("POST") == 1 && resumedAt.all == ["300000"])
    }

    @Test func `a session that is gone starts over`() async throws {
        let isGone = Mutex(false)
        let server = try breakingServer { exchange, _ in
            guard exchange.request.method == "GET", isGone.withLock({ $0 }) else { return false }
            try exchange.respond(404, text: #"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#)
            return true
        }
        #expect(await failure { _ = try await push(to: server) }?.code == .connectionLost)
        isGone.withLock { $0 = true }
        #expect(try await push(to: server) == .uploaded)
        #expect(uploads.stored == bytes)
        #expect(count("POST") == 2 && resumedAt.all == [])
    }

    @Test func `a registry that loses every session is given up after some attempts`() async throws {
        let count = Log()
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                switch exchange.request.method {
                case "GET": try exchange.respond(404)
                case "PATCH" where count.add("").isMultiple(of: 2): exchange.close()
                default: return false
                }
                return true
            }
        }
        let clock = TestClock()
        let error = await failure { _ = try await push(to: server, clock, attempts: 4) }
        #expect(error != nil)
        #expect(clock.sleeps.count == 3)
        #expect(try Files.contents(folder).count <= 1)
    }

    @Test func `an earlier run's bytes of another blob start over, once`() async throws {
        let isWrong = Mutex(true)
        let server = try breakingServer { exchange, state in
            guard exchange.request.method == "PUT",
                state.stored.count != 1_000_000 || isWrong.withLock({ $0 })
            else { return false }
            isWrong.withLock { $0 = false }
            try exchange.respond(400, text: #"{"errors":[{"code":"DIGEST_INVALID"}]}"#)
            return true
        }
        #expect(await failure { _ = try await push(to: server) }?.code == .connectionLost)
        #expect(try await push(to: server) == .uploaded)
        #expect(count("POST") == 2 && count("PUT") == 2 && count("DELETE") == 1)
        #expect(uploads.stored == bytes)
        // Bytes of this run that are wrong are an error.
        isWrong.withLock { $0 = true }
        uploads.state.withLock { $0.isDone = false }
        let error = await failure { _ = try await push(to: server) }
        #expect(error?.serverCodes == ["DIGEST_INVALID"])
    }

    @Test func `a refusal for good gives the session back and shows no secret`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange, location: "/up/1?_state=secret") { exchange, _ in
                guard exchange.request.method == "PATCH" else { return false }
                try exchange.respond(403)
                return true
            }
        }
        let error = try #require(await failure { _ = try await push(to: server) })
        #expect(error.code == .denied && !"\(error)".contains("secret"))
        #expect(uploads.log.last == "DELETE /up/1?_state=secret")
        #expect(try Files.contents(folder) == [])
    }

    @Test(arguments: [400, 404, 405, 411, 415, 416, 501])
    func `a registry without chunks gets the blob whole`(_ status: Int) async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                guard exchange.request.method == "PATCH" else { return false }
                try exchange.respond(status)
                return true
            }
        }
        #expect(try await push(to: server, attempts: 5) == .uploaded)
        #expect(uploads.stored == bytes)
        #expect(patches.count == 1)
        #expect(count("POST") == 2 && count("PUT") == 1)
    }

    @Test func `an end whose answer is lost is an end`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                switch exchange.request.method {
                case "PUT":
                    state.isDone = true
                    exchange.close()
                case "GET": try exchange.respond(404)
                default: return false
                }
                return true
            }
        }
        #expect(try await push(to: server, attempts: 3) == .uploaded)
        #expect(count("POST") == 1 && patches.count == 4)
    }
}
