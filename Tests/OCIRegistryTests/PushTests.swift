// SPDX-License-Identifier: Apache-2.0

import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct PushTests {
    private let uploads = UploadServer()
    private let bytes = sample(1_000_000)
    private var digestItem: String { "digest=sha256%3A\(blob(bytes).digest.hex)" }
    private var head: String { "HEAD /v2/acme/auth/blobs/\(blob(bytes).digest)" }

    private func push(_ client: RegistryClient) async throws -> BlobPush {
        try await client.push(blob(bytes), HTTPBody(bytes), to: repository)
    }

    @Test func `a blob goes in one piece to where the registry says`() async throws {
        let server = try LoopbackServer { [uploads] in try uploads.serve($0) }
        let client = try server.client()
        #expect(try await push(client) == .uploaded)
        #expect(Digest(of: uploads.stored) == blob(bytes).digest)
        #expect(
            uploads.log == [head, "POST /v2/acme/auth/blobs/uploads/", "PUT /up/1?_state=s%3D&\(digestItem)"])
        #expect(try await push(client) == .alreadyThere)
    }

    @Test(arguments: ["/up/x", "http://HOST/up/x", "//HOST/up/x", "x", "?a=b"])
    func `a location may be relative or absolute`(_ location: String) async throws {
        let authority = Mutex("")
        let server = try LoopbackServer { [uploads] exchange in
            let text = location.replacing("HOST", with: authority.withLock { $0 })
            try uploads.serve(exchange, location: text)
        }
        authority.withLock { $0 = server.authority }
        #expect(try await push(server.client()) == .uploaded)
        let targets = [
            "x": "/v2/acme/auth/blobs/uploads/x?", "?a=b": "/v2/acme/auth/blobs/uploads/?a=b&",
        ]
        #expect(uploads.log.last == "PUT \(targets[location] ?? "/up/x?")\(digestItem)")
    }

    @Test func `credentials stay away from an upload location elsewhere`() async throws {
        let log = Log()
        let elsewhere = try LoopbackServer { exchange in
            log.add(exchange.request.header("Authorization") ?? "none")
            try exchange.respond(201)
        }
        let server = try LoopbackServer { [uploads] exchange in
            guard exchange.request.header("Authorization") != nil else {
                return try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
            }
            try uploads.serve(exchange, location: "http://\(elsewhere.authority)/up")
        }
        let client = try server.client(
            credentials: FixedCredentials(.password(username: "a", password: "b"), for: try server.host))
        #expect(try await push(client) == .uploaded)
        #expect(log.all == ["none"])
    }

    @Test(arguments: [405, 413])
    func `a registry that wants no single piece gets chunks`(_ status: Int) async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                let length = exchange.request.header("Content-Length").flatMap { Int($0) } ?? 0
                guard length > 300_000 else { return false }
                try exchange.respond(status)
                return true
            }
        }
        #expect(
            try await push(server.client { $0.chunkSize = status == 413 ? 1 << 20 : 300_000 }) == .uploaded)
        #expect(Digest(of: uploads.stored) == blob(bytes).digest)
        let patches = uploads.log.filter { $0.hasPrefix("PATCH") }
        #expect(patches.first?.hasSuffix(status == 413 ? " 0-999999" : " 0-299999") == true)
        #expect(patches.last?.hasSuffix("-999999") == true)
    }

    @Test func `a chunk that is lost is taken up where the registry has got to`() async throws {
        let count = Log()
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                if exchange.request.method == "PUT", exchange.request.header("Content-Length") != "0" {
                    try exchange.respond(405)
                    return true
                }
                // Half of the second chunk arrives, then the connection breaks.
                guard exchange.request.method == "PATCH", count.add("") == 2 else { return false }
                state.stored += try exchange.body().prefix(150_000)
                exchange.close()
                return true
            }
        }
        let clock = TestClock()
        #expect(try await push(server.client(clock) { $0.chunkSize = 300_000 }) == .uploaded)
        #expect(Digest(of: uploads.stored) == blob(bytes).digest)
        #expect(clock.sleeps == [.milliseconds(250)])
        #expect(uploads.log.contains { $0.hasSuffix(" 450000-749999") })
    }

    @Test func `an upload whose answer is lost is not sent twice`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                guard exchange.request.method == "PUT" else { return false }
                state.stored = try exchange.body()
                state.isDone = true
                exchange.close()
                return true
            }
        }
        #expect(try await push(server.client()) == .alreadyThere)
        #expect(uploads.log.filter { $0.hasPrefix("PUT") }.count == 1)
    }

    @Test func `an upload that meets passing trouble starts over`() async throws {
        let count = Log()
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                guard exchange.request.method == "PUT", count.add("") == 1 else { return false }
                try exchange.respond(503)
                return true
            }
        }
        let read = Mutex<Int64>(0)
        let body = HTTPBody(bytes).observed { position in read.withLock { $0 = position } }
        #expect(try await server.client().push(blob(bytes), body, to: repository) == .uploaded)
        #expect(Digest(of: uploads.stored) == blob(bytes).digest)
        #expect(uploads.log.filter { $0.hasPrefix("POST") }.count == 2)
        #expect(read.withLock { $0 } == 1_000_000)
    }

    @Test func `a registry that stored something else is caught`() async throws {
        let server = try LoopbackServer { exchange in
            switch exchange.request.method {
            case "HEAD": try exchange.respond(404)
            case "POST": try exchange.respond(202, headers: [("Location", "/up")])
            default: try exchange.respond(201, headers: [("Docker-Content-Digest", "\(Digest(of: [0]))")])
            }
        }
        let client = try server.client()
        #expect(await failure { _ = try await push(client) }?.code == .contentMismatch)
        let document = try manifest(config: blob([1]), layers: [])
        #expect(
            await failure { try await client.push(document, to: repository, as: tag) }?.code
                == .contentMismatch)
    }

    @Test func `a body of another length is refused before anything is sent`() async throws {
        let server = try LoopbackServer { try $0.respond(500) }
        let error = await failure {
            _ = try await server.client().push(blob(bytes), HTTPBody([1]), to: repository)
        }
        #expect(error?.code == .contentMismatch)
        let document = try manifest(config: blob([1]), layers: [])
        let wrong = await failure {
            try await server.client().push(document, to: repository, as: .digest(Digest(of: [7])))
        }
        #expect(wrong?.code == .contentMismatch)
        #expect(server.connectionCount == 0)
    }

    @Test func `a registry without a location is told as such`() async throws {
        let server = try LoopbackServer { try $0.respond($0.request.method == "HEAD" ? 404 : 202) }
        #expect(await failure { _ = try await push(server.client()) }?.code == .badAnswer)
    }
}
