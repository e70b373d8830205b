// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import TestSupport
import Testing

/// The pages on which people manage themselves, their organisations and the hub.
@Suite struct PeoplePageTests {
    /// Each page with what it answers: for nobody, a stranger, a reader, the organisation's administrator, the hub's.
    static let pages: [(path: String, statuses: [Int])] = [
        ("/account", [303, 200, 200, 200, 200]), ("/organisations", [303, 200, 200, 200, 200]),
        ("/organisations/acme", [303, 404, 200, 200, 200]),
        ("/organisations/nobody", [303, 404, 404, 404, 404]),
        ("/organisations/acme/robots/bot", [303, 404, 404, 200, 200]),
        ("/organisations/acme/robots/none", [303, 404, 404, 404, 404]),
        ("/settings/acme/secret", [303, 403, 403, 200, 200]),
        ("/settings/acme/nothing", [303, 403, 403, 200, 200]), ("/admin", [303, 403, 403, 403, 200]),
        ("/admin/users", [303, 403, 403, 403, 200]), ("/admin/audit", [303, 403, 403, 403, 200]),
        ("/admin/settings", [303, 403, 403, 403, 200]), ("/admin/none", [303, 403, 403, 403, 404]),
        ("/account/none", [303, 404, 404, 404, 404]),
    ]

    @Test func `each page is there for those who may see it`() async throws {
        try await withTown { town in
            try await town.hub.gatekeeper.directory(for: .host).addRobot(try AccountName("acme+bot"))
            for (index, name) in [nil, "eve", "rea", "ada", "root"].enumerated() {
                let browser =
                    if let name { try await Browser.signedIn(name, town) } else { Browser(town.hub.client) }
                for (path, statuses) in Self.pages {
                    let reply = try await browser.get(path)
                    #expect(reply.status == statuses[index], "\(name ?? "nobody") \(path)")
                    #expect(reply.status != 303 || reply["Location"]?.hasPrefix("/signin?next=%2F") == true)
                    guard let name else { continue }
                    // A log-in with the password sees the same.
                    let basic = try await town.hub.client.send("GET", path, Town.basic(name, "secret"))
                    #expect(basic.status == reply.status, "\(name) \(path)")
                    #expect(reply.text.contains("/admin\"") == (name == "root"))
                }
            }
        }
    }

    @Test func `who has no role is told of an organisation as of one that is not there`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("eve", town)
            let token = try await browser.token(on: "/account")
            for path in ["", "/members", "/robots", "/visibility", "/robots/bot", "/robots/bot/tokens"] {
                var answers: [[String]] = []
                for name in ["acme", "nobody"] {
                    let fields: KeyValuePairs = ["name": "eve", "role": "admin", "repository": "\(name)/x"]
                    let reply =
                        if path.isEmpty || path == "/robots/bot" {
                            try await browser.get("/organisations/\(name)\(path)")
                        } else {
                            try await browser.post("/organisations/\(name)\(path)", fields, token: token)
                        }
                    answers.append(["\(reply.status)", reply.text.replacing(name, with: "NAME")])
                }
                #expect(answers[0] == answers[1], "\(path)")
            }
            for path in ["members", "visibility", "policy"] {
                for name in ["acme/secret", "acme/nothing"] {
                    let reply = try await browser.post(
                        "/settings/\(name)/\(path)", ["name": "eve", "role": "admin", "isPublic": "true"],
                        token: token)
                    #expect(reply.status == 403)
                }
            }
        }
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\" onfocus=\"alert(1)", "'><img src=x onerror=alert(1)>",
        "{{csrf}}{{{made}}}",
        "</title><script>", "\u{202E}gnp.exe", "аcme", "&lt;b&gt;", "javascript:alert(1)", "<!--", "]]>",
    ])
    func `whatever somebody is called or calls something is text`(_ text: String) async throws {
        try await withTown { town in
            let browser = Browser(town.hub.client, headers: ["User-Agent": text.filter(\.isASCII)])
            let refused = try await browser.post(
                "/signin", ["name": text, "password": "x", "next": text], from: "/signin")
            try await browser.signIn("root")
            var pages = [refused]
            pages.append(
                try await browser.post("/account/tokens", ["name": text], from: "/account"))
            for path in ["/account", "/admin/audit"] { pages.append(try await browser.get(path)) }
            for (path, fields) in [
                ("/organisations", ["name": text]),
                ("/organisations/acme/members", ["name": text, "role": "read"]),
                ("/organisations/acme/robots", ["name": text]),
                ("/organisations/acme/visibility", ["repository": text]),
                ("/settings/acme/secret/policy", ["immutableTags": text, "keepTags": text]),
                ("/admin/users", ["name": text, "password": "long enough"]),
            ] as [(String, KeyValuePairs<String, String>)] {
                let reply = try await browser.post(path, fields, from: "/account")
                #expect(reply.status < 500 && reply.status != 303, "\(path): \(reply.status)")
                pages.append(reply)
            }
            pages.append(try await browser.get("/organisations/\(percent(text))"))
            for page in pages {
                #expect(page.status < 500)
                for part in ["<script>alert", "<img", "onfocus=\"alert", "</title><script", "<!--"] {
                    #expect(!page.text.contains(part), "\(page.text)")
                }
                #expect(page.text.matches(of: #/<title>/#).count == 1)
            }
            #expect(pages[1].status == 200)
        }
    }

    private func percent(_ text: String) -> String {
        text.utf8.map { "%" + (String($0, radix: 16).count == 1 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
