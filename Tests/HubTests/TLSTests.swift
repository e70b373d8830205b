// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// The hub behind a certificate, as real clients meet it.
@Suite struct TLSTests {
    /// A folder with a certificate and its key that can be replaced.
    private struct Site {
        let scratch: ScratchDirectory
        let authority: CertificateAuthority
        var certificate: FilePath { scratch.path.appending("tls.crt") }
        var key: FilePath { scratch.path.appending("tls.key") }
        var environment: [String: String] {
            ["WASME_HUB_TLS_CERTIFICATE": certificate.string, "WASME_HUB_TLS_KEY": key.string]
        }

        init() async throws {
            scratch = try ScratchDirectory("tls")
            authority = try await CertificateAuthority()
        }

        func install(_ issued: CertificateAuthority.Issued) throws {
            // Each file at once, one after the other: between the two they do not fit.
            try Files.replace(certificate, with: try Files.read(issued.certificate))
            try Files.replace(key, with: try Files.read(issued.key))
        }

        func start() async throws -> HubProcess {
            try await HubProcess(data: scratch.path.appending("data"), environment: environment)
        }

        /// Whose certificate a hub shows.
        func subject(_ hub: HubProcess) async throws -> String {
            let openssl = try #require(Tool.openssl.path)
            let shown = try await run(
                openssl,
                [
                    "s_client", "-connect", "127.0.0.1:\(hub.client.port)", "-CAfile",
                    authority.certificate.string, "-verify_return_error",
                ], input: "")
            let line = shown.stdout.split(separator: "\n").first { $0.hasPrefix("subject=") }
            return line.map { String($0.dropFirst(8)).filter { !$0.isWhitespace } } ?? shown.stderr
        }

        /// Waits until a hub shows another certificate.
        func wait(for name: String, _ hub: HubProcess) async throws -> Bool {
            let deadline = ContinuousClock.now + .seconds(30)
            repeat {
                if try await subject(hub) == "CN=\(name)" { return true }
            } while ContinuousClock.now < deadline
            return false
        }

        func curl(_ hub: HubProcess, _ path: String, _ options: [String] = []) async throws -> ProcessOutcome
        {
            try await run(
                try #require(Tool.curl.path),
                ["-sS", "--cacert", authority.certificate.string] + options + [
                    "https://127.0.0.1:\(hub.client.port)\(path)"
                ])
        }
    }

