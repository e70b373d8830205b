// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Foundation
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

/// The shapes in which registries ask who is there, as they were seen in the wild or in the specifications.
@Suite struct ChallengeShapeTests {
    private let log = Log()
    private let digest = Digest(of: [1])

    /// A registry that wants a Bearer token, and its token service at `/token`.
    ///
    /// The challenge is the headers of its 401, with `REALM` for the token service; `isFree` says which methods need no
    /// token, and `reply` answers a request for one, of which it gets the number.
    private func registry(
        _ challenge: [String] = [#"Bearer realm="REALM""#],
        isFree: @escaping @Sendable (String) -> Bool = { _ in false },
        registry answer: (@Sendable (LoopbackExchange) throws -> Void)? = nil,
        token reply: @escaping @Sendable (LoopbackExchange, Int) throws -> Void = { exchange, number in
            try exchange.respond(200, text: #"{"token":"t\#(number)"}"#)
        }
    ) throws -> LoopbackServer {
        let port = Mutex("")
        let log = log
        let count = Mutex(0)
        let server = try LoopbackServer { exchange in
            let request = exchange.request
            let authorization = request.header("Authorization") ?? "none"
            log.add("\(request.method) \(request.target) \(authorization)")
            if request.path == "/token" {
                return try reply(
                    exchange,
                    count.withLock {
                        $0 += 1; return $0
                    })
            }
            guard authorization.hasPrefix("Bearer ") || isFree(request.method) else {
                let realm = "http://\(port.withLock { $0 })/token"
                return try exchange.respond(
                    401,
                    headers: challenge.map {
                        ("WWW-Authenticate", $0.replacingOccurrences(of: "REALM", with: realm))
                    })
            }
            if let answer { try answer(exchange) } else { try exchange.respond(200) }
        }
        port.withLock { $0 = server.authority }
        return server
    }

    private func user(_ server: LoopbackServer) throws -> FixedCredentials {
        FixedCredentials(.password(username: "me", password: "pw"), for: try server.host)
    }

    @Test(arguments: [
        [#"Bearer realm="REALM""#], [#"Bearer realm="REALM",service="reg""#], [#"bearer Realm = "REALM" , "#],
        [#"Bearer realm=REALM"#], [#"Basic realm="x", Bearer realm="REALM""#],
        [#"Bearer realm="REALM", Basic realm="x""#], [#"Basic realm="x""#, #"Bearer realm="REALM""#],
        [#"Bearer realm="REALM""#, #"service="reg",scope="repository:acme/auth:pull""#],
        [#"Negotiate"#, #"Bearer realm="REALM",error="invalid_token",error_description="a, \"b\"""#],
    ])
    func `a Bearer challenge is understood`(_ challenge: [String]) async throws {
        let server = try registry(challenge)
        #expect(try await server.client(credentials: try user(server)).hasBlob(repository, digest))
        #expect(log.all.count == 3 && log.all[1].hasSuffix("Basic bWU6cHc="))
        #expect(log.all[1].contains("scope=repository%3Aacme%2Fauth%3Apull"))
    }

    @Test(arguments: [
        "Basic", #"Basic realm="a \"b\" c, d=e""#, "Basic realm=My Registry", #"Basic realm="not closed"#,
        #"BASIC realm='x y'"#, #"Bearer, Basic realm="x""#,
    ])
    func `a Basic challenge is understood`(_ challenge: String) async throws {
        let log = log
        let server = try LoopbackServer { exchange in
            let authorization = exchange.request.header("Authorization") ?? "none"
            log.add(authorization)
            try exchange.respond(
                authorization == "none" ? 401 : 200, headers: [("WWW-Authenticate", challenge)])
        }
        try await server.client(credentials: try user(server)).ping()
        #expect(log.all == ["none", "Basic bWU6cHc="])
    }

    @Test(arguments: [
        ("/token", "is no http URL"), ("", "names no token service"), ("ftp://x/", "is no http URL"),
        ("http://me:pw@127.0.0.1/", "is no http URL"),
    ])
    func `a realm that is no URL is an error`(_ realm: String, _ why: String) async throws {
        let server = try registry([#"Bearer realm="\#(realm)""#])
        let error = try #require(
            await failure {
                _ = try await server.client(credentials: try user(server)).hasBlob(repository, digest)
            })
        #expect(error.code == .badAnswer && error.message.contains(why))
        #expect(log.all.count == 1)
    }

    @Test func `a token service elsewhere gets the password, the registry does not`() async throws {
        let log = log
        let service = try LoopbackServer { exchange in
            log.add("service \(exchange.request.header("Authorization") ?? "none")")
            try exchange.respond(200, text: #"{"token":"abc"}"#)
        }
        let server = try registry([#"Bearer realm="http://\#(service.authority)/auth?x=1",service="reg""#])
        #expect(try await server.client(credentials: try user(server)).hasBlob(repository, digest))
        #expect(log.all[1] == "service Basic bWU6cHc=")
        #expect(log.all.filter { $0.contains("Basic") }.count == 1)
    }

    @Test(arguments: [
        #"{"token":"abc"}"#, #"{"access_token":"abc"}"#, #"{"token":"","access_token":"abc"}"#,
        #"{"token":"abc","access_token":"abc","expires_in":-5}"#, #"{"token":"abc","expires_in":"300"}"#,
        #"{"token":"abc","expires_in":1e300,"issued_at":"never"}"#, #"{"token":"abc","expires_in":null}"#,
        #"{"token":"abc","expires_in":0.5}"#, #"{"token":"abc","expires_in":{}}"#,
    ])
    func `a token is found, whatever is said of its life`(_ reply: String) async throws {
        let server = try registry(token: { exchange, _ in try exchange.respond(200, text: reply) })
        let client = try server.client()
        for _ in 0..<3 { #expect(try await client.hasBlob(repository, digest)) }
        #expect(log.all.filter { $0.contains("/token") }.count == 1)
        #expect(log.all.last?.hasSuffix("Bearer abc") == true)
    }

    @Test(arguments: [404, 405])
    func `a token service that knows GET or POST alone is asked so`(_ status: Int) async throws {
        let forms = Log()
        let post = try registry(token: { exchange, _ in
            guard exchange.request.method == "POST" else { return try exchange.respond(status) }
            forms.add(String(decoding: try exchange.body(), as: UTF8.self))
            try exchange.respond(200, text: #"{"access_token":"abc"}"#)
        })
        #expect(try await post.client(credentials: try user(post)).hasBlob(repository, digest))
        #expect(
            forms.all == [
                "scope=repository%3Aacme%2Fauth%3Apull&client_id=wasme&grant_type=password&username=me&password=pw"
            ])
        let get = try registry(token: { exchange, _ in
            let isGet = exchange.request.method == "GET"
            try exchange.respond(isGet ? 200 : status, text: #"{"token":"abc"}"#)
        })
        let identity = FixedCredentials(.identityToken("refresh"), for: try get.host)
        #expect(try await get.client(credentials: identity).hasBlob(repository, digest))
    }

    @Test func `a token service that is a web page, broken or silent is named`() async throws {
        let page = try registry(token: { exchange, _ in
            try exchange.respond(200, headers: [("Content-Type", "text/html")], text: "<html>portal</html>")
        })
        let html = try #require(await failure { _ = try await page.client().hasBlob(repository, digest) })
        #expect(html.message.contains("answered with a web page; is there a token service?"))

        let broken = try registry(token: { exchange, _ in try exchange.respond(500) })
        let down = try #require(await failure { _ = try await broken.client().hasBlob(repository, digest) })
        #expect(down.status == 500 && down.message.contains("get a token for \"\(broken.authority)\" from"))

        let silent = try registry(token: { exchange, _ in exchange.waitForEnd() })
        let client = try silent.client { $0.stallTimeout = 1 }
        let late = try #require(await failure { _ = try await client.hasBlob(repository, digest) })
        #expect(late.code == .unreachable && late.message.contains("get a token"))
    }

    @Test func `a 401 without a challenge has the API's root say what is wanted`() async throws {
        let port = Mutex("")
        let log = log
        let server = try LoopbackServer { exchange in
            log.add("\(exchange.request.method) \(exchange.request.target)")
            if exchange.request.header("Authorization") != nil { return try exchange.respond(200) }
            let isRoot = exchange.request.target == "/v2/"
            try exchange.respond(401, headers: isRoot ? [("WWW-Authenticate", "Basic")] : [])
        }
        port.withLock { $0 = server.authority }
        #expect(try await server.client(credentials: try user(server)).hasBlob(repository, digest))
        let path = "/v2/acme/auth/blobs/\(digest)"
        #expect(log.all == ["HEAD \(path)", "GET /v2/", "HEAD \(path)"])
        // Nothing is known: the refusal stands, and nothing is asked in circles.
        let mute = try LoopbackServer { try $0.respond(401) }
        #expect(
            await failure {
                _ = try await mute.client(credentials: try user(mute)).hasBlob(repository, digest)
            }?
            .code == .unauthorized)
    }

    @Test(arguments: [401, 403])
    func `a token of too narrow a scope is replaced once, and then the right is missing`(
        _ status: Int
    ) async throws {
        let challenge =
            #"Bearer realm="REALM",scope="repository:acme/auth:pull,push",error="insufficient_scope""#
        let port = Mutex("")
        let log = log
        let server = try LoopbackServer { exchange in
            if exchange.request.path == "/token" {
                return try exchange.respond(200, text: #"{"token":"t\#(log.add(exchange.request.target))"}"#)
            }
            let realm = "http://\(port.withLock { $0 })/token"
            try exchange.respond(
                status,
                headers: [("WWW-Authenticate", challenge.replacingOccurrences(of: "REALM", with: realm))])
        }
        port.withLock { $0 = server.authority }
        let error = try #require(
            await failure {
                _ = try await server.client(credentials: try user(server)).manifest(repository, tag)
            })
        #expect(error.code == .denied && error.category == .denied && error.status == status)
        #expect(error.hint?.contains("may lack the right") == true)
        #expect(log.all.count == 1)
    }

    @Test func `a 403 is final`() async throws {
        let log = log
        let server = try LoopbackServer { exchange in
            log.add("")
            try exchange.respond(403, text: #"{"errors":[{"code":"DENIED","message":"not yours"}]}"#)
        }
        let error = try #require(
            await failure { try await server.client(credentials: try user(server)).ping() })
        #expect(error.code == .denied && error.message.contains("not yours") && log.all.count == 1)
    }

    /// Takes uploads: a location for POST, the whole body for PUT.
    private func upload(_ exchange: LoopbackExchange, _ bodies: Log) throws {
        switch exchange.request.method {
        case "HEAD": try exchange.respond(404)
        case "POST":
            try exchange.respond(202, headers: [("Location", "/v2/acme/auth/blobs/uploads/1?state=x")])
        default:
            bodies.add("\(try exchange.drain())")
            try exchange.respond(201)
        }
    }

    @Test(arguments: ["POST", "PUT"])
    func `a registry may ask only when something is written`(_ method: String) async throws {
        let bodies = Log()
        let challenge = #"Bearer realm="REALM",scope="repository:acme/auth:pull,push""#
        let server = try registry(
            [challenge], isFree: { $0 != method },
            registry: { [self] in try upload($0, bodies) })
        let bytes = sample(300_000)
        let client = try server.client(credentials: try user(server))
        #expect(try await client.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
        #expect(bodies.all.last == "300000")
        let tokens = log.all.filter { $0.contains("/token") }
        #expect(tokens.count == 1 && tokens[0].contains("scope=repository%3Aacme%2Fauth%3Apull%2Cpush"))
    }

    @Test func `a token that runs out during a push is replaced, and the push goes on`() async throws {
        let bodies = Log()
        let port = Mutex("")
        let log = log
        let server = try LoopbackServer { [self] exchange in
            let authorization = exchange.request.header("Authorization") ?? "none"
            if exchange.request.path == "/token" {
                let number = log.all.filter { $0 == "token" }.count + 1
                log.add("token")
                return try exchange.respond(200, text: #"{"token":"t\#(number)"}"#)
            }
            // The first token is good until the blob itself comes.
            let isGood =
                authorization == "Bearer t2"
                || authorization == "Bearer t1" && exchange.request.method != "PUT"
            log.add("\(exchange.request.method) \(authorization) \(isGood)")
            guard isGood else {
                let realm = "http://\(port.withLock { $0 })/token"
                return try exchange.respond(
                    401, headers: [("WWW-Authenticate", #"Bearer realm="\#(realm)",error="invalid_token""#)])
            }
            try upload(exchange, bodies)
        }
        port.withLock { $0 = server.authority }
        let bytes = sample(300_000)
        let client = try server.client(credentials: try user(server))
        #expect(try await client.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
        #expect(log.all.filter { $0 == "token" }.count == 2)
        #expect(log.all.suffix(3) == ["PUT Bearer t1 false", "token", "PUT Bearer t2 true"])
        #expect(bodies.all.last == "300000")
    }

    @Test func `credentials do not follow a redirect to another port or scheme`() async throws {
        let log = log
        let elsewhere = try LoopbackServer { exchange in
            log.add("elsewhere \(exchange.request.header("Authorization") ?? "none")")
            try exchange.respond(200)
        }
        let server = try LoopbackServer { exchange in
            guard exchange.request.header("Authorization") != nil else {
                return try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
            }
            try exchange.respond(
                307, headers: [("Location", "http://\(elsewhere.authority)\(exchange.request.target)")])
        }
        let client = try server.client(credentials: try user(server))
        try await client.ping()
        _ = try await client.hasBlob(repository, digest)
        #expect(log.all == ["elsewhere none", "elsewhere none"])
    }
}
