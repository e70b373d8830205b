// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import LoopbackServer
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Whom the hub believes and tells what, when it asks other registries: certificates, credentials, addresses.
@Suite(.timeLimit(.minutes(3))) struct MirrorTrustTests {
    private func start(_ scratch: ScratchDirectory, _ entry: String) async throws -> HubProcess {
        let file = try scratch.write("hub.yaml", "mirrors:\n- {prefix: m, max-age: 0, \(entry)}\n")
        return try await HubProcess(
            data: scratch.path.appending("data"), options: ["--config", file.string])
    }

    @Test(.requires(.nginx), .requires(.openssl))
    func `a registry with a private authority is mirrored, and shown the hub's certificate if it wants one`()
        async throws
    {
        let authority = try await CertificateAuthority()
        let identity = try await authority.issue("server")
        let me = try await authority.issue("me")
        let upstream = try ScriptedUpstream()
        for wantsCertificate in [false, true] {
            try await NginxFront.run(before: upstream.authority) { nginx in
                nginx.listen = "ssl"
                nginx.server = """
                    ssl_certificate "\(identity.certificate)"; ssl_certificate_key "\(identity.key)";
                    ssl_client_certificate "\(authority.certificate)";
                    ssl_verify_client \(wantsCertificate ? "on" : "off");
                    """
            } _: { nginx in
                let registry = "registry: 'https://\(nginx.address)'"
                let trusted = "\(registry), ca: \(authority.certificate)"
                for (entry, isServed) in [
                    (registry, false), (trusted, !wantsCertificate),
                    ("\(trusted), cert: \(me.certificate), key: \(me.key)", true),
                ] {
                    let scratch = try ScratchDirectory("hub")
                    let hub = try await start(scratch, entry)
                    let manifest = try await hub.client.send("GET", "/v2/m/a/manifests/v1")
                    let blob = try await hub.client.send(
                        "GET", "/v2/m/a/blobs/\(Digest(of: upstream.layer))")
                    if isServed {
                        #expect(manifest.body == upstream.image.bytes, "\(manifest.text)")
                        #expect(blob.body == upstream.layer)
                    } else {
                        // Nobody's content is passed on without trust.
                        #expect(manifest.status == 502, "\(entry): \(manifest.text)")
                        #expect(manifest.code == "UNAVAILABLE")
                        #expect(blob.status == 502)
                    }
                    #expect(await hub.stop(SIGTERM) == 0)
                }
            }
        }
    }

    @Test func `credentials go to the registry alone, not to where it redirects`() async throws {
        let log = ScriptedUpstream.Log()
        let target = Mutex("")
        let upstream = try ScriptedUpstream { exchange, path, layer in
            let authorization = exchange.request.header("Authorization")
            log.add("registry \(path.prefix(11)) \(authorization ?? "nobody")")
            guard authorization != nil else {
                try exchange.respond(401, headers: [("WWW-Authenticate", "Basic realm=\"x\"")])
                return true
            }
            guard path.hasPrefix("a/blobs") else { return false }
            let place = "http://\(target.withLock { $0 })/\(path)"
            try exchange.respond(307, headers: [("Location", place)])
            return true
        }
        let store = try LoopbackServer { [layer = upstream.layer] exchange in
            log.add("store \(exchange.request.header("Authorization") ?? "nobody")")
            try exchange.respond(200, body: layer)
        }
        target.withLock { $0 = store.authority }
        let scratch = try ScratchDirectory("hub")
        let secret = try scratch.write("secret", "s3cret\n")
        let hub = try await start(
            scratch, "registry: 'http://\(upstream.authority)', username: me, password-file: \(secret)")
        #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").body == upstream.image.bytes)
        let blob = try await hub.client.send("GET", "/v2/m/a/blobs/\(Digest(of: upstream.layer))")
        #expect(blob.body == upstream.layer)
        let basic = "Basic \(Data("me:s3cret".utf8).base64EncodedString())"
        #expect(log.all.contains("registry a/manifests \(basic)"), "\(log.all)")
        #expect(log.all.filter { $0.hasPrefix("store") } == ["store nobody"])
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `a password goes to a token service elsewhere only if that is configured`() async throws {
        let log = ScriptedUpstream.Log()
        let service = try LoopbackServer { exchange in
            log.add(exchange.request.header("Authorization") ?? "nobody")
            try exchange.respond(200, text: #"{"token":"t"}"#)
        }
        // The same machine by another name stands for another domain.
        let port = try #require(service.authority.split(separator: ":").last)
        let upstream = try ScriptedUpstream { exchange, _, _ in
            guard exchange.request.header("Authorization") == nil else { return false }
            let realm = "http://localhost:\(port)/token"
            try exchange.respond(401, headers: [("WWW-Authenticate", "Bearer realm=\"\(realm)\"")])
            return true
        }
        for isConfigured in [false, true] {
            let scratch = try ScratchDirectory("hub")
            let secret = try scratch.write("secret", "s3cret\n")
            let more = isConfigured ? ", token-service: 'localhost:\(port)'" : ""
            let hub = try await start(
                scratch,
                "registry: 'http://\(upstream.authority)', username: me, password-file: \(secret)\(more)")
            let reply = try await hub.client.send("GET", "/v2/m/a/manifests/v1")
            #expect(reply.status == (isConfigured ? 200 : 403), "\(reply.text)")
            #expect(log.all.count == (isConfigured ? 1 : 0))
            #expect(await hub.stop(SIGTERM) == 0)
            #expect(!hub.errorText.contains("s3cret"))
        }
    }

    @Test func `nothing is asked at link-local addresses, where clouds keep credentials`() async throws {
        let scratch = try ScratchDirectory("hub")
        let secret = try scratch.write("secret", "a secret of some length")
        let hosts = ["169.254.169.254", "[fe80::1]:8080", "[::ffff:169.254.169.254]", "169.254.0.1:80"]
        var lines = ["mirrors:"]
        lines += hosts.enumerated().map { "- {prefix: m\($0), registry: 'http://\($1)'}" } + ["sync:"]
        lines += hosts.map { "- {registry: 'http://\($0)', repositories: [a]}" } + ["webhooks:"]
        lines += hosts.enumerated().map {
            "- {name: x\($0), url: 'http://\($1)/latest', secret-file: \(secret)}"
        }
        let file = try scratch.write("hub.yaml", lines.joined(separator: "\n") + "\n")
        let check = try await HubProcess.run(["config", "check", file.string])
        #expect(check.status == 64)
        #expect(
            check.stderr.split(separator: "\n").count { $0.contains("link-local") } == 12, "\(check.stderr)")
        // What is not written as an address is found out when it is asked: by a number, or by a redirect.
        let disguised = try await start(scratch, "registry: 'http://2852039166:80'")
        let direct = try await disguised.client.send("GET", "/v2/m/a/manifests/v1")
        #expect(direct.status == 502, "\(direct.text)")
        #expect(await disguised.stop(SIGTERM) == 0)
        #expect(disguised.errorText.contains("link-local"), "\(disguised.errorText)")
        let upstream = try ScriptedUpstream { exchange, path, _ in
            guard path.hasPrefix("a/") else { return false }
            let place = "http://169.254.169.254/latest/meta-data"
            try exchange.respond(307, headers: [("Location", place)])
            return true
        }
        let other = try ScratchDirectory("hub")
        let redirected = try await start(other, "registry: 'http://\(upstream.authority)'")
        for path in ["manifests/v1", "blobs/\(Digest(of: upstream.layer))"] {
            let reply = try await redirected.client.send("GET", "/v2/m/a/\(path)")
            #expect(reply.status == 502, "\(reply.text)")
        }
        #expect(await redirected.stop(SIGTERM) == 0)
        #expect(redirected.errorText.contains("link-local"), "\(redirected.errorText)")
    }
}
