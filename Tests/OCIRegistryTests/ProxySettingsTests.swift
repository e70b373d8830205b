// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Testing

@Suite struct ProxySettingsTests {
    private func proxy(
        _ environment: [String: String], _ authority: String, scheme: String = "https"
    ) throws
        -> String?
    {
        try ProxySettings(environment: environment).proxy(scheme: scheme, authority: authority)?.description
    }

    @Test func `each scheme has its variable, small letters first, and one is for all`() throws {
        let both = ["http_proxy": "a:1", "https_proxy": "b:2", "HTTPS_PROXY": "c:3", "all_proxy": "d:4"]
        #expect(try proxy(both, "r.io", scheme: "http") == "http://a:1")
        #expect(try proxy(both, "r.io") == "http://b:2")
        #expect(try proxy(["HTTPS_PROXY": "c:3", "https_proxy": ""], "r.io") == "http://c:3")
        #expect(try proxy(["ALL_PROXY": "socks5h://d:4"], "r.io") == "socks5h://d:4")
        #expect(try proxy(["http_proxy": "a:1"], "r.io") == nil)
        // In a CGI program, HTTP_PROXY is what a stranger's request says.
        #expect(try proxy(["HTTP_PROXY": "a:1", "REQUEST_METHOD": "GET"], "r.io", scheme: "http") == nil)
    }

    @Test(arguments: [
        ("r.io", "r.io", true), ("r.io", "sub.r.io:5000", true), ("r.io", "r.io.evil", false),
        ("r.io", "xr.io", false), (".r.io", "sub.r.io", true), (".r.io", "r.io", false),
        ("*.r.io", "sub.r.io", true), ("R.IO", "r.io", true), ("r.io:5000", "r.io:5000", true),
        ("r.io:5000", "r.io", false), ("r.io:443", "r.io", true), ("*", "r.io", true),
        ("a, b,r.io", "r.io", true), ("10.0.0.0/8", "10.1.2.3:5000", true), ("10.0.0.0/8", "11.1.2.3", false),
        ("10.0.0.0/8", "r.io", false), ("10.1.2.3", "10.1.2.3:5000", true), ("10.1.2.3", "10.1.2.30", false),
        ("2001:db8::/32", "[2001:db8::1]:5000", true), ("2001:db8::/32", "[2001:db9::1]", false),
        ("2001:db8::1", "[2001:db8:0::1]", true), ("[2001:db8::1]:5000", "[2001:db8::1]:5000", true),
        ("10.0.0.0/33", "10.1.2.3", false), (",,", "r.io", false),
    ])
    func `no_proxy names hosts, their subdomains, ports and networks`(
        _ exceptions: String, _ authority: String, _ isExcepted: Bool
    ) throws {
        let environment = ["https_proxy": "p:1", "no_proxy": exceptions]
        #expect(try (proxy(environment, authority) == nil) == isExcepted)
    }

    @Test(arguments: [
        "localhost", "localhost:5000", "hub.localhost", "127.0.0.1:5000", "127.1.2.3", "[::1]:1",
    ])
    func `this machine is asked directly`(_ authority: String) throws {
        #expect(try proxy(["all_proxy": "p:1"], authority) == nil)
    }

    @Test func `no description shows who a proxy is told we are`() throws {
        let proxy = try #require(HTTPProxy("https://me:h%40nter2@p:1/path"))
        #expect(proxy.password == "h@nter2" && proxy.username == "me" && proxy.scheme == .https)
        #expect("\(proxy)" == "https://p:1")
    }
}
