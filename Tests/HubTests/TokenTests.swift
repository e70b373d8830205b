// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubStorage
import OCI
import Secrets
import SystemPackage
import TestSupport
import Testing

/// Session tokens, as clients get and use them.
@Suite struct TokenTests {
    private struct Answer: Decodable {
        let token: String
        let access_token: String
        let expires_in: Int
        let scope: String
        let refresh_token: String?
    }

    private func session(
        _ town: Town, _ query: String, _ headers: [String: String] = [:]
    ) async throws -> Answer {
        let reply = try await town.hub.client.send("GET", "/token?\(query)", headers)
        try #require(reply.status == 200, "\(reply.text)")
        #expect(reply["Cache-Control"] == "no-store")
        return try JSONDecoder().decode(Answer.self, from: Data(reply.body))
    }

    private func status(
        _ town: Town, _ path: String, _ token: String, _ method: String = "GET"
    ) async throws -> Int {
        try await town.hub.client.send(method, path, ["Authorization": "Bearer \(token)"], body: []).status
    }

    @Test func `who has not said who it is is sent to the token service`() async throws {
        try await withTown { town in
            let entry = try await town.hub.client.send("GET", "/v2/")
            #expect(entry.status == 401)
            #expect(entry.code == "UNAUTHORIZED")
            #expect(entry["Docker-Distribution-Api-Version"] == "registry/2.0")
            let realm =
                "Bearer realm=\"http://127.0.0.1:\(town.hub.client.port)/token\",service=\"wasme-hub\""
            #expect(entry["WWW-Authenticate"] == realm)
            for name in ["acme/secret", "acme/nothing"] {
                let reply = try await town.hub.client.send("GET", "/v2/\(name)/tags/list")
                #expect(reply.status == 401)
                #expect(reply["WWW-Authenticate"] == "\(realm),scope=\"repository:\(name):pull\"")
                let push = try await town.hub.client.send("POST", "/v2/\(name)/blobs/uploads/", body: [])
                #expect(push.status == 401)
                #expect(push["WWW-Authenticate"] == "\(realm),scope=\"repository:\(name):pull,push\"")
            }
            #expect(try await town.hub.client.send("GET", "/v2/acme/open/tags/list").status == 200)
        }
    }

