// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A browser as far as cookies, forms and redirects go: what it was given it sends back.
actor Browser {
    let client: Client
    private(set) var cookies: [String: String] = [:]
    /// What it says about each request beside that.
    private let headers: [String: String]

    init(_ client: Client, headers: [String: String] = [:]) {
        self.client = client
        self.headers = headers
    }

    /// Takes a cookie from somewhere else.
    func plant(_ name: String, _ value: String?) { cookies[name] = value }

    @discardableResult
    func send(
        _ method: String, _ path: String, _ extra: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> Reply {
        var all = headers.merging(extra) { $1 }
        if !cookies.isEmpty {
            all["Cookie"] = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: "; ")
        }
        let reply = try await client.send(method, path, all, body: body)
        for line in reply.headers["set-cookie"] ?? [] {
            let pair = line.prefix { $0 != ";" }.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            cookies[String(pair[0])] = line.contains("Max-Age=0") ? nil : String(pair[1])
        }
        return reply
    }

    func get(_ path: String) async throws -> Reply { try await send("GET", path) }

    /// What forms of a page send back.
    func token(on path: String) async throws -> String {
        let page = try await get(path).text
        return String(try #require(page.firstMatch(of: #/name="csrf" value="([0-9a-f]{64})"/#), "\(page)").1)
    }

    /// Sends a form; its token is that of a page, unless it is given.
    @discardableResult
    func post(
        _ path: String, _ fields: KeyValuePairs<String, String>, from page: String? = nil,
        token: String? = nil, _ extra: [String: String] = [:]
    ) async throws -> Reply {
        var pairs = fields.map { ($0.key, $0.value) }
        if let page { pairs.append(("csrf", try await self.token(on: page))) }
        if let token { pairs.append(("csrf", token)) }
        let allowed = CharacterSet.alphanumerics
        let text = pairs.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }.joined(separator: "&")
        return try await send(
            "POST", path, ["Content-Type": "application/x-www-form-urlencoded"].merging(extra) { $1 },
            body: Array(text.utf8))
    }

    /// Fills in the form at `/signin`.
    @discardableResult
    func signIn(_ name: String, _ password: String = "secret", next: String? = nil) async throws -> Reply {
        try await post(
            "/signin", ["name": name, "password": password, "next": next ?? "/account"], from: "/signin")
    }

    /// A browser in which somebody has signed in.
    static func signedIn(_ name: String, _ town: Town) async throws -> Browser {
        let browser = Browser(town.hub.client)
        let reply = try await browser.signIn(name)
        try #require(reply.status == 303, "\(reply.text)")
        return browser
    }
}
