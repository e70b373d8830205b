// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// `wasme-hub` as people and scripts meet it.
@Suite struct CommandTests {
    @Test func `says where it listens, that nobody else can come in, and stops when told`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"))
        #expect(try await hub.client.send("GET", "/v2/").status == 200)
        #expect(hub.errorText.hasPrefix("note: open to this machine only, without authentication"))
        #expect(await hub.stop(SIGTERM) == 0)
        let log = try Data(contentsOf: URL(filePath: scratch.path.appending("data/hub.sqlite-wal").string))
        #expect(log.isEmpty, "a copy of hub.sqlite would not be the whole database")
    }

    @Test func `says which version it is`() async throws {
        let result = try await HubProcess.run(["--version"])
        #expect(result.stdout == "\(Release.version)\n")
        #expect(result.status == 0)
    }

    @Test func `needs no configuration`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("x"))
        let taken = "127.0.0.1:\(hub.client.port)"
        for (variables, folder) in [
            (["XDG_DATA_HOME": scratch.path.string], "wasme-hub"),
            (["XDG_DATA_HOME": "relative", "HOME": scratch.path.string], ".local/share/wasme-hub"),
        ] {
            // The port is taken, so it ends; by then it has made its folder.
            let result = try await HubProcess.run(["serve", "--listen", taken], environment: variables)
            #expect(result.status == 1)
            #expect(
                FileManager.default.fileExists(atPath: scratch.path.appending("\(folder)/hub.sqlite").string))
        }
        let homeless = try await HubProcess.run(["serve"], environment: [:])
        #expect(homeless.status == 64)
        #expect(homeless.stderr.contains("neither XDG_DATA_HOME nor HOME is set"))
    }

    @Test func `a second hub on the same folder or port is refused`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data").string
        let hub = try await HubProcess(
            data: scratch.path.appending("data"))
        let folder = try await HubProcess.run(["serve", "--listen", "127.0.0.1:0", "--data", data])
        #expect(folder.status == 1)
        #expect(folder.stdout.isEmpty)
        #expect(
            folder.stderr == """
                error: data folder "\(data)" is in use by another hub (process \(hub.pid))
                  help: stop the other hub, or choose another folder with --data

                """)
        let port = try await HubProcess.run(
            ["--listen", "127.0.0.1:\(hub.client.port)", "--data", "\(data)2"])
        #expect(port.status == 1)
        #expect(
            port.stderr == """
                error: cannot listen on "127.0.0.1:\(hub.client.port)"
                  cause: cannot bind to "127.0.0.1:\(hub.client.port)": address already in use
                  help: choose another port with --listen, as in --listen 127.0.0.1:0 for any that is free

                """)
        #expect(try await hub.client.send("GET", "/v2/").status == 200)
    }

    @Test(arguments: [
        "0.0.0.0:5000", "[::]:0", "192.0.2.1:5000", "example.com:80", "127.0.0.1", ":5000", "127.0.0.1:x",
        "127.0.0.1:70000", "127.evil.example:1",
    ])
    func `an address that is not of this machine is refused`(_ address: String) async throws {
        let scratch = try ScratchDirectory("hub")
        let result = try await HubProcess.run(["serve", "--listen", address, "--data", scratch.path.string])
        #expect(result.status == 64)
        #expect(result.stderr.hasPrefix("error: \"\(address)\""))
        #expect(result.stderr.contains("  help: "))
    }

    @Test func `a folder that cannot be used is an error that names it`() async throws {
        let scratch = try ScratchDirectory("hub")
        let file = scratch.path.appending("file")
        try Data().write(to: URL(filePath: file.string))
        let result = try await HubProcess.run([
            "--listen", "127.0.0.1:0", "--data", file.appending("data").string,
        ])
        #expect(result.status == 1)
        #expect(
            result.stderr == """
                error: cannot use data folder "\(file)/data"
                  cause: cannot create "\(file)/data": not a directory
                  help: make it writable for this user, or choose another folder with --data

                """)
    }

    @Test func `a request under way ends before the hub does`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"))
        let bytes = sampleBytes(1000)
        let reply = try await onThread { [hub] in
            let wire = try Wire(port: hub.client.port)
            let path = "/v2/a/blobs/uploads/?digest=\(Digest(of: bytes))"
            try wire.send(
                "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
            // The interim answer says that the hub has the request.
            try #require(try wire.interim() == 100)
            kill(hub.pid, SIGTERM)
            try wire.send(bytes)
            return try wire.reply()
        }
        #expect(reply?.status == 201)
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `an error report has every cause and one help`() {
        struct Failure: Diagnostic {
            let message: String
            var cause: (any Error)?
            var hint: String?
        }
        let report = render(
            Failure(
                message: "cannot a",
                cause: Failure(message: "cannot b", cause: SystemError("open", "/x", errno: 2), hint: "do c"))
        )
        #expect(
            report == """
                error: cannot a
                  cause: cannot b
                  cause: cannot open "/x": no such file or directory
                  help: do c
                """)
    }
}
