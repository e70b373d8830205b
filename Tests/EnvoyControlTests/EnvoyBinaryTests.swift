// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct EnvoyBinaryTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("envoy") }

    /// Something executable that is not an Envoy.
    @discardableResult
    func executable(_ name: String, _ text: String = "#!/bin/sh\necho nothing\n") throws -> FilePath {
        let path = try scratch.write(name, text)
        let file = try FileDescriptor.open(path, .readOnly)
        defer { try? file.close() }
        try #require(fchmod(file.rawValue, 0o755) == 0)
        return path
    }

    @Test func `WASME_ENVOY comes before PATH and PATH before the given folders`() throws {
        let wanted = try executable("wanted/envoy-custom")
        let path = try executable("bin/envoy")
        let installed = try executable("tools/1.40.0/envoy")
        let bin = scratch.appending("bin").string
        let folders = [scratch.appending("tools")]
        #expect(
            try EnvoyBinary.find(
                environment: ["WASME_ENVOY": wanted.string, "PATH": bin], searchFolders: folders
            ).path == wanted)
        #expect(try EnvoyBinary.find(environment: ["PATH": bin], searchFolders: folders).path == path)
        #expect(
            try EnvoyBinary.find(environment: ["PATH": "/nonexistent"], searchFolders: folders).path
                == installed)
    }

    @Test func `the newest installed version is taken, by number`() throws {
        for version in ["1.9.3", "1.40.0", "1.31.10", "notes"] { try executable("tools/\(version)/envoy") }
        let found = try EnvoyBinary.find(environment: [:], searchFolders: [scratch.appending("tools")])
        #expect(found.path == scratch.appending("tools/1.40.0/envoy"))
    }

    @Test func `the folders are those of the nearest project and of the user`() throws {
        try executable("project/.tools/envoy/1.40.0/envoy")
        let inside = scratch.appending("project").appending("a").appending("b")
        let folders = EnvoyBinary.searchFolders(from: inside, environment: ["HOME": "/home/someone"])
        #expect(
            folders == [
                scratch.appending("project/.tools/envoy"), "/home/someone/.local/share/wasme/envoy",
            ])
        let explicit = EnvoyBinary.searchFolders(from: inside, environment: ["XDG_DATA_HOME": "/data"])
        #expect(explicit.last == "/data/wasme/envoy")
    }

    @Test func `a missing Envoy says where was looked and what to do`() throws {
        let error = try #require(throws: EnvoyError.self) {
            try EnvoyBinary.find(environment: ["PATH": "/nonexistent"], searchFolders: ["/nowhere/envoy"])
        }
        #expect(error.code == .notFound)
        #expect(
            error.message == "there is no Envoy on this machine: looked in PATH, \"/nowhere/envoy\"")
        #expect(error.hint?.contains("WASME_ENVOY") == true)
    }

    @Test func `a WASME_ENVOY that leads nowhere is an error, also if PATH has an Envoy`() throws {
        try executable("bin/envoy")
        let error = try #require(throws: EnvoyError.self) {
            try EnvoyBinary.find(environment: [
                "WASME_ENVOY": "/nowhere/envoy", "PATH": scratch.appending("bin").string,
            ])
        }
        #expect(error.message.contains("\"/nowhere/envoy\""))
    }

    @Test(.requires(.envoy)) func `the version is read from Envoy`() async throws {
        let version = try await envoyUnderTest().version()
        #expect(version.split(separator: ".").count == 3)
        #expect(version.split(separator: ".").allSatisfy { Int($0) != nil })
    }

    @Test func `what is not an Envoy has no version`() async throws {
        let other = EnvoyBinary("/bin/echo")
        let error = try await #require(throws: EnvoyError.self) { try await other.version() }
        #expect(error.code == .unusable)
        #expect(
            error.message.hasPrefix(
                "\"/bin/echo\" is not a usable Envoy: it ended with exit status 0 and said \""))
        let missing = EnvoyBinary(scratch.appending("missing"))
        let second = try await #require(throws: EnvoyError.self) { try await missing.version() }
        #expect(second.message.contains("exit status 127"))
    }

    @Test func `addresses are read and written`() throws {
        for text in ["127.0.0.1:8080", "[::1]:0", "backend.local:65535"] {
            #expect(try HostPort(text).description == text)
        }
        for text in [
            "", ":80", "host", "host:", "host:65536", "host:-1", "a b:1", "::1:80", "[x]:1", "h\n:1",
        ] {
            #expect(throws: EnvoyError.self) { try HostPort(text) }
        }
        #expect(try HostPort("[::1]:0").isIPAddress)
        #expect(try !HostPort("localhost:0").isIPAddress)
    }
}
