// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct AuthenticationTests {
    private let log = Log()

    /// A registry with a token service; a token names the scope it is for.
    private func bearerServer(
        challenge: String = #"service="reg""#, expiry: Int = 300
    ) throws -> LoopbackServer {
        let port = Mutex("")
        let log = log
        let server = try LoopbackServer { exchange in
            let authorization = exchange.request.header("Authorization") ?? "none"
            if exchange.request.path == "/token" {
                let form = String(decoding: try exchange.body(), as: UTF8.self)
                let number = log.add(
                    "\(exchange.request.method) \(exchange.request.target) \(authorization) \(form)")
                let reply = #"{"token":"t\#(number)","expires_in":\#(expiry)}"#
                return try exchange.respond(200, text: reply)
            }
            guard authorization.hasPrefix("Bearer t") else {
                let realm = "http://\(port.withLock { $0 })/token"
                return try exchange.respond(
                    401,
                    headers: [
                        ("WWW-Authenticate", #"Basic realm="x", bearer Realm="\#(realm)", \#(challenge)"#)
                    ])
            }
            try exchange.respond(200, headers: [("X-Seen", authorization)])
        }
        port.withLock { $0 = server.authority }
        return server
    }

    private var digest: Digest { Digest(of: Array("x".utf8)) }

    @Test func `a token is fetched for the scope and used again`() async throws {
        let server = try bearerServer()
        let client = try server.client(
            credentials: FixedCredentials(.password(username: "me", password: "pw"), for: try server.host))
        for _ in 0..<3 { #expect(try await client.hasBlob(repository, digest)) }
        #expect(
            log.all == [
                "GET /token?service=reg&scope=repository%3Aacme%2Fauth%3Apull&account=me Basic bWU6cHc= "
            ])
        #expect(try await client.hasBlob(Repository("acme/other"), digest))
        #expect(log.all.count == 2)
    }

    @Test func `a token service is asked without credentials, and a challenge needs no service`() async throws
    {
        let server = try bearerServer(challenge: #"scope="repository:acme/auth:pull registry:catalog:*""#)
        #expect(try await server.client().hasBlob(repository, digest))
        #expect(
            log.all == [
                "GET /token?scope=repository%3Aacme%2Fauth%3Apull&scope=registry%3Acatalog%3A%2A none "
            ])
    }

    @Test func `an identity token is exchanged by POST`() async throws {
        let server = try bearerServer()
        let client = try server.client(
            credentials: FixedCredentials(.identityToken("refresh&me"), for: try server.host))
        #expect(try await client.hasBlob(repository, digest))
        #expect(
            log.all == [
                "POST /token none service=reg&scope=repository%3Aacme%2Fauth%3Apull&client_id=wasme"
                    + "&grant_type=refresh_token&refresh_token=refresh%26me"
            ])
    }

    @Test func `requests at the same time share one token`() async throws {
        let server = try bearerServer()
        let client = try server.client()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 { group.addTask { try await client.hasBlob(repository, digest) } }
            for try await found in group { #expect(found) }
        }
        #expect(log.all.count == 1)
    }

    @Test func `a token that has run out is fetched anew`() async throws {
        let server = try bearerServer(expiry: 100)
        let clock = TestClock()
        let client = try server.client(clock)
        _ = try await client.hasBlob(repository, digest)
        clock.advance(by: .seconds(89))
        _ = try await client.hasBlob(repository, digest)
        #expect(log.all.count == 1)
        clock.advance(by: .seconds(2))
        _ = try await client.hasBlob(repository, digest)
        #expect(log.all.count == 2)
    }

    @Test func `a token that is refused is replaced once`() async throws {
        let port = Mutex("")
        let log = log
        let server = try LoopbackServer { exchange in
            if exchange.request.path == "/token" {
                return try exchange.respond(200, text: #"{"access_token":"t\#(log.add("token"))"}"#)
            }
            // The first token is revoked after its first use.
            let authorization = exchange.request.header("Authorization") ?? "none"
            let uses = log.add(authorization)
            guard authorization == "Bearer t2" || uses < 4, authorization != "none" else {
                let realm = "http://\(port.withLock { $0 })/token"
                return try exchange.respond(
                    401, headers: [("WWW-Authenticate", #"Bearer realm="\#(realm)""#)])
            }
            try exchange.respond(200)
        }
        port.withLock { $0 = server.authority }
        let client = try server.client()
        _ = try await client.hasBlob(repository, digest)
        #expect(log.all == ["none", "token", "Bearer t2"])
    }

    @Test func `Basic is answered with the password and then sent at once`() async throws {
        let log = log
        let server = try LoopbackServer { exchange in
            let authorization = exchange.request.header("Authorization") ?? "none"
            log.add(authorization)
            try exchange.respond(
                authorization == "none" ? 401 : 200, headers: [("WWW-Authenticate", #"BASIC realm="r""#)])
        }
        let client = try server.client(
            credentials: FixedCredentials(.password(username: "me", password: "pw"), for: try server.host))
        try await client.ping()
        try await client.ping()
        #expect(log.all == ["none", "Basic bWU6cHc=", "Basic bWU6cHc="])
    }

    @Test func `refused credentials are said to be denied, with a way out`() async throws {
        let log = log
        let server = try LoopbackServer { exchange in
            log.add("request")
            try exchange.respond(
                401, headers: [("WWW-Authenticate", #"Basic realm="r""#)],
                text:
                    #"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#
            )
        }
        let credentials = FixedCredentials(.password(username: "me", password: "pw"), for: try server.host)
        let error = try #require(await failure { try await server.client(credentials: credentials).ping() })
        #expect(error.code == .unauthorized)
        #expect(error.category == .denied)
        #expect(error.hint == "log in with 'wasme login \(server.authority)'")
        #expect(error.message.hasSuffix("(UNAUTHORIZED: authentication required)"))
        #expect(log.all.count == 2)
    }

    @Test func `credentials stay away from the target of a redirect`() async throws {
        let bytes = sample(1000)
        let log = log
        let elsewhere = try LoopbackServer { exchange in
            log.add("elsewhere: \(exchange.request.header("Authorization") ?? "none")")
            try exchange.respond(200, body: bytes)
        }
        let server = try LoopbackServer { exchange in
            let authorization = exchange.request.header("Authorization") ?? "none"
            log.add("registry: \(authorization)")
            guard authorization != "none" else {
                return try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
            }
            if exchange.request.path == "/here" {
                return try exchange.respond(
                    302, headers: [("Location", "http://\(elsewhere.authority)/signed?secret=1")])
            }
            try exchange.respond(307, headers: [("Location", "/here")])
        }
        let client = try server.client(
            credentials: FixedCredentials(.password(username: "me", password: "pw"), for: try server.host))
        let sink = MemorySink(limit: 2000)
        try await client.blob(repository, blob(bytes), into: sink)
        #expect(Digest(of: sink.bytes) == blob(bytes).digest)
        #expect(
            log.all == [
                "registry: none", "registry: Basic bWU6cHc=", "registry: Basic bWU6cHc=", "elsewhere: none",
            ])
    }

    @Test func `a challenge of a redirect's target is not answered`() async throws {
        let elsewhere = try LoopbackServer { exchange in
            try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
        }
        let server = try LoopbackServer { exchange in
            try exchange.respond(302, headers: [("Location", "http://\(elsewhere.authority)/")])
        }
        let client = try server.client(
            credentials: FixedCredentials(.password(username: "me", password: "pw"), for: try server.host))
        #expect(await failure { _ = try await client.hasBlob(repository, digest) }?.code == .unauthorized)
    }

    @Test(arguments: ["", "{}", #"{"token":""}"#, #"{"token":"a\r\nb"}"#, "<html>"])
    func `a token service that gives none is told as such`(_ reply: String) async throws {
        let port = Mutex("")
        let server = try LoopbackServer { exchange in
            guard exchange.request.path != "/token" else { return try exchange.respond(200, text: reply) }
            let realm = "http://\(port.withLock { $0 })/token"
            try exchange.respond(401, headers: [("WWW-Authenticate", #"Bearer realm="\#(realm)""#)])
        }
        port.withLock { $0 = server.authority }
        #expect(await failure { try await server.client().ping() }?.code == .badAnswer)
    }
}
