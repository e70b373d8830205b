// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import LoopbackServer
import Synchronization
import SystemPackage
import TestSupport
import Testing
import WasmeCommands

@Suite struct LoginTests {
    private let marker = "mArKeR-s3cret"

    /// A registry that lets in `me` with the marker as password, by Basic.
    private func server() throws -> LoopbackServer {
        let good = "Basic " + Data("me:\(marker)".utf8).base64EncodedString()
        return try LoopbackServer { exchange in
            let isGood = exchange.request.header("Authorization") == good
            try exchange.respond(
                isGood ? 200 : 401, headers: [("WWW-Authenticate", #"Basic realm="test""#)])
        }
    }

    private func config(_ listener: Listener) throws -> String {
        let path = listener.scratch.appending("home").pushing(".docker/config.json")
        guard Files.kind(path) != nil else { return "" }
        return String(decoding: try Files.read(path), as: UTF8.self)
    }

    @Test func `a password from a pipe is checked, then kept`() async throws {
        let server = try server()
        let listener = try Listener(input: "\(marker)\n")
        let host = server.authority
        #expect(await listener.run("login", host, "-u", "me", "--password-stdin") == 0, "\(listener.errors)")
        #expect(listener.output == "logged in to \(host) as me\n")
        #expect(listener.errors.contains("config.json"))
        #expect(try config(listener).contains(Data("me:\(marker)".utf8).base64EncodedString()))
        #expect(await listener.run("logout", host) == 0)
        #expect(listener.output.hasSuffix("logged out of \(host)\n"))
        #expect(try !config(listener).contains(host))
        #expect(!(listener.output + listener.errors).contains(marker))
    }

    @Test func `on a terminal both are asked for`() async throws {
        let server = try server()
        let listener = try Listener(answers: ["me", marker])
        #expect(await listener.run("login", server.authority) == 0, "\(listener.errors)")
        #expect(listener.errors.hasPrefix("Username: Password: \n"))
        #expect(try config(listener).contains(server.authority))
    }

    @Test func `refused credentials are not kept`() async throws {
        let server = try server()
        let listener = try Listener(input: "guess\n")
        #expect(await listener.run("login", server.authority, "-u", "me", "--password-stdin") == 77)
        #expect(listener.errors.contains("cannot log in to \"\(server.authority)\""))
        #expect(try config(listener).isEmpty)
    }

    @Test func `a registry that asks nobody says so, and they are kept`() async throws {
        let server = try LoopbackServer { try $0.respond(200) }
        let listener = try Listener(input: marker)
        #expect(await listener.run("login", server.authority, "-u", "me", "--password-stdin") == 0)
        #expect(listener.errors.contains("lets in everybody"))
        #expect(try config(listener).contains(server.authority))
    }

    @Test func `a password on the command line works, with a warning`() async throws {
        let server = try server()
        let listener = try Listener()
        #expect(await listener.run("login", server.authority, "-u", "me", "-p", marker) == 0)
        #expect(listener.errors.contains("warning: a password on the command line"))
        #expect(!(listener.output + listener.errors).contains(marker))
    }

    @Test func `without a terminal what is missing is said`() async throws {
        let listener = try Listener()
        #expect(await listener.run("login", "r.io") == 64)
        #expect(listener.errors.contains("--username"))
        #expect(await listener.run("login", "r.io", "-u", "me") == 64)
        #expect(listener.errors.contains("--password-stdin"))
        #expect(await listener.run("login") == 64)
        #expect(listener.errors.contains("WASM_IMAGE_REGISTRY"))
        #expect(await listener.run("login", "r.io/acme", "-u", "me", "--password-stdin") == 64)
        #expect(listener.errors.contains("\"r.io/acme\" is not a registry"))
        #expect(await listener.run("login", "r.io", "-u", "me", "--password-stdin") == 64)
        #expect(listener.errors.contains("the password is empty"))
    }

    @Test func `the registry may be a URL, or come from WASM_IMAGE_REGISTRY`() async throws {
        let server = try server()
        let listener = try Listener(input: marker)
        let words = ["-u", "me", "--password-stdin", "-q"]
        #expect(await listener.run(["login", "http://\(server.authority)/v2/"] + words) == 0)
        let environment = ["WASM_IMAGE_REGISTRY": server.authority]
        #expect(await listener.run(["login"] + words, environment: environment) == 0)
        #expect(listener.output == "\(server.authority)\n\(server.authority)\n")
        #expect(listener.errors.isEmpty)
    }

    @Test func `a token service's identity token is kept in place of the password`() async throws {
        let port = Mutex("")
        let seen = Mutex<[String]>([])
        let server = try LoopbackServer { exchange in
            if exchange.request.path == "/token" {
                let body = String(decoding: try exchange.body(), as: UTF8.self)
                seen.withLock { $0.append("\(exchange.request.method) \(exchange.request.target) \(body)") }
                return try exchange.respond(
                    200, text: #"{"access_token":"a","token":"a","refresh_token":"r3fresh"}"#)
            }
            let isGood = exchange.request.header("Authorization") == "Bearer a"
            let realm = "http://\(port.withLock { $0 })/token"
            try exchange.respond(
                isGood ? 404 - (exchange.request.target == "/v2/" ? 204 : 0) : 401,
                headers: [("WWW-Authenticate", #"Bearer realm="\#(realm)",service="reg""#)])
        }
        port.withLock { $0 = server.authority }
        let listener = try Listener(input: marker)
        #expect(await listener.run("login", server.authority, "-u", "me", "--password-stdin") == 0)
        #expect(try config(listener).contains("\"identitytoken\": \"r3fresh\""))
        #expect(try !config(listener).contains(Data("me:\(marker)".utf8).base64EncodedString()))
        #expect(await listener.run("pull", "\(server.authority)/acme/auth:v1") == 1)
        #expect(
            seen.withLock { $0 } == [
                "GET /token?service=reg&account=me&offline_token=true&client_id=wasme ",
                "POST /token service=reg&scope=repository%3Aacme%2Fauth%3Apull&client_id=wasme"
                    + "&grant_type=refresh_token&refresh_token=r3fresh",
            ])
    }

    @Test func `a user of the command line goes before the kept one`() async throws {
        let server = try server()
        let listener = try Listener(input: marker)
        // Past the door there is nothing: the registry answers 200 without a manifest.
        let pull = ["pull", "\(server.authority)/acme/auth:v1", "-u", "me", "--password-stdin"]
        #expect(await listener.run(pull) == 1, "\(listener.errors)")
        let stranger = try Listener(input: "guess")
        #expect(await stranger.run(pull) == 77, "\(stranger.errors)")
        #expect(try config(listener).isEmpty)
    }

    @Test(.requires(.registry)) func `a real registry's users log in`() async throws {
        try await DockerRegistry.run(withUsers: true) { registry in
            let listener = try Listener(input: "s3cret\n")
            let words = ["login", registry.address, "-u", "me", "--password-stdin", "--format", "json"]
            #expect(await listener.run(words) == 0, "\(listener.errors)")
            let result = try JSONSerialization.jsonObject(with: Data(listener.output.utf8))
            #expect((result as? [String: String])?["username"] == "me")
            let wrong = try Listener(input: "s3cre")
            #expect(await wrong.run(words) == 77)
            #expect(try config(wrong).isEmpty)
        }
    }
}
