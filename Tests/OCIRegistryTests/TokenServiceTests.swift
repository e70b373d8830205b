// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import Files
import Foundation
import LoopbackServer
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// A token service as the distribution project specifies it: its tokens are signed, and a real registry checks them.
private final class TokenService: Sendable {
    let server: LoopbackServer
    let log = Log()
    /// What the registry's configuration says of it.
    let settings: String

    init(expiredFirst: Bool = false) async throws {
        let scratch = try ScratchDirectory("tokens")
        let openssl = try #require(Tool.openssl.path)
        let key = scratch.appending("key.pem").string
        let certificate = scratch.appending("cert.pem").string
        let made = try await run(
            openssl,
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days",
                "30",
                "-subj", "/CN=tokens",
            ])
        try #require(made.status == 0, "\(made.stderr)")
        let chain = String(decoding: try Files.read(FilePath(certificate)), as: UTF8.self)
            .split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        let log = log
        server = try LoopbackServer { exchange in
            let number = log.add(
                "\(exchange.request.target) \(exchange.request.header("Authorization") ?? "none")")
            let user = exchange.request.header("Authorization") == "Basic bWU6czNjcmV0" ? "me" : nil
            guard user != nil || exchange.request.header("Authorization") == nil else {
                return try exchange.respond(401)
            }
            let items = URLComponents(string: exchange.request.target)?.queryItems ?? []
            let access = items.filter { $0.name == "scope" }.compactMap { item -> [String: Any]? in
                let parts = (item.value ?? "").split(separator: ":").map(String.init)
                guard parts.count == 3 else { return nil }
                let actions = parts[2].split(separator: ",").map(String.init)
                    .filter { user != nil || $0 == "pull" }
                return ["type": parts[0], "name": parts[1], "actions": actions]
            }
            let now = Int(Date().timeIntervalSince1970)
            let isStale = expiredFirst && number == 1
            let claims: [String: Any] = [
                "iss": "test issuer", "sub": user ?? "", "aud": "test registry",
                "exp": now + (isStale ? -600 : 300),
                "nbf": now - 900, "iat": now - 900, "jti": "\(number)", "access": access,
            ]
            let header: [String: Any] = ["typ": "JWT", "alg": "RS256", "x5c": [chain]]
            let text = try [header, claims]
                .map { Self.base64URL(try JSONSerialization.data(withJSONObject: $0)) }
                .joined(separator: ".")
            let input = try scratch.write("input-\(number)", text)
            let signing = Process()
            signing.executableURL = URL(filePath: openssl.string)
            signing.arguments = ["dgst", "-sha256", "-sign", key, "-out", "\(input).sig", input.string]
            try signing.run()
            signing.waitUntilExit()
            let signature = Data(try Files.read(FilePath("\(input).sig")))
            try exchange.respond(
                200, text: #"{"token":"\#(text).\#(Self.base64URL(signature))","expires_in":300}"#)
        }
        settings = """
            auth:
              token:
                realm: "http://\(server.authority)/token"
                service: "test registry"
                issuer: "test issuer"
                rootcertbundle: "\(certificate)"

            """
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
}

@Suite(.requires(.registry), .requires(.openssl))
struct TokenServiceTests {
    private let transport = CurlTransport()

    private func client(_ address: String, _ password: String?) throws -> RegistryClient {
        let host = try RegistryHost(address)
        guard let password else { return RegistryClient(host: host, transport: transport) }
        return RegistryClient(
            host: host, transport: transport,
            credentials: FixedCredentials(.password(username: "me", password: password), for: host))
    }

    @Test func `a registry that checks signed tokens is pushed to and pulled from`() async throws {
        let service = try await TokenService()
        try await DockerRegistry.run(settings: service.settings) { registry in
            let bytes = sample(2_000_000)
            let me = try client(registry.address, "s3cret")
            #expect(try await me.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
            let document = try manifest(config: blob(bytes), layers: [blob(bytes)])
            try await me.push(document, to: repository, as: tag)
            #expect(service.log.all.count == 1)
            // Everybody may read, and only me may write.
            let stranger = try client(registry.address, nil)
            #expect(try await stranger.manifest(repository, tag) == document)
            let sink = MemorySink(limit: bytes.count)
            try await stranger.blob(repository, blob(bytes), into: sink)
            #expect(sink.bytes == bytes)
            let refused = try #require(
                await failure { try await stranger.push(blob([1]), HTTPBody([1]), to: repository) })
            #expect(refused.category == .denied)
            let wrong = try client(registry.address, "guess")
            let error = try #require(await failure { _ = try await wrong.manifest(repository, tag) })
            #expect(error.code == .unauthorized && error.hint?.contains("not accepted") == true)
            #expect(!"\(error)".contains("guess"))
        }
    }

    @Test func `a token that the registry finds expired is fetched anew`() async throws {
        let service = try await TokenService(expiredFirst: true)
        try await DockerRegistry.run(settings: service.settings) { registry in
            let bytes = sample(100_000)
            let me = try client(registry.address, "s3cret")
            // The first one is refused where it is fetched for, in the same exchange.
            _ = await failure { try await me.ping() }
            #expect(try await me.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
            #expect(service.log.all.count >= 2)
        }
    }

    @Test func `a login is checked by way of the token service`() async throws {
        let service = try await TokenService()
        try await DockerRegistry.run(settings: service.settings) { registry in
            let host = try RegistryHost(registry.address)
            func check(_ password: String) async throws -> LoginCheck {
                try await RegistryClient.checkLogin(
                    to: host, with: .password(username: "me", password: password), transport: transport,
                    options: RegistryOptions())
            }
            #expect(try await check("s3cret") == .accepted(identityToken: nil))
            #expect(await failure { _ = try await check("guess") }?.code == .unauthorized)
        }
    }
}
