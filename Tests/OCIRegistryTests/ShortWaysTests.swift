// SPDX-License-Identifier: Apache-2.0

import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

/// Uploads that save round trips: with the first request, and from another repository.
@Suite struct ShortWaysTests {
    private let uploads = UploadServer()
    private let small = sample(5_000)
    private let large = sample(100_000)
    private let start = "POST /v2/acme/auth/blobs/uploads/"

    private func item(_ bytes: [UInt8]) -> String { "digest=sha256%3A\(blob(bytes).digest.hex)" }

    @Test func `a tiny blob goes with the first request, unasked`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, state in
                guard exchange.request.target.contains("digest=") else { return false }
                state.stored = try exchange.body()
                try exchange.respond(201)
                return true
            }
        }
        #expect(try await server.client().push(blob(small), HTTPBody(small), to: repository) == .uploaded)
        #expect(uploads.log == ["\(start)?\(item(small))"])
        #expect(uploads.stored == small)
    }

    @Test(arguments: [202, 400, 404, 405, 413, 501])
    func `a registry that does not know that way is not asked for it twice`(_ status: Int) async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                guard exchange.request.method == "POST", exchange.request.target.contains("digest="),
                    status != 202
                else { return false }
                try exchange.respond(status)
                return true
            }
        }
        let client = try server.client()
        for bytes in [small, [1]] {
            #expect(try await client.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
            #expect(uploads.stored == bytes)
        }
        let first = status == 202 ? ["\(start)?\(item(small))"] : ["\(start)?\(item(small))", start]
        #expect(
            uploads.log == first + [
                "PUT /up/1?_state=s%3D&\(item(small))", start, "PUT /up/1?_state=s%3D&\(item([1]))",
            ])
    }

    @Test func `a blob is taken over from another repository`() async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                guard exchange.request.target.contains("from=acme%2Fb") else { return false }
                try exchange.respond(201, headers: [("Location", "/v2/acme/auth/blobs/x")])
                return true
            }
        }
        let sources = try ["acme/a", "acme/auth", "acme/b"].map { try Repository($0) }
        let push = try await server.client().push(
            blob(large), HTTPBody(large), to: repository, mountFrom: sources)
        #expect(push == .mounted(from: sources[2]))
        let mount = "\(start)?mount=sha256%3A\(blob(large).digest.hex)&from=acme%2F"
        // The session that the first repository's absence began is given back; our own is not asked about.
        #expect(uploads.log == ["\(mount)a", "DELETE /up/1?_state=s%3D", "\(mount)b"])
    }

    @Test(arguments: [202, 400, 403, 404, 405])
    func `what cannot be taken over is sent`(_ status: Int) async throws {
        let server = try LoopbackServer { [uploads] exchange in
            try uploads.serve(exchange) { exchange, _ in
                guard exchange.request.target.contains("from="), status != 202 else { return false }
                try exchange.respond(status)
                return true
            }
        }
        let push = try await server.client().push(
            blob(large), HTTPBody(large), to: repository, mountFrom: [Repository("acme/b")])
        #expect(push == .uploaded)
        #expect(uploads.stored == large)
        // A session that the question began is used.
        #expect(uploads.log.filter { $0.hasPrefix("POST") }.count == (status == 202 ? 1 : 2))
        #expect(uploads.log.contains("HEAD /v2/acme/auth/blobs/\(blob(large).digest)"))
    }

    @Test func `what is there already gives the session of a failed takeover back`() async throws {
        uploads.state.withLock { $0.isDone = true }
        let server = try LoopbackServer { [uploads] in try uploads.serve($0) }
        let push = try await server.client().push(
            blob(large), HTTPBody(large), to: repository, mountFrom: [Repository("acme/b")])
        #expect(push == .alreadyThere)
        #expect(uploads.log.last == "DELETE /up/1?_state=s%3D")
        #expect(!uploads.log.contains { $0.hasPrefix("PUT") })
    }

    @Test func `the token for a takeover covers both repositories`() async throws {
        let log = Log()
        let tokens = try LoopbackServer { exchange in
            log.add(exchange.request.target)
            try exchange.respond(200, text: #"{"token":"t\#(log.all.count)"}"#)
        }
        let server = try LoopbackServer { exchange in
            guard exchange.request.header("Authorization") != nil else {
                return try exchange.respond(
                    401,
                    headers: [
                        ("WWW-Authenticate", "Bearer realm=\"http://\(tokens.authority)/\",service=\"s\"")
                    ])
            }
            try exchange.respond(201)
        }
        let push = try await server.client().push(
            blob(large), HTTPBody(large), to: repository, mountFrom: [Repository("acme/b")])
        #expect(try push == .mounted(from: Repository("acme/b")))
        #expect(
            log.all == [
                "/?service=s&scope=repository%3Aacme%2Fauth%3Apull%2Cpush&scope=repository%3Aacme%2Fb%3Apull"
            ])
    }
}
