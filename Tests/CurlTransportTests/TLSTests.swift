// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Files
import Foundation
import HTTPTypes
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite(.requires(.openssl))
struct TLSTests {
    private let transport = CurlTransport()

    /// Runs `openssl s_server`, which answers every GET with a page.
    private func withServer(
        _ identity: CertificateAuthority.Issued, _ arguments: [String] = [],
        _ work: (_ url: String) async throws -> Void
    ) async throws {
        let server = try BackgroundProcess(
            try #require(Tool.openssl.path),
            [
                "s_server", "-accept", "127.0.0.1:0", "-key", identity.key.string, "-cert",
                identity.certificate.string, "-www",
            ] + arguments)
        try server.start()
        let address = try await server.line { $0.hasPrefix("ACCEPT ") ? $0.dropFirst(7) : nil }
        try await work("https://\(address)/")
        // Not SIGTERM: it is blocked in children of the concurrency threads, and openssl leaves it so.
        await server.stop(SIGKILL)
    }

    private func options(
        _ environment: [String: String] = [:], authority: FilePath? = nil,
        identity: CertificateAuthority.Issued? = nil
    ) throws -> HTTPTransportOptions {
        var options = HTTPTransportOptions()
        options.trust = try TrustSettings(
            for: RegistryHost("r.io"), environment: environment, authority: authority,
            certificate: identity?.certificate, key: identity?.key)
        return options
    }

    private func failure(_ url: String, _ options: HTTPTransportOptions) async -> HTTPTransportError? {
        do {
            _ = try await transport.exchange(.get, url, options: options)
            return nil
        } catch {
            return error as? HTTPTransportError
        }
    }

    @Test func `a certificate that nobody trusts is refused, and accepted when told to`() async throws {
        let authority = try await CertificateAuthority()
        try await withServer(try await authority.issue("server")) { url in
            #expect(await failure(url, HTTPTransportOptions())?.code == .unknownAuthority)
            var options = HTTPTransportOptions()
            options.insecure = true
            let answer = try await transport.exchange(.get, url, options: options)
            #expect(answer.response.status == .ok)
            #expect(answer.text.contains("s_server"))
            // Trust given to one exchange is not kept for the next one.
            #expect(await failure(url, HTTPTransportOptions())?.code == .unknownAuthority)
        }
    }

    @Test func `an authority is trusted by option or by the environment, beside the system's`() async throws {
        let authority = try await CertificateAuthority()
        try await withServer(try await authority.issue("server")) { url in
            let file = authority.certificate
            for options in [
                try options(authority: file), try options(["SSL_CERT_FILE": file.string]),
            ] { #expect(try await transport.exchange(.get, url, options: options).response.status == .ok) }
            // The system's stay trusted with another one beside them.
            let other = try await CertificateAuthority()
            let both = try options(["SSL_CERT_FILE": file.string], authority: other.certificate)
            #expect(try await transport.exchange(.get, url, options: both).response.status == .ok)
            #expect(await failure(url, try options(authority: other.certificate))?.code == .unknownAuthority)
            let folder = try ScratchDirectory("hashed")
            let hash = try await run(
                try #require(Tool.openssl.path), ["x509", "-hash", "-noout", "-in", file.string])
            let name = hash.stdout.trimmingCharacters(in: .newlines) + ".0"
            try Files.replace(folder.appending(name), with: try Files.read(file))
            let hashed = try options(["SSL_CERT_DIR": folder.path.string])
            #expect(try await transport.exchange(.get, url, options: hashed).response.status == .ok)
        }
    }

    @Test func `a certificate out of its time or of another host is told as such`() async throws {
        let authority = try await CertificateAuthority()
        let options = try options(authority: authority.certificate)
        try await withServer(try await authority.issue("old", days: -1)) { url in
            let error = try #require(await failure(url, options))
            #expect(error.code == .expiredCertificate)
            #expect(error.message.contains(url.dropLast()))
        }
        try await withServer(try await authority.issue("other", hosts: ["DNS:other.example"])) { url in
            let error = try #require(await failure(url, options))
            #expect(error.code == .wrongHost)
            #expect(error.message.contains(url.dropLast()))
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a server may ask who we are`(_ version: String) async throws {
        let authority = try await CertificateAuthority()
        let client = try await authority.issue("client")
        let stranger = try await CertificateAuthority("stranger").issue("client")
        let demand = [
            "-Verify", "2", "-verify_return_error", "-CAfile", authority.certificate.string, version,
        ]
        try await withServer(try await authority.issue("server"), demand) { url in
            let trusting = try options(authority: authority.certificate)
            let known = try options(authority: authority.certificate, identity: client)
            #expect(try await transport.exchange(.get, url, options: known).response.status == .ok)
            let nobody = try #require(await failure(url, trusting))
            // Up to TLS 1.2 a server says no more than that the handshake failed.
            #expect(
                [.clientCertificate, version == "-tls1_2" ? .tls : .clientCertificate].contains(nobody.code))
            let other = try options(authority: authority.certificate, identity: stranger)
            #expect(try #require(await failure(url, other)).code == .clientCertificate)
        }
    }

    @Test func `a registry with TLS on this machine is found so, and what is wrong with it is told`()
        async throws
    {
        let authority = try await CertificateAuthority()
        let cases: [(identity: CertificateAuthority.Issued, knowsAuthority: Bool, hint: String)] = [
            (try await authority.issue("server"), false, "--ca FILE"),
            (try await authority.issue("old", days: -1), true, "clock"),
            (try await authority.issue("other", hosts: ["DNS:other.example"]), true, "the name that is in"),
        ]
        for (identity, knowsAuthority, hint) in cases {
            try await withServer(identity) { url in
                let host = try RegistryHost(url.dropFirst(8).dropLast())
                var options = RegistryOptions()
                if knowsAuthority {
                    options.trust = try TrustSettings(
                        for: host, environment: [:], authority: authority.certificate)
                }
                let client = RegistryClient(host: host, transport: transport, options: options)
                let error = await #expect(throws: RegistryError.self) { try await client.ping() }
                #expect(error?.code == .untrusted)
                #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
                #expect(error.map { "\($0)" }?.contains(String(url.dropLast())) == true)
            }
        }
    }

    @Test func `a key that is encrypted is an error, not a question`() async throws {
        let authority = try await CertificateAuthority()
        let client = try await authority.issue("client")
        let locked = FilePath("\(client.key).locked")
        let made = try await run(
            try #require(Tool.openssl.path),
            ["pkey", "-in", client.key.string, "-aes128", "-passout", "pass:x", "-out", locked.string])
        try #require(made.status == 0)
        try await withServer(try await authority.issue("server")) { url in
            let identity = CertificateAuthority.Issued(certificate: client.certificate, key: locked)
            let options = try options(authority: authority.certificate, identity: identity)
            let error = try #require(await failure(url, options))
            #expect(error.code == .clientCertificate, "\(error)")
        }
    }
}
