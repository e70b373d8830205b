// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct TroubleTests {
    @Test(arguments: [429, 500, 502, 503, 504])
    func `passing trouble is waited out`(_ status: Int) async throws {
        let log = Log()
        let server = try LoopbackServer { try $0.respond(log.add("") < 4 ? status : 200) }
        let clock = TestClock()
        try await server.client(clock).ping()
        #expect(clock.sleeps == [.milliseconds(250), .milliseconds(500), .seconds(1)])
    }

    @Test func `the wait is the server's if it names one`() async throws {
        let log = Log()
        let server = try LoopbackServer {
            try $0.respond(log.add("") < 2 ? 429 : 200, headers: [("Retry-After", "7")])
        }
        let clock = TestClock()
        try await server.client(clock).ping()
        #expect(clock.sleeps == [.seconds(7)])
    }

    @Test func `a wait may be until a date, by the server's own clock`() async throws {
        let log = Log()
        let headers = [
            ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"),
        ]
        let server = try LoopbackServer { try $0.respond(log.add("") < 2 ? 503 : 200, headers: headers) }
        let clock = TestClock()
        try await server.client(clock).ping()
        #expect(clock.sleeps == [.seconds(30)])
    }

    @Test func `no attempt begins after the total time`() async throws {
        let log = Log()
        let server = try LoopbackServer {
            log.add("")
            try $0.respond(503, headers: [("Retry-After", "50")])
        }
        let clock = TestClock()
        let client = try server.client(clock) { $0.retry.longestTotal = .seconds(120) }
        #expect(await failure { try await client.ping() }?.status == 503)
        #expect(clock.sleeps == [.seconds(50), .seconds(50)] && log.all.count == 3)
    }

    @Test func `a broken connection and a stalled answer are tried again`() async throws {
        let log = Log()
        let server = try LoopbackServer { exchange in
            switch log.add("") {
            case 1: exchange.close()
            case 2:
                try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
                exchange.waitForEnd()
            default: try exchange.respond(200)
            }
        }
        try await server.client { $0.stallTimeout = 1 }.ping()
        #expect(log.all.count == 3)
    }

    @Test func `a server that never answers is named with what was wanted of it`() async throws {
        let server = try LoopbackServer { $0.waitForEnd() }
        let client = try server.client { $0.stallTimeout = 1 }
        let error = try #require(await failure { _ = try await client.manifest(repository, tag) })
        #expect(error.code == .unreachable)
        #expect(error.message == "cannot read manifest \"\(server.authority)/acme/auth:v1\"")
        #expect("\(error)".contains("took too long: no answer came"))
    }

    @Test func `a web page in an answer's place is told as such`() async throws {
        let page = "<!DOCTYPE html><html>Welcome</html>"
        let portal = try LoopbackServer {
            try $0.respond(200, headers: [("Content-Type", "text/html")], text: page)
        }
        let client = try portal.client()
        for error in [
            await failure { try await client.ping() },
            await failure { _ = try await client.manifest(repository, tag) },
            await failure { _ = try await client.tags(repository) },
        ] {
            #expect(error?.code == .badAnswer)
            #expect(error?.message.hasSuffix("\"\(portal.authority)\" answered with a web page") == true)
            #expect(error?.hint?.contains("is there a registry at \"\(portal.authority)\"?") == true)
        }
        let site = try LoopbackServer {
            try $0.respond(404, headers: [("Content-Type", "text/html")], text: page)
        }
        let missing = await failure { try await site.client().ping() }
        #expect(missing?.message.hasSuffix("answered 404 with a web page") == true)
        #expect(missing?.hint?.contains("is there a registry") == true)
    }

    @Test func `a web server that wants TLS or a certificate gets a hint`() async throws {
        for (text, hint) in [
            ("<html>The plain HTTP request was sent to HTTPS port", "leave out --plain-http"),
            ("<html>No required SSL certificate was sent", "--cert FILE"),
        ] {
            let server = try LoopbackServer {
                try $0.respond(400, headers: [("Content-Type", "text/html")], text: text)
            }
            #expect(await failure { try await server.client().ping() }?.hint?.contains(hint) == true)
        }
    }

    @Test func `a wait ends at once with the task`() async throws {
        let log = Log()
        let server = try LoopbackServer {
            log.add("")
            try $0.respond(503, headers: [("Retry-After", "50")])
        }
        let client = RegistryClient(
            host: try server.host, transport: CurlTransport(), options: RegistryOptions(plainHTTP: true))
        let task = Task { try await client.ping() }
        while log.all.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        let start = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // Sooner than it was asked to wait: how soon is the machine's affair.
        #expect(ContinuousClock.now - start < .seconds(45))
    }

    @Test func `a server that wants a long wait is not waited for`() async throws {
        let server = try LoopbackServer { try $0.respond(429, headers: [("Retry-After", "86400")]) }
        let clock = TestClock()
        let error = await failure { try await server.client(clock).ping() }
        #expect(error?.code == .rateLimited)
        #expect(error?.retryAfter == .seconds(86400))
        #expect(clock.sleeps.isEmpty)
    }

    @Test func `trouble that stays is told after five attempts`() async throws {
        let log = Log()
        let server = try LoopbackServer {
            log.add("")
            try $0.respond(503, text: "down for maintenance")
        }
        let error = try #require(await failure { try await server.client().ping() })
        #expect(error.code == .unavailable && error.status == 503 && error.category == .unreachable)
        #expect(log.all.count == 5)
    }

    @Test(arguments: [400, 404, 501])
    func `a refusal is not tried again`(_ status: Int) async throws {
        let log = Log()
        let server = try LoopbackServer {
            log.add("")
            try $0.respond(status)
        }
        #expect(await failure { try await server.client().ping() }?.status == status)
        #expect(log.all.count == 1)
    }

    @Test func `cancelling ends a wait`() async throws {
        let server = try LoopbackServer { try $0.respond(503, headers: [("Retry-After", "50")]) }
        let client = RegistryClient(
            host: try server.host, transport: CurlTransport(), options: RegistryOptions(plainHTTP: true))
        let task = Task { try await client.ping() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a registry that is down is named, with a way out`() async throws {
        let server = try ClosedPort()
        let client = RegistryClient(host: try RegistryHost(server.authority), transport: CurlTransport())
        let error = try #require(await failure { _ = try await client.manifest(repository, tag) })
        #expect(error.code == .unreachable && error.category == .unreachable)
        #expect(error.message == "cannot read manifest \"\(server.authority)/acme/auth:v1\"")
        #expect(error.hint?.contains("wasme-hub serve") == true)
        #expect("\(error)".contains("cannot be connected to"))
    }

    @Test func `an unknown host is named`() async throws {
        let client = RegistryClient(host: try RegistryHost("no-such.invalid"), transport: CurlTransport())
        let error = try #require(await failure { try await client.ping() })
        #expect(error.code == .unreachable)
        #expect(error.hint?.contains("no-such.invalid") == true)
    }

    @Test func `plain HTTP where https is spoken gets a hint`() async throws {
        let server = try LoopbackServer(greeting: "HTTP/1.1 400 Bad Request\r\n\r\n") { $0.close() }
        let client = RegistryClient(
            host: try server.host, transport: CurlTransport(), options: RegistryOptions(plainHTTP: false))
        let error = try #require(await failure { try await client.ping() })
        #expect(error.code == .wrongProtocol)
        #expect(error.hint?.contains("--plain-http") == true)
    }

    @Test func `a loopback registry is asked by plain HTTP`() async throws {
        let server = try LoopbackServer { try $0.respond($0.request.target == "/v2/" ? 200 : 404) }
        let client = RegistryClient(host: try server.host, transport: CurlTransport())
        try await client.ping()
        #expect(try await !client.hasBlob(repository, Digest(of: [1])))
    }

    @Test func `what the registry says is shown, tamed`() async throws {
        let server = try LoopbackServer {
            try $0.respond(
                404,
                text:
                    #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\u001b[2J unknown\n","detail":{"a":1}}]}"#
            )
        }
        let error = try #require(await failure { _ = try await server.client().manifest(repository, tag) })
        #expect(error.code == .manifestUnknown)
        #expect(error.serverCodes == ["MANIFEST_UNKNOWN"])
        #expect(
            error.message == "cannot read manifest \"\(server.authority)/acme/auth:v1\": "
                + "the registry answered 404 (MANIFEST_UNKNOWN: manifest [2J unknown)")
    }

    @Test func `an HTML page is not shown, a plain text is`() async throws {
        let html = try LoopbackServer {
            try $0.respond(500, headers: [("Content-Type", "text/html")], text: "<html><b>nginx</b></html>")
        }
        #expect(
            await failure { try await html.client().ping() }?.message.hasSuffix(
                "answered 500 with a web page") == true)
        let plain = try LoopbackServer {
            try $0.respond(500, headers: [("Content-Type", "text/plain")], text: "no disk\n")
        }
        #expect(
            await failure { try await plain.client().ping() }?.message.hasSuffix("answered 500 (no disk)")
                == true)
    }

    @Test func `an error body without end is cut off`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 403 No\r\nContent-Type: text/plain\r\n\r\n")
            while true { try exchange.write(String(repeating: "no ", count: 20_000)) }
        }
        let error = try #require(await failure { try await server.client().ping() })
        #expect(error.code == .denied && error.category == .denied)
        #expect(error.message.count < 400)
    }

    @Test func `redirects in circles end`() async throws {
        let log = Log()
        let server = try LoopbackServer {
            log.add("")
            try $0.respond(302, headers: [("Location", "/v2/")])
        }
        #expect(await failure { try await server.client().ping() }?.code == .badAnswer)
        #expect(log.all.count == 11)
    }

    @Test(arguments: ["ftp://x/", "http://user:pw@127.0.0.1/", "\u{7f}", ""])
    func `a redirect to nowhere is told as such`(_ location: String) async throws {
        let server = try LoopbackServer { try $0.respond(302, headers: [("Location", location)]) }
        let error = try #require(await failure { try await server.client().ping() })
        #expect(error.code == .badAnswer)
        #expect(!error.description.contains("pw"))
    }
}
