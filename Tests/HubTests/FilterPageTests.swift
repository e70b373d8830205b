// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import TestSupport
import Testing

/// The page of a filter.
@Suite struct FilterPageTests {
    @Test func `a filter's page says what the filter is, does and needs`() async throws {
        try await withHub { hub in
            let sketch = try FilterSketch()
            try await hub.client.push(sketch, to: "acme/tiny", tag: "v1")
            for path in ["/r/acme/tiny", "/r/acme/tiny:v1", "/r/acme/tiny@\(sketch.document.digest)"] {
                let reply = try await hub.client.get(path)
                #expect(reply.status == 200)
                let page = reply.text
                for text in [
                    "Adds a header.", "Apache-2.0", "bytes", "Proxy-Wasm 0.2.1", "1.0.0",
                    "<h3 id=\"readme-tiny\">Tiny</h3>", "<p>bold</p>", "env.proxy_add_header_map_value",
                    "proxy_on_response_headers", "It changes headers", "66 kB at the start",
                    "?show=licence", sketch.document.digest.description,
                    Digest(of: FilterSketch.module()).hex,
                    "Istio", "Envoy Gateway", "<span class=\"yes\">yes</span>",
                    "application/vnd.oci.image.layer.v1.tar&#43;gzip".replacing("&#43;", with: "+"),
                    "anonymous",
                    "&quot;schemaVersion&quot;: 2", "oci://127.0.0.1:\(hub.client.port)/acme/tiny@sha256:",
                    "http://127.0.0.1:\(hub.client.port)/modules/acme/tiny/\(sketch.document.digest).wasm",
                ] { #expect(page.contains(text), "\(path): \(text)") }
                #expect(page.utf8.count < 50_000, "\(page.utf8.count) bytes")
            }
        }
    }

    @Test func `versions have who pushed them, and a picture of their sizes`() async throws {
        try await withHub { hub in
            for number in 1...3 {
                try await hub.client.push(
                    try FilterSketch(isLarge: number > 1, value: "v\(number)"), to: "acme/tiny",
                    tag: "v\(number)")
            }
            let page = try await hub.client.get("/r/acme/tiny:v2").text
            #expect(page.contains("<svg viewBox"))
            #expect(page.contains("href=\"/r/acme/tiny:v2\" aria-current=\"page\""))
            #expect(page.contains("/compare/acme/tiny?from=v1&amp;to=v2"))
            #expect(!page.contains("from=v2&amp;to=v2"))
            let images = try await hub.registry.acting(for: .host)
                .taggedImages(in: try Repository("acme/tiny"), limit: 5)
            #expect(images.map(\.pushedBy) == ["anonymous", "anonymous", "anonymous"])
        }
    }

    @Test func `a host that refuses the filter is shown with its reason`() async throws {
        try await withHub { hub in
            let image = try FilterSketch(
                [("application/wasm", TinyFilter(flaw: .missingImport).bytes)], config: .wasmConfig)
            try await hub.client.push(image, to: "acme/broken", tag: "v1")
            let page = try await hub.client.get("/r/acme/broken").text
            #expect(page.contains("<span class=\"no\">no</span>"))
            #expect(page.contains("no_such_hostcall"))
        }
    }

    @Test func `content that is no filter has a page too`() async throws {
        try await withHub { hub in
            try await hub.client.pushImage(to: "acme/image", tag: "v1")
            let other = try await hub.client.get("/r/acme/image")
            #expect(other.status == 200)
            #expect(other.text.contains("This is no filter"))
            #expect(other.text.contains("wasme pull 127.0.0.1:\(hub.client.port)/acme/image:v1"))
            #expect(!other.text.contains("id=\"install\""))
            let broken = try FilterSketch([
                (FilterSketch.tarGzip, try FilterSketch.layer([("plugin.wasm", Array("<b>".utf8))]))
            ])
            try await hub.client.push(broken, to: "acme/broken", tag: "v1")
            #expect(try await hub.client.get("/r/acme/broken").text.contains("the hub cannot read it"))
            let sketch = try FilterSketch()
            try await hub.client.push(sketch, to: "acme/index", tag: "v1")
            let child = Descriptor(of: sketch.document.bytes, mediaType: sketch.document.mediaType)
            let index = try ManifestDocument(Index(manifests: [child]))
            try #require(try await hub.client.putManifest(index, to: "acme/index", as: "all").status == 201)
            let page = try await hub.client.get("/r/acme/index:all").text
            #expect(page.contains("Manifest 1"))
            #expect(page.contains("/r/acme/index@\(sketch.document.digest)"))
        }
    }

    @Test func `signatures and bills of materials are named`() async throws {
        try await withHub { hub in
            let sketch = try FilterSketch()
            try await hub.client.push(sketch, to: "acme/tiny", tag: "v1")
            let subject = Descriptor(of: sketch.document.bytes, mediaType: sketch.document.mediaType)
            let config = try await hub.client.push(Array("{}".utf8), to: "acme/tiny")
            for type in [
                "application/spdx+json", "application/vnd.dev.cosign.artifact.sig.v1+json", "text/x",
            ] {
                var manifest = Manifest(config: config, layers: [config], subject: subject)
                manifest.artifactType = MediaType(rawValue: type)
                let document = try ManifestDocument(manifest)
                let reply = try await hub.client.putManifest(
                    document, to: "acme/tiny", as: document.digest.description)
                try #require(reply.status == 201, "\(reply.text)")
            }
            let page = try await hub.client.get("/r/acme/tiny").text
            for text in [
                ">Signature</a>", ">Bill of materials</a>", ">Attachment</a>", "application/spdx+json",
            ] {
                #expect(page.contains(text), "\(text)")
            }
        }
    }

    @Test func `a repository whose manifests have no tag, and what is not there`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "acme/image", tag: "v1")
            #expect(try await hub.client.send("DELETE", "/v2/acme/image/manifests/v1").status == 202)
            let page = try await hub.client.send("GET", "/r/acme/image")
            #expect(page.status == 200)
            #expect(page.text.contains("can be pulled by digest"))
            #expect(try await hub.client.get("/r/acme/image@\(image.digest)").status == 200)
            for path in [
                "/r/acme/image:v1", "/r/acme/image:", "/r/acme/image@sha256:0",
                "/r/acme/image@\(Digest(of: [1]))",
                "/r/acme/image:a:b", "/r/acme/image@x@y", "/r/", "/r/:v1", "/r/@", "/r/acme/image:v1/x",
                "/compare/acme/image:v1", "/compare/", "/compare/acme/none",
                "/compare/acme/image?from=v1&to=v2",
            ] {
                let reply = try await hub.client.send("GET", path)
                #expect(reply.status == 404, "\(path): \(reply.status)")
                #expect(reply["Content-Type"] == "text/html; charset=utf-8")
            }
            #expect(try await hub.client.send("DELETE", "/r/acme/image").status == 405)
            #expect(try await hub.client.send("GET", "/compare/acme/image?from=a&from=b").status == 400)
        }
    }

    @Test func `a name that is no host's stands in no command`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            _ = try await hub.client.get("/r/acme/tiny")
            let reply = try await onThread { [port = hub.client.port] in
                let wire = try Wire(port: port)
                try wire.send("GET /r/acme/tiny HTTP/1.1\r\nHost: $(reboot)`x`\r\nConnection: close\r\n\r\n")
                return try wire.reply()
            }
            let page = try #require(reply?.text)
            #expect(page.contains("does not know by which name hosts reach it"))
            #expect(!page.contains("data-snippet"))
        }
    }

    @Test func `a page is made in little time`() async throws {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(
                    schema: ConfigurationFormTests.schema,
                    readme: String(repeating: "## Use\n\n- *a* `b`\n\n|a|b|\n|-|-|\n|1|2|\n\n", count: 40)),
                to: "acme/tiny", tag: "v1")
            _ = try await hub.client.get("/r/acme/tiny")
            let clock = ContinuousClock()
            let time = try await clock.measure {
                for _ in 0..<20 { _ = try await hub.client.get("/r/acme/tiny") }
            }
            // Built for debugging and beside other suites: this finds what grows out of all proportion.
            #expect(time / 20 < .seconds(1), "\(time / 20)")
        }
    }
}
