// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import HTTPTypes
import LoopbackServer
@testable import OCIRegistry
import Testing

/// Where a service that asks on behalf of others does not go.
@Suite struct AddressBoundsTests {
    @Test(arguments: [
        ("169.254.169.254", true), ("169.254.0.0:80", true), ("169.253.255.255", false), ("170.0.0.1", false),
        ("[fe80::1]", true), ("[febf::1]:443", true), ("[fe80::1%25eth0]", true), ("[fec0::1]", false),
        ("[::ffff:169.254.1.2]", true), ("[::ffff:127.0.0.1]", false), ("[64:ff9b::169.254.169.254]", true),
        ("[fd00:ec2::254]", true), ("[fd00:ec2::253]", false), ("me@169.254.169.254", true),
        ("127.0.0.1:5000", false), ("10.0.0.1", false), ("[::1]", false), ("metadata.example.com", false),
        ("", false),
    ])
    func `addresses that mean something on one wire only are known, private ones are not among them`(
        _ authority: String, _ isLinkLocal: Bool
    ) {
        #expect(LinkLocalAddress.isNamed(by: authority) == isLinkLocal)
    }

    @Test(arguments: [
        "http://169.254.169.254/", "http://[fe80::1]/", "http://2852039166/", "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://[::ffff:a9fe:a9fe]/",
    ])
    func `a request that leads there is refused, however the address is written`(_ url: String) async throws {
        var options = HTTPTransportOptions()
        options.refusesLinkLocal = true
        let parts = url.split(separator: "/", omittingEmptySubsequences: false)
        let request = HTTPRequest(method: .get, scheme: "http", authority: String(parts[2]), path: "/")
        let error = await #expect(throws: HTTPTransportError.self) {
            try await CurlTransport().send(request, body: nil, options: options) { _ in nil }
        }
        #expect(error?.code == .refusedAddress, "\(error?.message ?? "")")
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `this machine is reached all the same`(_ host: String) async throws {
        let server = try LoopbackServer { try $0.respond(204) }
        var options = HTTPTransportOptions()
        options.refusesLinkLocal = true
        let port = try #require(server.authority.split(separator: ":").last)
        let request = HTTPRequest(method: .get, scheme: "http", authority: "\(host):\(port)", path: "/")
        let response = try await CurlTransport().send(request, body: nil, options: options) { _ in nil }
        #expect(response.status == .noContent)
    }

    @Test(arguments: [
        ("auth.docker.io", "registry-1.docker.io", true),
        ("gitlab.example.com", "registry.gitlab.example.com", true),
        ("gitlab.com", "registry.gitlab.com", true), ("127.0.0.1:5001", "127.0.0.1", true),
        ("127.0.0.2", "127.0.0.1", false), ("localhost:5001", "127.0.0.1", false),
        ("[::1]:5001", "::1", true),
        ("ghcr.io", "ghcr.io", true), ("auth.ghcr.io", "ghcr.io", true),
        ("docker.io", "registry-1.docker.io", true),
        ("evildocker.io", "registry-1.docker.io", false), ("evil.example", "registry-1.docker.io", false),
        ("evil.co.uk", "registry.co.uk", false), ("auth.shop.co.uk", "registry.shop.co.uk", true),
        ("auth.io", "ghcr.io", false), ("hub", "hub", true), ("other", "hub", false),
    ])
    func `a token service is believed on the registry's word only in its own domain`(
        _ service: String, _ registry: String, _ isWithin: Bool
    ) {
        #expect(TokenServiceBounds.include(service, of: registry) == isWithin)
    }
}
