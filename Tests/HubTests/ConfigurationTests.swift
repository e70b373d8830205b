// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Settings from a file, the environment and the command line.
@Suite struct ConfigurationTests {
    @Test func `everything that is wrong with a file is named with its line`() async throws {
        let scratch = try ScratchDirectory("hub")
        let file = try scratch.write(
            "hub.yaml",
            """
            listen: nowhere
            public_url: https://hub.example.com
            access:
              require-login: perhaps
            limits:
              blob-size: 10 apples
              page-length: [1]
            listen-on: x
            """)
        let checked = try await HubProcess.run(["config", "check", file.string])
        #expect(checked.status == 64)
        #expect(
            checked.stderr == """
                error: "\(file)" cannot be used
                  line 1: listen: "nowhere" is not an address to listen on
                  line 2: public_url: there is no such setting; did you mean public-url?
                  line 4: access.require-login: "perhaps" is neither true nor false
                  line 6: limits.blob-size: "10 apples" is not a size: write a number of bytes, or one with K, M, G or T
                  line 7: limits.page-length: this takes one value
                  line 8: listen-on: there is no such setting; did you mean listen?
                  help: see 'wasme-hub config --print-defaults' for all settings

                """)
        let double = try scratch.write(
            "double.yaml", "access:\n  require-login: true\n  require-login: false\n")
        let twice = try await HubProcess.run(["config", "check", double.string])
        #expect(twice.stderr.contains("\n  line 2: require-login: this is there twice\n"), "\(twice.stderr)")
        let broken = try scratch.write("broken.yaml", "listen: [")
        #expect(try await HubProcess.run(["config", "check", broken.string]).status == 64)
        #expect(try await HubProcess.run(["config", "check", "/nowhere"]).status == 64)
        #expect(try await HubProcess.run(["serve", "--config", file.string]).status == 64)
    }

    @Test func `lists are taken from the file or a variable, and what is wrong is named with its entry`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let file = try scratch.write(
            "hub.yaml",
            """
            webhooks:
            - name: ci
              url: https://ci.example.com/hub
              secret-file: /etc/secret
              repositories: [acme/*, ACME]
            - name: ci
              secret-file: /etc/secret
              events: [manifest.pull]
            - url: https://ci.example.com/hub
              name: [x]
              seret-file: /etc/secret
            - name: cd
              url: ftp://ci.example.com
              secret-variable: SECRET
            """)
        let checked = try await HubProcess.run(["config", "check", file.string])
        #expect(checked.status == 64)
        #expect(
            checked.stderr.split(separator: "\n").dropFirst().dropLast() == [
                "  line 2: webhooks[0]: repository name \"ACME\" has upper-case letters",
                "  line 6: webhooks[1].url: this is missing",
                "  line 10: webhooks[2].name: this takes one value",
                "  line 11: webhooks[2].seret-file: there is no such setting; did you mean secret-file?",
                "  line 12: webhooks[3]: the url is not an http or https URL",
            ])
        let entry = "{name: ci, url: 'http://localhost:1', secret-variable: SECRET}"
        for (value, problem) in [
            ("[\(entry)]", nil), ("x", "webhooks: this takes a list"),
            ("[\(entry), \(entry)]", "webhooks[1]: the name \"ci\" is there twice"),
            ("[{name: a, url: 'http://x'}]", "webhooks[0]: one of secret-file and secret-variable is needed"),
        ] as [(String, String?)] {
            let checked = try await HubProcess.run(
                ["config", "check"], environment: ["WASME_HUB_WEBHOOKS": value])
            #expect(checked.status == (problem == nil ? 0 : 64), "\(checked.stderr)")
            if let problem { #expect(checked.stderr.contains("  WASME_HUB_WEBHOOKS: \(problem)\n")) }
        }
        let started = try await HubProcess.run(
            ["serve", "--listen", "127.0.0.1:0", "--data", scratch.path.appending("data").string],
            environment: ["WASME_HUB_WEBHOOKS": "[\(entry)]", "SECRET": "too short"])
        #expect(started.status == 64)
        #expect(started.stderr.contains("the secret has less than 16 bytes"))
        #expect(!started.stderr.contains("too short"))
    }

    @Test func `what is wrong with the environment is named by its variable`() async throws {
        let checked = try await HubProcess.run(
            ["config", "check"],
            environment: ["WASME_HUB_LISTN": "x", "WASME_HUB_LIMITS_PAGE_LENGTH": "0"])
        #expect(checked.status == 64)
        #expect(
            checked.stderr == """
                error: the environment cannot be used
                  WASME_HUB_LIMITS_PAGE_LENGTH: "0" is not a number from 1 to 10000
                  WASME_HUB_LISTN: there is no such setting; did you mean WASME_HUB_LISTEN?
                  help: see 'wasme-hub config --print-defaults' for all settings

                """)
    }

    @Test func `the defaults that are printed are taken, and change nothing`() async throws {
        let scratch = try ScratchDirectory("hub")
        let printed = try await HubProcess.run(["config", "--print-defaults"])
        #expect(printed.status == 0)
        let file = try scratch.write("hub.yaml", printed.stdout)
        let checked = try await HubProcess.run(["config", "check", file.string])
        #expect(checked.status == 0, "\(checked.stderr)")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"), options: ["--config", file.string])
        #expect(try await hub.client.send("GET", "/v2/").status == 200)
    }

    @Test func `the environment counts more than the file, and the command line most`() async throws {
        let scratch = try ScratchDirectory("hub")
        let file = try scratch.write(
            "hub.yaml",
            "public-url: https://file.example\naccess: {require-login: true}\nlimits: {blob-size: 1K}\n")
        for (options, variables, realm) in [
            ([], [:], "https://file.example/token"),
            ([], ["WASME_HUB_PUBLIC_URL": "https://variable.example"], "https://variable.example/token"),
            (
                ["--public-url", "https://option.example"],
                ["WASME_HUB_PUBLIC_URL": "https://variable.example"], "https://option.example/token"
            ),
        ] as [([String], [String: String], String)] {
            let hub = try await HubProcess(
                data: scratch.path.appending("data"), options: ["--config", file.string] + options,
                environment: variables)
            let reply = try await hub.client.send("GET", "/v2/")
            #expect(reply["WWW-Authenticate"]?.contains("\"\(realm)\"") == true)
            await hub.stop(SIGTERM)
        }
        let hub = try await HubProcess(
            data: scratch.path.appending("open"), options: ["--config", file.string],
            environment: ["WASME_HUB_ACCESS_REQUIRE_LOGIN": "false"])
        let bytes = sampleBytes(1025)
        let reply = try await hub.client.send(
            "POST", "/v2/a/blobs/uploads/?digest=\(Digest(of: bytes))", body: bytes)
        #expect(reply.status == 413)
    }
}
