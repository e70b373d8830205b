// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// Manifests that must be refused; none of them may leave a manifest or a tag behind.
@Suite struct BadManifestTests {
    /// A manifest as JSON text; `CONFIG` and `LAYER` stand for descriptors of blobs that are there.
    struct BadManifest: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        var type: String? = MediaType.imageManifest.rawValue
        var status = 400
        var code = "MANIFEST_INVALID"
        var testDescription: String { name }
    }

    private static let own = #""schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json""#
    private static let absent =
        #"{"mediaType":"a/b","size":1,"digest":"sha256:\#(String(repeating: "0", count: 64))"}"#
    private static let nesting = String(repeating: "[", count: 100_000)

    private static func layer(_ fields: String) -> String {
        #"{\#(own),"config":CONFIG,"layers":[{"mediaType":"a/b",\#(fields)}]}"#
    }

    static let manifests: [BadManifest] = [
        BadManifest(name: "empty", text: ""),
        BadManifest(name: "not JSON", text: "hello"),
        BadManifest(name: "a list", text: "[]"),
        BadManifest(name: "deep nesting", text: nesting),
        BadManifest(name: "deep annotations", text: #"{\#(own),"config":CONFIG,"layers":[],"x":\#(nesting)"#),
        BadManifest(name: "duplicate keys", text: #"{\#(own),"config":CONFIG,"config":LAYER,"layers":[]}"#),
        BadManifest(
            name: "duplicate keys below",
            text: layer(#""size":1,"size":2000,"digest":"sha256:\#(String(repeating: "0", count: 64))""#)),
        BadManifest(
            name: "duplicate keys, one escaped",
            text: #"{\#(own),"config":CONFIG,"\u006cayers":[],"layers":[LAYER]}"#),
        BadManifest(name: "text after the end", text: #"{\#(own),"config":CONFIG,"layers":[]} x"#),
        BadManifest(name: "schemaVersion 1", text: #"{"schemaVersion":1,"config":CONFIG,"layers":[]}"#),
        BadManifest(name: "no schemaVersion", text: #"{"config":CONFIG,"layers":[]}"#),
        BadManifest(
            name: "layers and manifests", text: #"{\#(own),"config":CONFIG,"layers":[],"manifests":[]}"#),
        BadManifest(name: "no config", text: #"{\#(own),"layers":[]}"#),
        BadManifest(name: "no layers", text: #"{\#(own),"config":CONFIG}"#),
        BadManifest(name: "layers not a list", text: #"{\#(own),"config":CONFIG,"layers":{}}"#),
        BadManifest(
            name: "annotation not a text",
            text: #"{\#(own),"config":CONFIG,"layers":[],"annotations":{"a":1}}"#),
        BadManifest(
            name: "another type delivered", text: #"{\#(own),"config":CONFIG,"layers":[]}"#,
            type: MediaType.dockerManifest.rawValue),
        BadManifest(
            name: "index type, image inside", text: #"{"schemaVersion":2,"config":CONFIG,"layers":[]}"#,
            type: MediaType.imageIndex.rawValue),
        BadManifest(name: "type text", text: #"{\#(own),"config":CONFIG,"layers":[]}"#, type: "text/html"),
        BadManifest(
            name: "own type text",
            text: #"{"schemaVersion":2,"mediaType":"text/html","config":CONFIG,"layers":[]}"#,
            type: nil),
        BadManifest(name: "bad digest", text: layer(#""size":1,"digest":"sha256:../../x""#)),
        BadManifest(name: "negative size", text: layer(#""size":-1,"digest":"DIGEST""#)),
        BadManifest(name: "huge size", text: layer(#""size":18446744073709551616,"digest":"DIGEST""#)),
        BadManifest(name: "another size", text: layer(#""size":1999,"digest":"DIGEST""#)),
        BadManifest(
            name: "long media type",
            text:
                #"{\#(own),"config":CONFIG,"layers":[{"mediaType":"\#(String(repeating: "a", count: 100_000))","size":2000,"digest":"DIGEST"}]}"#
        ),
        BadManifest(
            name: "bad subject",
            text:
                #"{\#(own),"config":CONFIG,"layers":[],"subject":{"mediaType":"a/b","size":1,"digest":"x"}}"#),
        BadManifest(
            name: "missing layer", text: #"{\#(own),"config":CONFIG,"layers":[\#(absent)]}"#, status: 404,
            code: "MANIFEST_BLOB_UNKNOWN"),
        BadManifest(
            name: "missing config of a Wasm artifact",
            text:
                #"{\#(own),"config":\#(absent.replacing("a/b", with: "application/vnd.wasm.config.v0+json")),"layers":[LAYER]}"#,
            status: 404, code: "MANIFEST_BLOB_UNKNOWN"),
        BadManifest(
            name: "too large",
            text: #"{\#(own),"config":CONFIG,"layers":[]}"# + String(repeating: " ", count: 4 << 20),
            status: 413),
    ]

    @Test(arguments: manifests)
    func `is refused`(_ bad: BadManifest) async throws {
        try await withHub { hub in
            let (config, layer) = try await Self.pushBlobs(hub.client)
            func text(_ descriptor: Descriptor) throws -> String {
                String(decoding: try canonicalJSON(descriptor), as: UTF8.self)
            }
            let body = bad.text.replacing("CONFIG", with: try text(config))
                .replacing("LAYER", with: try text(layer)).replacing("DIGEST", with: layer.digest.description)
            let headers = bad.type.map { ["Content-Type": $0] } ?? [:]
            let reply = try await hub.client.send(
                "PUT", "/v2/a/manifests/v1", headers, body: Array(body.utf8))
            #expect(reply.status == bad.status, "\(reply.text)")
            #expect(reply.code == bad.code)
            try await Self.expectNothing(hub)
        }
    }

    @Test func `bytes that are not UTF-8 are refused`() async throws {
        try await withHub { hub in
            let config = try await Self.pushBlobs(hub.client).config
            var manifest = image(config: config, layers: [])
            manifest.annotations = ["a": "@"]
            let bytes = try ManifestDocument(manifest).bytes.map { $0 == UInt8(ascii: "@") ? 0xFF : $0 }
            let reply = try await hub.client.send("PUT", "/v2/a/manifests/v1", body: bytes)
            #expect(reply.status == 400)
            #expect(reply.code == "MANIFEST_INVALID")
            try await Self.expectNothing(hub)
        }
    }

    @Test func `a manifest that is too large is refused in chunks of its own too`() async throws {
        try await withHub { hub in
            let piece = [UInt8](repeating: 32, count: 1 << 20)
            let reply = try await hub.client.send(
                "PUT", "/v2/a/manifests/v1", ["Transfer-Encoding": "chunked"],
                body: chunked([[UInt8]](repeating: piece, count: 5)))
            #expect(reply.status == 413)
        }
    }

    @Test(arguments: [".a", "-a", String(repeating: "a", count: 129), "a%20b", "a+b", "%C3%A9"])
    func `a tag that cannot be is refused`(_ tag: String) async throws {
        try await withHub { hub in
            let document = try ManifestDocument(
                image(config: try await Self.pushBlobs(hub.client).config, layers: []))
            let reply = try await hub.client.putManifest(document, to: "a", as: tag)
            #expect(reply.status == 400)
            #expect(reply.code == "MANIFEST_INVALID")
            let listed = try await hub.client.putManifest(
                document, to: "a", as: "\(document.digest)?tag=ok&tag=\(tag)")
            #expect(listed.status == 400)
            try await Self.expectNothing(hub)
        }
    }

    private static func pushBlobs(_ client: Client) async throws -> (config: Descriptor, layer: Descriptor) {
        (try await client.push(Array("{}".utf8), to: "a"), try await client.push(sampleBytes(2000), to: "a"))
    }

    private static func expectNothing(_ hub: TestHub) async throws {
        #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").status == 404)
        #expect(try await hub.client.send("GET", "/v2/_catalog").text == #"{"repositories":[]}"#)
        #expect(try await hub.client.send("GET", "/v2/a/tags/list").text == #"{"name":"a","tags":[]}"#)
    }
}
