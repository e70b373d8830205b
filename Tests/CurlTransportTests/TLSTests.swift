// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import HTTPTypes
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

private let openssl = Tool("openssl", executables: ["openssl"])

/// Runs `openssl s_server` with a certificate that nobody trusts, answering every GET with a page.
private func withTLSServer(_ work: (_ url: String) async throws -> Void) async throws {
    let program = try #require(openssl.path)
    let scratch = try ScratchDirectory("tls")
    let key = scratch.appending("key.pem").string
    let certificate = scratch.appending("cert.pem").string
    let made = try await run(
        program,
        [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            key,
            "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        ])
    try #require(made.status == 0, "\(made.stderr)")
    let server = try BackgroundProcess(
        program, ["s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www"])
    try server.start()
    let address = try await server.line { $0.hasPrefix("ACCEPT ") ? $0.dropFirst(7) : nil }
    try await work("https://\(address)/")
    // Not SIGTERM: it is blocked in children of the concurrency threads, and openssl leaves it so.
    await server.stop(SIGKILL)
}

@Suite(.requires(openssl))
struct TLSTests {
    @Test func `a certificate that nobody trusts is refused, and accepted when told to`() async throws {
        try await withTLSServer { url in
            let transport = CurlTransport()
            let error = await #expect(throws: HTTPTransportError.self) {
                try await transport.exchange(.get, url)
            }
            #expect(error?.code == .tls)
            var options = HTTPTransportOptions()
            options.insecure = true
            let answer = try await transport.exchange(.get, url, options: options)
            #expect(answer.response.status == .ok)
            #expect(answer.text.contains("s_server"))
            // Trust given to one exchange is not kept for the next one.
            await #expect(throws: HTTPTransportError.self) { try await transport.exchange(.get, url) }
        }
    }
}