    @Test(.requires(.openssl), .requires(.curl))
    func `clients that know the authority are served, by TLS 1.2 or later`()
        async throws
    {
        let site = try await Site()
        try site.install(try await site.authority.issue("hub"))
        let hub = try await site.start()
        let reply = try await site.curl(hub, "/v2/", ["-w", "%{http_code} %{http_version}"])
        #expect(reply.stdout == "{}200 1.1", "\(reply.stderr)")
        let openssl = try #require(Tool.openssl.path)
        for (option, isServed) in [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
            let outcome = try await run(
                openssl,
                [
                    "s_client", "-connect", "127.0.0.1:\(hub.client.port)", "-CAfile",
                    site.authority.certificate.string, "-verify_return_error", option, "-cipher",
                    "DEFAULT@SECLEVEL=0", "-alpn", "h2,http/1.1",
                ], input: "")
            #expect((outcome.status == 0) == isServed, "\(option): \(outcome.stderr)")
            #expect(outcome.stdout.contains("ALPN protocol: http/1.1") == isServed, "\(option)")
        }
        // A blob that is a file, both ways.
        let bytes = sampleBytes(1_000_000)
        let (sent, received) = (
            try site.scratch.write("sent", ""), site.scratch.path.appending("received")
        )
        try Files.replace(sent, with: bytes)
        let digest = Digest(of: bytes)
        let push = try await site.curl(
            hub, "/v2/acme/app/blobs/uploads/?digest=\(digest)",
            ["-X", "POST", "--data-binary", "@\(sent)", "-w", "%{http_code}"])
        #expect(push.stdout == "201", "\(push.stderr)")
        let pull = try await site.curl(
            hub, "/v2/acme/app/blobs/\(digest)", ["-o", received.string, "-w", "%{http_code}"])
        #expect(pull.stdout == "200", "\(pull.stderr)")
        #expect(try Files.read(received) == bytes)
        // Whoever speaks plain HTTP gets no answer, and harms nobody.
        #expect(
            try await hub.client.exchange(Array("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".utf8))?.status == nil)
        let metrics = try await site.curl(hub, "/metrics")
        #expect(metrics.stdout.contains("wasme_hub_tls_certificate_expiry_timestamp_seconds "))
        let stranger = try await run(
            try #require(Tool.curl.path), ["-sS", "https://127.0.0.1:\(hub.client.port)/v2/"])
        #expect(stranger.status == 60, "\(stranger.stderr)")
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test(.requires(.openssl), .requires(.curl))
    func `another certificate is taken over while clients come, and a broken one is not`()
        async throws
    {
        let site = try await Site()
        try site.install(try await site.authority.issue("first"))
        let (second, third) = (
            try await site.authority.issue("second"), try await site.authority.issue("third")
        )
        let hub = try await site.start()
        #expect(try await site.subject(hub) == "CN=first")
        // A connection for each of them: each is a handshake.
        async let traffic = run(
            FilePath("/bin/bash"),
            [
                "-c",
                "for i in $(seq 150); do \"$0\" -fsS -o /dev/null --cacert \"$1\" \"$2\" || exit 1; done",
                try #require(Tool.curl.path).string, site.authority.certificate.string,
                "https://127.0.0.1:\(hub.client.port)/v2/",
            ])
        try site.install(second)
        kill(hub.pid, SIGHUP)
        #expect(try await site.wait(for: "second", hub))
        // Without a signal, the files alone.
        try site.install(third)
        #expect(try await site.wait(for: "third", hub))
        let outcome = try await traffic
        #expect(outcome.status == 0, "\(outcome.stderr)")

        try Files.replace(site.certificate, with: Array("no certificate".utf8))
        kill(hub.pid, SIGHUP)
        let deadline = ContinuousClock.now + .seconds(30)
        while !hub.errorText.contains("the one before stays in use"), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(hub.errorText.contains("the one before stays in use"), "\(hub.errorText)")
        #expect(try await site.subject(hub) == "CN=third")
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test(.requires(.openssl)) func `a certificate that will not do is said at the start`() async throws {
        let site = try await Site()
        let good = try await site.authority.issue("hub")
        let other = try await site.authority.issue("other")
        let old = try await site.authority.issue("old", days: -1)
        let garbage = try site.scratch.write("garbage.pem", "nothing")
        let missing = site.scratch.path.appending("missing.pem")
        for (certificate, key, reason) in [
            (good.certificate, other.key, "is not that of the certificate"),
            (old.certificate, old.key, "expired at"), (garbage, good.key, "holds no certificate"),
            (good.certificate, garbage, "holds no key"), (missing, good.key, "cannot be read"),
        ] {
            let environment = [
                "WASME_HUB_TLS_CERTIFICATE": certificate.string, "WASME_HUB_TLS_KEY": key.string,
            ]
            for command in [
                ["serve", "--listen", "127.0.0.1:0", "--data", site.scratch.path.appending("data").string],
                ["config", "check"],
            ] {
                let outcome = try await HubProcess.run(command, environment: environment)
                #expect(outcome.status == 64, "\(reason): \(outcome.stderr)")
                #expect(outcome.stderr.contains(reason), "\(outcome.stderr)")
            }
        }
        let half = try await HubProcess.run(
            ["config", "check"], environment: ["WASME_HUB_TLS_KEY": good.key.string])
        #expect(half.status == 64)
        #expect(half.stderr.contains("only one is set"))
    }

    @Test(.requires(.openssl), .requires(.curl))
    func `cookies go nowhere but to the hub itself, by TLS`() async throws {
        let site = try await Site()
        try site.install(try await site.authority.issue("hub"))
        let data = site.scratch.path.appending("data").string
        let added = try await run(
            HubProcess.program, ["user", "add", "ada", "--admin", "--password-stdin", "--data", data],
            input: "a long password\n")
        try #require(added.status == 0, "\(added.stderr)")
        let hub = try await site.start()
        let page = try await site.curl(hub, "/signin", ["-i"])
        func cookie(_ text: String) throws -> (name: String, value: String, rest: String) {
            let line = try #require(
                text.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("set-cookie: ") })
            let match = try #require(line.dropFirst(12).firstMatch(of: #/^([^=]+)=([^;]*);(.*)$/#))
            return (String(match.1), String(match.2), match.3.lowercased())
        }
        let form = try cookie(page.stdout)
        let key = try #require(page.stdout.firstMatch(of: #/name="csrf" value="([0-9a-f]+)"/#)).1
        let address = "https://127.0.0.1:\(hub.client.port)"
        let signedIn = try await site.curl(
            hub, "/signin",
            [
                "-i", "-H", "Origin: \(address)", "-b", "\(form.name)=\(form.value)", "--data-urlencode",
                "csrf=\(key)", "-d", "name=ada", "--data-urlencode", "password=a long password",
            ])
        let session = try cookie(signedIn.stdout)
        for cookie in [form, session] {
            // RFC 6265bis §4.1.3.2: a browser takes a cookie of such a name from nobody else.
            #expect(cookie.name.hasPrefix("__Host-"))
            let attributes = Set(cookie.rest.split(separator: ";").map { $0.trimmingPrefix(" ") })
            #expect(attributes.isSuperset(of: ["secure", "httponly", "path=/"]), "\(cookie.rest)")
            #expect(!cookie.rest.contains("domain"))
        }
        #expect(form.rest.contains("samesite=strict") && session.rest.contains("samesite=lax"))
        let account = try await site.curl(
            hub, "/account",
            ["-o", "/dev/null", "-w", "%{http_code}", "-b", "\(session.name)=\(session.value)"])
        #expect(account.stdout == "200")
        // Under the name that it has without TLS it is worth nothing here.
        let bare = session.name.dropFirst("__Host-".count)
        let other = try await site.curl(
            hub, "/account", ["-o", "/dev/null", "-w", "%{http_code}", "-b", "\(bare)=\(session.value)"])
        #expect(other.stdout == "303")
        await hub.stop(SIGTERM)
    }
}
