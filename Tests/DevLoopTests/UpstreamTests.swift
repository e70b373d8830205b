// SPDX-License-Identifier: Apache-2.0

import DevLoop
import Diagnostics
import EnvoyControl
import Testing

/// Addresses of servers as people write them.
@Suite struct UpstreamTests {
    @Test(arguments: [
        ("http://127.0.0.1:3000", "127.0.0.1:3000", "127.0.0.1:3000", false),
        ("127.0.0.1:3000", "127.0.0.1:3000", "127.0.0.1:3000", false),
        ("http://backend.local/", "backend.local:80", "backend.local", false),
        ("https://example.com", "example.com:443", "example.com", true),
        ("HTTPS://example.com:8443", "example.com:8443", "example.com:8443", true),
        ("http://[::1]:8080", "[::1]:8080", "[::1]:8080", false),
        ("http://[::1]", "[::1]:80", "[::1]", false),
    ])
    func `are read`(text: String, address: String, authority: String, isSecure: Bool) throws {
        let upstream = try Upstream(text)
        #expect(upstream.address.description == address)
        #expect(upstream.authority == authority)
        #expect(upstream.isSecure == isSecure)
    }

    @Test(arguments: [
        ("ftp://a", "its scheme is neither http nor https"),
        ("http://a/b", "it has a path"),
        ("http://a?b", "it has a path"),
        ("http://me:secret@a", "it has a user in it"),
        ("http://", "no host"),
        ("http://a:0", "port 0"),
        ("http://a:99999", "no host with or without a port"),
    ])
    func `that are none say why`(text: String, reason: String) throws {
        let error = #expect(throws: DevLoopError.self) { try Upstream(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.category == .usage)
    }
}
