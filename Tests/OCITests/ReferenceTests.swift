// SPDX-License-Identifier: Apache-2.0

import OCI
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: [
        "localhost:5000/acme/auth:v1", "add-header", "add-header:v1", "ghcr.io/a/b/c__d:1.0",
        "[::1]:5000/x@sha256:\(String(repeating: "0", count: 64))", "127.0.0.1/x-y--z:_t",
        "localhost/x:t@sha256:\(String(repeating: "a", count: 64))",
    ])
    func `a reference is printed as it was written`(_ text: String) throws {
        #expect(try Reference(text).description == text)
    }

    @Test(arguments: [
        "", "UPPER/case", "host.io/", "a//b", "a/:t", "x:", "x@sha256:12", "x@md5:12", "-x", "x-", "a..b",
        "a___b",
        "http://x/y", "localhost:99999/x", "localhost:/x", "x:-t", "[::1/x", "x y", "é",
    ])
    func `a text that is no reference is refused`(_ text: String) {
        #expect(throws: ReferenceError.self) { try Reference(text) }
    }

    @Test func `the digest decides over the tag`() throws {
        let digest = Digest(of: Array("x".utf8))
        let reference = try Reference("localhost/x:t@\(digest)")
        #expect(reference.target == .digest(digest))
        #expect(try Reference("x").target == .tag(.latest))
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:5000", true), ("hub.localhost", true), ("127.0.0.1:80", true),
        ("127.255.1.2", true), ("[::1]:5000", true), ("127.evil.example", false), ("127.0.0.1.nip.io", false),
        ("127.0.0.256", false), ("localhost.example.com", false), ("[::2]", false), ("10.0.0.1", false),
    ])
    func `only this machine's addresses are loopback`(_ host: String, _ isLoopback: Bool) throws {
        #expect(try RegistryHost(host).isLoopback == isLoopback)
    }
}