    @Test func `a token holds what was asked for and is allowed, and no more`() async throws {
        try await withTown { town in
            let query =
                "service=wasme-hub&scope=repository:acme/secret:pull,push&scope=repository:eve/x:*"
                + "&scope=repository:acme/open:pull,push&scope=plugin:x:y&scope=nonsense&scope=registry:catalog:*"
            let rea = try await session(town, query, Town.basic("rea", "secret"))
            #expect(
                rea.scope == "repository:acme/secret:pull repository:acme/open:pull registry:catalog:*")
            #expect(rea.token == rea.access_token)
            #expect(rea.expires_in == 300)
            #expect(rea.refresh_token == nil)
            #expect(try await status(town, "/v2/", rea.token) == 200)
            #expect(try await status(town, "/v2/_catalog", rea.token) == 200)
            #expect(try await status(town, "/v2/acme/secret/tags/list", rea.token) == 200)
            #expect(try await status(town, "/v2/acme/secret/blobs/uploads/", rea.token, "POST") == 403)
            let nobody = try await session(town, query)
            #expect(nobody.scope == "repository:acme/open:pull registry:catalog:*")
            #expect(try await status(town, "/v2/", nobody.token) == 200)
            #expect(try await status(town, "/v2/acme/secret/tags/list", nobody.token) == 401)
            let wim = try await session(
                town, "scope=repository:acme/secret:pull", Town.basic("wim", "secret"))
            let narrow = try await town.hub.client.send(
                "POST", "/v2/acme/secret/blobs/uploads/", ["Authorization": "Bearer \(wim.token)"], body: [])
            #expect(narrow.status == 401)
            #expect(narrow["WWW-Authenticate"]?.hasSuffix("error=\"insufficient_scope\"") == true)
            #expect(try await status(town, "/v2/_catalog", wim.token) == 401)
        }
    }

    private static let bothScopes = "repository:acme/open:pull,push repository:acme/secret:pull"

    /// What comes of a mount from `acme/secret`, named by `from` or not, into `acme/open`.
    private func mount(
        _ town: Town, _ from: String, _ headers: [String: String]
    ) async throws -> (status: Int, challenge: String) {
        let bytes: [UInt8] = Array("to be mounted".utf8)
        let digest = Digest(of: bytes)
        let pushed = try await town.hub.client.send(
            "POST", "/v2/acme/secret/blobs/uploads/?digest=\(digest)", Town.basic("wim", "secret"),
            body: bytes)
        try #require(pushed.status == 201)
        let reply = try await town.hub.client.send(
            "POST", "/v2/acme/open/blobs/uploads/?mount=\(digest)\(from)", headers, body: [])
        return (reply.status, reply["WWW-Authenticate"] ?? "")
    }

    @Test func `who names the source of a mount is told to ask for both repositories`() async throws {
        try await withTown { town in
            let stranger = try await mount(town, "&from=acme/secret", [:])
            #expect(stranger.status == 401)
            #expect(stranger.challenge.contains("scope=\"\(Self.bothScopes)\""))
            let narrow = try await session(
                town, "scope=repository:acme/open:pull,push", Town.basic("wim", "secret"))
            let refused = try await mount(
                town, "&from=acme/secret", ["Authorization": "Bearer \(narrow.token)"])
            #expect(refused.status == 401)
            #expect(refused.challenge.contains("scope=\"\(Self.bothScopes)\",error=\"insufficient_scope\""))
            let both = try await session(
                town, "scope=\(Self.bothScopes.replacing(" ", with: "%20"))", Town.basic("wim", "secret"))
            let mounted = try await mount(
                town, "&from=acme/secret", ["Authorization": "Bearer \(both.token)"])
            #expect(mounted.status == 201)
        }
    }

    @Test func `who names no source may mount what the account may read, whatever the session is for`()
        async throws
    {
        try await withTown { town in
            let narrow = try await session(
                town, "scope=repository:acme/open:pull,push", Town.basic("wim", "secret"))
            #expect(try await mount(town, "", ["Authorization": "Bearer \(narrow.token)"]).status == 201)
        }
    }

    /// Another session would be no wider: the client is to send the blob.
    @Test(arguments: ["&from=acme/secret", ""])
    func `nothing is mounted that a token or an account has no right to`(from: String) async throws {
        try await withTown { town in
            let wim = try await town.token("wim", scopes: [try Scope(parsing: "acme/open:pull,push")])
            let bound = try await session(
                town, "scope=\(Self.bothScopes.replacing(" ", with: "%20"))", Town.basic("wim", wim))
            #expect(bound.scope == "repository:acme/open:pull,push")
            #expect(try await mount(town, from, ["Authorization": "Bearer \(bound.token)"]).status == 202)
            #expect(try await mount(town, from, Town.basic("wim", wim)).status == 202)

            let directory = town.hub.gatekeeper.directory(for: .host)
            try await directory.store.setRole(
                .write, of: try AccountName("eve"), in: .repository(try Repository("acme/open")))
            let eve = try await session(
                town, "scope=\(Self.bothScopes.replacing(" ", with: "%20"))", Town.basic("eve", "secret"))
            #expect(try await mount(town, from, ["Authorization": "Bearer \(eve.token)"]).status == 202)
        }
    }

    @Test func `a session lists no names that the token beneath it is not for`() async throws {
        try await withTown { town in
            let wim = try await town.token("wim", scopes: [try Scope(parsing: "acme/open:pull")])
            let session = try await session(town, "scope=registry:catalog:*", Town.basic("wim", wim))
            for headers in [Town.basic("wim", wim), ["Authorization": "Bearer \(session.token)"]] {
                for path in ["/v2/_catalog", "/api/v1/search?q="] {
                    let reply = try await town.hub.client.send("GET", path, headers)
                    #expect(reply.status == 200 && reply.text.contains("acme/open"), "\(path)")
                    #expect(!reply.text.contains("acme/secret"), "\(path)")
                }
            }
        }
    }

    @Test func `rights that were taken end a session at once`() async throws {
        try await withTown { town in
            let session = try await session(
                town, "scope=repository:acme/secret:pull,push", Town.basic("wim", "secret"))
            #expect(try await status(town, "/v2/acme/secret/blobs/uploads/", session.token, "POST") == 202)
            let store = town.hub.gatekeeper.directory(for: .host).store
            try await store.setRole(
                .read, of: try AccountName("wim"), in: .organisation(try AccountName("acme")))
            #expect(try await status(town, "/v2/acme/secret/blobs/uploads/", session.token, "POST") == 403)
            try await store.changeAccount(try AccountName("wim"), .isDisabled(true))
            #expect(try await status(town, "/v2/acme/secret/tags/list", session.token) == 401)
        }
    }

    @Test func `a refresh token stands for the password until that changes`() async throws {
        try await withTown { town in
            func post(_ form: String) async throws -> Reply {
                try await town.hub.client.send(
                    "POST", "/token", ["Content-Type": "application/x-www-form-urlencoded"],
                    body: Array(form.utf8))
            }
            let first = try await post(
                "grant_type=password&username=wim&password=secret&access_type=offline&client_id=docker"
                    + "&service=wasme-hub&scope=repository%3Aacme%2Fsecret%3Apull+repository%3Aacme%2Fopen%3Apull"
            )
            #expect(first.status == 200, "\(first.text)")
            let answer = try JSONDecoder().decode(Answer.self, from: Data(first.body))
            #expect(answer.scope == "repository:acme/secret:pull repository:acme/open:pull")
            let refresh = try #require(answer.refresh_token)
            #expect(refresh.hasPrefix("whubr_"))
            let form = "grant_type=refresh_token&refresh_token=\(refresh)&scope=repository:acme/secret:pull"
            #expect(try await post(form).status == 200)
            // It is for this exchange only.
            #expect(try await status(town, "/v2/", refresh) == 401)
            try await town.hub.gatekeeper.directory(for: .host).setPassword(
                "another one", of: try AccountName("wim"))
            #expect(try await post(form).status == 401)
            #expect(try await post("grant_type=password&username=wim&password=no").status == 401)
            #expect(try await post("grant_type=client_credentials").status == 400)
            #expect(try await post("").status == 400)
        }
    }

    @Test func `a token that another key, algorithm, hub or time made is refused`() async throws {
        try await withTown { town in
            let own = try await session(
                town, "scope=repository:acme/secret:pull", Town.basic("rea", "secret")
            ).token
            let parts = own.split(separator: ".").map(String.init)
            #expect(try await status(town, "/v2/", own) == 200)
            let stored = try #require(try await town.hub.metadata.signingKeys().first)
            let key = try #require(SigningKey(privateBytes: stored.privateBytes))
            let now = Int(Date().timeIntervalSince1970)
            func token(
                _ header: [String: Any] = [:], _ claims: [String: Any?] = [:], with key: SigningKey
            ) throws -> String {
                let header: [String: Any] = ["alg": "EdDSA", "typ": "JWT", "kid": stored.id].merging(header) {
                    $1
                }
                var all: [String: Any] = [
                    "iss": "wasme-hub", "aud": "wasme-hub", "sub": "root", "uid": 5, "iat": now, "nbf": now,
                    "exp": now + 300, "jti": "x", "access": [[String: Any]](),
                ]
                for (name, value) in claims { all[name] = value }
                let text = try [header, all].map { object in
                    encoded(Array(try JSONSerialization.data(withJSONObject: object)))
                }.joined(separator: ".")
                return "\(text).\(encoded(key.sign(Array(text.utf8))))"
            }
            // What the variations vary is right.
            #expect(try await status(town, "/v2/", try token(with: key)) == 200)
            let other = SigningKey()
            let jwk: [String: Any] = ["kty": "OKP", "crv": "Ed25519", "x": encoded(other.publicBytes)]
            let bad = [
                "", ".", "..", "a.b.c", "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1])",
                "\(parts[0]).\(parts[1]).\(parts[2])=", own + "A",
                encoded(Array(#"{"alg":"none"}"#.utf8)) + ".\(parts[1]).",
                encoded(Array(#"{"alg":"none","kid":"\#(stored.id)"}"#.utf8)) + ".\(parts[1]).\(parts[2])",
                try token(with: other), try token(["jwk": jwk], with: other),
                try token(["jwk": jwk, "kid": "new"], with: other), try token(["kid": "../x"], with: key),
                try token(["alg": "ES256"], with: key), try token(["alg": "HS256"], with: key),
                try token(["crit": ["exp"]], with: key), try token([:], ["iss": "other"], with: key),
                try token([:], ["aud": "other"], with: key), try token([:], ["exp": now - 1], with: key),
                try token([:], ["nbf": now + 300], with: key), try token([:], ["exp": nil], with: key),
                try token([:], ["exp": now + 40 * 24 * 3600], with: key),
            ]
            for text in bad { #expect(try await status(town, "/v2/", text) == 401, "\(text)") }
        }
    }

    @Test func `after a rotation the new key signs and the old one verifies`() async throws {
        try await withTown { town in
            let old = try await session(town, "", Town.basic("rea", "secret")).token
            try await town.hub.gatekeeper.rotateKey()
            let new = try await session(town, "", Town.basic("rea", "secret")).token
            #expect(old.split(separator: ".")[0] != new.split(separator: ".")[0])
            for token in [old, new] { #expect(try await status(town, "/v2/", token) == 200) }
            #expect(try await town.hub.metadata.signingKeys().count == 2)
        }
    }

    @Test(.requires(.skopeo))
    func `skopeo logs in, pushes and pulls, and is told no where it has no right`() async throws {
        let scratch = try ScratchDirectory("hub")
        try await withTown { town in
            let registry = "127.0.0.1:\(town.hub.client.port)"
            let login = scratch.path.appending("auth.json").string
            func skopeo(_ arguments: String...) async throws -> ProcessOutcome {
                try await run(
                    try #require(Tool.skopeo.path), arguments + ["--authfile", login], in: scratch.path)
            }
            let layout = scratch.path.appending("layout").string
            let pull = try await skopeo(
                "copy", "--src-tls-verify=false", "docker://\(registry)/acme/open:v1", "oci:\(layout):v1")
            #expect(pull.status == 0, "\(pull.stderr)")
            let push = ["copy", "--dest-tls-verify=false", "oci:\(layout):v1"]
            let anonymous = try await skopeo(push[0], push[1], push[2], "docker://\(registry)/acme/new:v1")
            #expect(anonymous.status != 0)
            let wrong = try await skopeo("login", "--tls-verify=false", "-u", "wim", "-p", "wrong", registry)
            #expect(wrong.status != 0)
            for (name, canPush) in [("wim", true), ("rea", false)] {
                let secret = try await town.token(name)
                for password in ["secret", secret] {
                    let logIn = try await skopeo(
                        "login", "--tls-verify=false", "-u", name, "-p", password, registry)
                    #expect(logIn.status == 0, "\(logIn.stderr)")
                    let copy = try await skopeo(
                        push[0], push[1], push[2], "docker://\(registry)/acme/new:\(name)")
                    #expect((copy.status == 0) == canPush, "\(copy.stderr)")
                    let tags = try await skopeo(
                        "list-tags", "--tls-verify=false", "docker://\(registry)/acme/secret")
                    #expect(tags.status == 0, "\(tags.stderr)")
                }
            }
        }
    }

    private func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
}
