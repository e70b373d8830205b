// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import OCI
import OCIRegistry
import TestSupport
import Testing

/// Debian's registry behind Debian's nginx with TLS, as a company would run it.
@Suite(.requires(.registry), .requires(.nginx), .requires(.openssl))
struct SecureRegistryTests {
    private func client(_ address: String, _ trust: TrustSettings) throws -> RegistryClient {
        var options = RegistryOptions()
        options.trust = trust
        return RegistryClient(
            host: try RegistryHost(address), transport: CurlTransport(), options: options)
    }

    @Test func `a registry with a private authority and client certificates is spoken to by HTTP/2`()
        async throws
    {
        let authority = try await CertificateAuthority()
        let identity = try await authority.issue("server")
        let user = try await authority.issue("user")
        try await DockerRegistry.run { registry in
            try await NginxFront.run(before: registry.address) { nginx in
                nginx.listen = "ssl http2"
                nginx.http = "log_format protocols '$server_protocol $status';"
                nginx.server = """
                    access_log "access.log" protocols;
                    ssl_certificate "\(identity.certificate)"; ssl_certificate_key "\(identity.key)";
                    ssl_client_certificate "\(authority.certificate)"; ssl_verify_client on;
                    """
            } _: { nginx in
                let host = try RegistryHost(nginx.address)
                func trust(
                    authority: CertificateAuthority? = nil, user: CertificateAuthority.Issued? = nil
                ) throws -> TrustSettings {
                    try TrustSettings(
                        for: host, environment: [:], authority: authority?.certificate,
                        certificate: user?.certificate, key: user?.key)
                }
                let me = try client(nginx.address, try trust(authority: authority, user: user))
                let bytes = sample(3_000_000)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            let bytes = sample(100_000, seed: number)
                            try await me.push(blob(bytes), HTTPBody(bytes), to: repository)
                        }
                    }
                    try await group.waitForAll()
                }
                try await me.push(blob(bytes), HTTPBody(bytes), to: repository)
                let sink = MemorySink(limit: bytes.count)
                try await me.blob(repository, blob(bytes), into: sink)
                #expect(sink.bytes == bytes)

                let stranger = try client(nginx.address, try trust())
                let untrusted = try #require(await failure { try await stranger.ping() })
                #expect(untrusted.code == .untrusted && untrusted.hint?.contains("--ca FILE") == true)
                let nobody = try client(nginx.address, try trust(authority: authority))
                let unknown = try #require(await failure { try await nobody.ping() })
                #expect(unknown.status == 400 && unknown.hint?.contains("--cert FILE") == true)

                let log = try nginx.requests
                let good = log.filter { $0.hasSuffix(" 200") || $0.hasSuffix(" 201") || $0.hasSuffix(" 202") }
                #expect(good.count > 10 && good.allSatisfy { $0.hasPrefix("HTTP/2.0") }, "\(log)")
            }
        }
    }
}
