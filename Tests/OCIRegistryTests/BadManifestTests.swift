// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LoopbackServer
import OCI
import OCIRegistry
import Testing

/// Manifests that no image should have.
@Suite struct BadManifestTests {
    private static let type = "\(MediaType.imageManifest)"
    private static let config =
        #""config":{"mediaType":"a/b","digest":"sha256:\#(Digest(of: [1]).hex)","size":1}"#
    private static let good = #"{"schemaVersion":2,\#(config),"layers":[]}"#

    /// The manifest, and what the error has to say about it.
    private static let table: [(bytes: [UInt8], says: String)] =
        [
            ("", "the text ends"),
            ("<!DOCTYPE html><html>Log in</html>", "answered with a web page"),
            (String(good.dropLast(3)), "the text ends"),
            (#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}"#, "Docker's schema 1"),
            (#"{"schemaVersion":3}"#, "schemaVersion 3"),
            (#"{"schemaVersion":2}"#, "\"config\" is missing"),
            (#"{"schemaVersion":2,\#(config),"layers":[],"manifests":[]}"#, "both"),
            (#"{"schemaVersion":2,\#(config),"layers":[],"layers":[]}"#, "there twice"),
            (#"{"schemaVersion":2,"manifests":[]}"#, "does not fit its media type"),
            (
                #"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)",\#(config),"layers":[]}"#,
                "delivered as"
            ),
            (good.replacing(#""size":1"#, with: #""size":-1"#), "negative"),
            (good.replacing(#""size":1"#, with: #""size":18446744073709551616"#), "not valid JSON"),
            (good.replacing("sha256:", with: "sha256:../"), "has 67 characters"),
            (good.replacing("sha256:", with: "md5:"), "\"md5\" is not supported"),
            (good.replacing(#""layers":[]"#, with: #""layers":"none""#), "layers"),
            (good.replacing(#""layers":[]"#, with: #""layers":[],"annotations":{"a":1}"#), "annotations"),
            (String(repeating: "[", count: 100_000), "inside each other"),
            (
                good.dropLast() + #","annotations":"# + String(repeating: #"{"a":"#, count: 50_000),
                "inside each other"
            ),
        ].map { (Array($0.0.utf8), $0.1) } + [
            (Array(good.utf8).map { $0 == UInt8(ascii: "a") ? 0xff : $0 }, "UTF-8")
        ]

    @Test(arguments: 0..<table.count)
    func `a manifest that makes no sense is refused with the reason`(_ number: Int) async throws {
        let (bytes, says) = Self.table[number]
        let server = try LoopbackServer {
            try $0.respond(200, headers: [("Content-Type", Self.type)], body: bytes)
        }
        let error = try #require(await failure { _ = try await server.client().manifest(repository, tag) })
        #expect(error.code == .badAnswer)
        #expect(error.message.hasPrefix("cannot read manifest \"\(server.authority)/acme/auth:v1\": "))
        #expect(error.message.contains(says), "\(error.message)")
        #expect(error.message.utf8.count < 600)
    }

    @Test func `a manifest of five megabytes is refused by what its head says`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write(
                "HTTP/1.1 200 OK\r\nContent-Type: \(Self.type)\r\nContent-Length: 5000000\r\n\r\n")
            try exchange.write("{")
            // No more comes: whoever waits for it waits for long.
            exchange.waitForEnd()
        }
        let error = await failure { _ = try await server.client().manifest(repository, tag) }
        #expect(error?.code == .badAnswer)
        #expect(error?.message.contains("more than 4194304 bytes") == true)
    }

    @Test func `a manifest of nearly four megabytes is taken`() async throws {
        let filler = String(repeating: "a", count: (4 << 20) - Self.good.utf8.count - 30)
        let text = Self.good.dropLast() + #","annotations":{"a":"\#(filler)"}}"#
        let server = try LoopbackServer {
            try $0.respond(200, headers: [("Content-Type", Self.type)], text: String(text))
        }
        let document = try await server.client().manifest(repository, tag)
        #expect(document.bytes.count <= ManifestDocument.maximumSize)
        #expect(document.digest == Digest(of: text.utf8))
    }

    @Test(arguments: [
        "localhost:5000/acme/auth:\(String(repeating: "a", count: 129))", "localhost:5000/Acme/auth",
        "localhost:5000/acme/übung", "localhost:5000/acme/auth:ü", "localhost:5000/acme/auth@sha256:00",
        "localhost:5000/acme//auth", "localhost:5000/acme/auth:-a", "localhost:5000/../auth:a",
    ])
    func `a name that cannot be is no reference`(_ text: String) {
        #expect(throws: ReferenceError.self) { try Reference(text) }
    }

    @Test func `the longest tag is a tag`() throws {
        let tag = String(repeating: "a", count: 128)
        #expect(try Reference("localhost:5000/acme/auth:\(tag)").tag?.name == tag)
    }
}
