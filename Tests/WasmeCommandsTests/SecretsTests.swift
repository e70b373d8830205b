// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import LoopbackServer
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Whatever goes wrong, what is printed holds no secret.
@Suite struct SecretsTests {
    private static let marker = "mArKeR53cret"

    /// Ways in which a registry fails somebody who has shown a secret.
    enum Trouble: String, CaseIterable, Sendable {
        case refuses, tokenRefused, tokenBroken, tokenPage, tokenStrange, redirectsToUser, breaksOff, page
    }

    private func registry(_ trouble: Trouble) throws -> LoopbackServer {
        let port = Mutex("")
        let marker = Self.marker
        let server = try LoopbackServer { exchange in
            let request = exchange.request
            let realm = "http://\(port.withLock { $0 })/token?hint=\(marker)"
            if request.path == "/token" {
                switch trouble {
                case .tokenBroken: return try exchange.respond(400, text: #"{"errors":[]}"#)
                case .tokenPage: return try exchange.respond(200, text: "<html>\(marker)</html>")
                case .tokenStrange: return try exchange.respond(200, text: #"{"token":["\#(marker)"]}"#)
                default: return try exchange.respond(401, text: #"{"details":"\#(marker)"}"#)
                }
            }
            if trouble.rawValue.hasPrefix("token") {
                return try exchange.respond(
                    401, headers: [("WWW-Authenticate", #"Bearer realm="\#(realm)",service="x""#)])
            }
            guard request.header("Authorization") != nil else {
                return try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
            }
            switch trouble {
            case .breaksOff: exchange.close()
            case .page:
                try exchange.respond(200, headers: [("Content-Type", "text/html")], text: "<p>\(marker)")
            case .redirectsToUser:
                try exchange.respond(
                    302, headers: [("Location", "http://me:\(marker)@127.0.0.1:1/x?sig=\(marker)")])
            default: try exchange.respond(401, headers: [("WWW-Authenticate", "Basic")])
            }
        }
        port.withLock { $0 = server.authority }
        return server
    }

    @Test(arguments: Trouble.allCases)
    func `a command that fails prints no secret`(_ trouble: Trouble) async throws {
        let server = try registry(trouble)
        let image = "\(server.authority)/acme/auth:v1"
        let encoded = Data("me:\(Self.marker)".utf8).base64EncodedString()
        let kept = #"{"auths":{"\#(server.authority)":{"auth":"\#(encoded)"}}}"#
        let token = #"{"auths":{"\#(server.authority)":{"identitytoken":"\#(Self.marker)"}}}"#
        let environment = ["http_proxy": "http://me:\(Self.marker)@proxy.invalid:1"]
        let commands: [(words: [String], config: String)] = [
            (["pull", image], kept), (["pull", image], token),
            (["inspect", image, "--format", "json"], kept),
            (["check", image], kept), (["pull", image, "-u", "me", "--password-stdin"], "{}"),
            (["login", server.authority, "-u", "me", "--password-stdin"], "{}"),
            (["login", server.authority, "-u", "me", "-p", Self.marker], "{}"),
            (["pull", "registry.invalid/x:v1", "-u", "me", "--password-stdin", "--plain-http"], "{}"),
        ]
        for (words, config) in commands {
            let listener = try Listener(input: Self.marker)
            try listener.scratch.write("home/.docker/config.json", config)
            #expect(await listener.run(words, environment: environment) != 0, "\(words)")
            let said = listener.output + listener.errors
            #expect(said.contains("error: "))
            for secret in [Self.marker, encoded, Data(Self.marker.utf8).base64EncodedString()] {
                #expect(!said.contains(secret), "\(words): \(said)")
            }
        }
    }

    @Test func `a file of credentials that is damaged is not shown`() async throws {
        let server = try LoopbackServer { try $0.respond(401, headers: [("WWW-Authenticate", "Basic")]) }
        for config in [
            #"{"auths":{"r":{"auth":"\#(Self.marker)"}"#, #"{"auths":"\#(Self.marker)"}"#, Self.marker,
            #"{"auths":{"\#(server.authority)":{"auth":"\#(Self.marker)"}}}"#,
        ] {
            for words in [["pull", "\(server.authority)/a:v1"], ["logout", server.authority]] {
                let listener = try Listener()
                try listener.scratch.write("home/.docker/config.json", config)
                let status = await listener.run(words)
                #expect(status == 64 || words[0] == "logout", "\(listener.errors)")
                #expect(!(listener.output + listener.errors).contains(Self.marker))
            }
        }
    }
}
