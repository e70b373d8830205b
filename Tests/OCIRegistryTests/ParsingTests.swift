// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI
import Testing

@testable import OCIRegistry

@Suite struct ChallengeTests {
    @Test(arguments: [
        #"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push""#,
        #"bearer REALM = "https://a/t" , Service="s", scope="repository:x:pull,push""#,
        #"  BEARER  realm="https://a/t",,service=s,  scope="repository:x:pull,push","#,
        #"Bearer realm="https:\/\/a/t",service="s",scope="repository:x:pull,push",scope="other""#,
        #"Bearer realm=https://a/t,service=s,scope="repository:x:pull,push"#,
    ])
    func `one challenge in many spellings is the same`(_ header: String) {
        #expect(
            Challenge.parse([header]) == [
                Challenge(
                    scheme: "bearer",
                    parameters: ["realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"])
            ])
    }

    @Test func `several challenges come apart, in one header or in several`() {
        let expected = [
            Challenge(scheme: "negotiate"), Challenge(scheme: "basic", parameters: ["realm": "a, b"]),
            Challenge(scheme: "bearer", parameters: ["realm": "https://t"]),
        ]
        #expect(Challenge.parse([#"Negotiate, Basic realm="a, b", Bearer realm="https://t""#]) == expected)
        #expect(
            Challenge.parse(["Negotiate", #"Basic realm="a, b""#, #"Bearer realm="https://t""#]) == expected)
    }

    @Test func `a Bearer challenge may lack its service`() {
        #expect(
            Challenge.parse([#"Bearer realm="https://t""#]).first?.parameters == ["realm": "https://t"])
    }

    @Test(arguments: [
        "", ",,,", "=", "\"", "Bearer realm=\"", "Bearer realm=\"\\", "=a Bearer", "é=ü", "\u{0}",
    ])
    func `nonsense does no harm`(_ header: String) {
        #expect(Challenge.parse([header]).count <= 2)
    }
}

@Suite struct WebLocationTests {
    @Test(arguments: [
        ("/v2/x?_state=a%3D%2B", "http://h:5000/v2/x?_state=a%3D%2B"),
        ("https://Other/up?a=b#c", "https://other/up?a=b"),
        ("//other:1/x", "http://other:1/x"), ("next?p=2", "http://h:5000/a/b/next?p=2"),
        ("?p=2", "http://h:5000/a/b/c?p=2"), ("http://other?x", "http://other/?x"),
        ("sha256:ab/x", nil), ("ftp://x/", nil), ("http://user:pw@x/", nil), ("", nil), ("/a b", nil),
        ("/a\r\nX: y", nil), ("http://", nil), ("/é", nil),
    ])
    func `a location means a URL, or none`(_ reference: String, _ expected: String?) throws {
        let base = try #require(WebLocation("http://h:5000/a/b/c?q=1"))
        let result = base.resolving(reference)
        #expect(result.map { "\($0.scheme.rawValue)://\($0.authority)\($0.target)" } == expected)
    }

    @Test func `query items go behind those that are there`() throws {
        let base = try #require(WebLocation("https://h/u?_state=x%3D"))
        #expect(base.adding([("digest", "sha256:ab")]).target == "/u?_state=x%3D&digest=sha256%3Aab")
        #expect(base.description == "https://h/u")
    }

    @Test func `an origin has its port spelt out`() throws {
        #expect(WebLocation("https://h/")?.origin == WebLocation("https://H:443/x")?.origin)
        #expect(WebLocation("https://h/")?.origin != WebLocation("http://h/")?.origin)
        #expect(WebLocation("http://[::1]/")?.origin == WebLocation("http://[::1]:80/")?.origin)
        #expect(WebLocation("http://[::1]/")?.origin != WebLocation("http://[::1]:81/")?.origin)
    }
}

@Suite struct HeaderTests {
    @Test(arguments: [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000), ("Sat, 21 Nov 2026 04:00:00 GMT", 1_795_233_600),
        ("yesterday", nil), ("Sun, 06 Now 1994 08:49:37 GMT", nil),
    ])
    func `HTTP dates are read`(_ text: String, _ seconds: Int64?) {
        #expect(HTTPDelay.seconds(ofDate: text) == seconds)
    }

    @Test func `Retry-After is a number of seconds or a date by the server's own clock`() {
        #expect(HTTPDelay.retryAfter([.retryAfter: "7"]) == .seconds(7))
        #expect(
            HTTPDelay.retryAfter([
                .retryAfter: "Sun, 06 Nov 1994 08:50:07 GMT", .date: "Sun, 06 Nov 1994 08:49:37 GMT",
            ]) == .seconds(30))
        #expect(HTTPDelay.retryAfter([.retryAfter: "-1"]) == nil)
        #expect(HTTPDelay.retryAfter([.retryAfter: "soon"]) == nil)
    }

    @Test(arguments: [
        (#"</v2/x/tags/list?n=1&last=a>; rel="next""#, "/v2/x/tags/list?n=1&last=a"), ("<a>;rel=next", "a"),
        (#"<a>; rel="prev", <b>; rel="next""#, "b"), (#"<a>; rel="prev""#, nil), ("nonsense", nil),
        ("<a", nil),
    ])
    func `the next page is found in Link`(_ link: String, _ expected: String?) {
        #expect(RegistryClient.next(in: link) == expected)
    }

    @Test func `foreign text is shown on one bounded line`() {
        #expect(shownText("a\r\n\u{1b}[31mb\u{202e}c \t d\n", limit: 100) == "a [31mbc d")
        #expect(shownText(String(repeating: "x", count: 500), limit: 10) == "xxxxxxxxxx…")
    }
}
