// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import Hub
import HubFacts
import HubStorage
import OCI
import TestSupport
import Testing

/// What the hub finds out about what was pushed.
@Suite struct FactsTests {
    @Test(arguments: [false, true])
    func `every layout of a filter is understood, and its module is served`(_ isLarge: Bool) async throws {
        try await withHub { hub in
            let module = FilterSketch.module(isLarge: isLarge)
            let digest = Digest(of: module)
            for (variant, image) in try FilterSketch.all(isLarge: isLarge) {
                let name = "acme/\(variant)"
                try await hub.client.push(image, to: name, tag: "v1")
                let facts = try await hub.client.facts("\(name)/v1")
                #expect(facts.kind == "filter", "\(variant): \(facts.reason ?? "")")
                #expect(facts.digest == image.document.digest.description)
                #expect(facts.facts.image?.variant == variant)
                #expect(facts.module?.digest == digest.description)
                #expect(facts.module?.size == module.count)
                #expect(facts.facts.module?.abiVersions == ["0.2.1"])
                let path = "/modules/\(name)/\(image.document.digest).wasm"
                #expect(facts.module?.path == path)
                for path in [path, "/modules/\(name)/v1.wasm"] {
                    let reply = try await hub.client.get(path)
                    #expect(reply.status == 200, "\(variant): \(reply.text.prefix(300))")
                    #expect(reply.body == module)
                    #expect(reply["X-Wasm-Sha256"] == digest.hex)
                }
            }
        }
    }

    @Test func `what a person wants to know of a filter is there`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            let facts = try await hub.client.facts("acme/tiny/v1").facts
            #expect(facts.metadata?.name == "tiny")
            #expect(facts.metadata?.description == "Adds a header.")
            #expect(facts.metadata?.licence == "Apache-2.0")
            #expect(facts.metadata?.language == "bytes")
            #expect(facts.metadata?.rootIDs == ["tiny"])
            #expect(facts.module?.imports.map(\.name) == ["env.proxy_add_header_map_value"])
            #expect(facts.module?.callbacks.contains { $0.name == "proxy_on_response_headers" } == true)
            #expect(facts.module?.otherExports.contains { $0.name == "malloc" } == true)
            #expect(facts.module?.capabilities.isEmpty == false)
            #expect(facts.module?.memory.map(\.initial) == [65_536])
            #expect(facts.configuration?.map(\.name) == ["header"])
            #expect(facts.configuration?.first?.defaultValue == "\"hello\"")
            #expect(facts.configSchema?.text.hasPrefix(#"{"type":"object""#) == true)
            #expect(facts.readme?.text == "# Tiny\n<b>bold</b>")
            #expect(facts.licence?.text == "Do what you like.")
            let hosts = try #require(facts.hosts)
            #expect(Set(hosts.map(\.host)).isSuperset(of: ["envoy", "istio", "envoy-gateway", "higress"]))
            #expect(hosts.filter { $0.host == "envoy" }.last?.isTaken == true)
            #expect(hosts.filter { $0.host == "istio" }.last?.isTaken == true)
        }
    }

    @Test func `a host that refuses a filter is named with its reasons`() async throws {
        try await withHub { hub in
            let module = TinyFilter(flaw: .missingImport).bytes
            let image = try FilterSketch([("application/wasm", module)], config: .wasmConfig)
            try await hub.client.push(image, to: "acme/broken", tag: "v1")
            let hosts = try #require(try await hub.client.facts("acme/broken/v1").facts.hosts)
            let envoy = try #require(hosts.last { $0.host == "envoy" })
            #expect(!envoy.isTaken)
            #expect(envoy.findings.first?.severity == "error")
            #expect(envoy.findings.contains { $0.message.contains("no_such_hostcall") })
            let istio = try #require(hosts.last { $0.host == "istio" })
            #expect(istio.findings.contains { $0.rule == "image-layout" })
        }
    }

    @Test func `an index has the facts of the image that hosts take out of it`() async throws {
        try await withHub { hub in
            let image = try FilterSketch()
            try await hub.client.push(image, to: "acme/tiny", tag: "v1")
            var child = Descriptor(of: image.document.bytes, mediaType: image.document.mediaType)
            child.platform = nil
            let index = try ManifestDocument(Index(manifests: [child]))
            let reply = try await hub.client.putManifest(index, to: "acme/tiny", as: "all")
            try #require(reply.status == 201, "\(reply.text)")
            let facts = try await hub.client.facts("acme/tiny/all")
            #expect(facts.digest == index.digest.description)
            #expect(facts.facts.index == index.digest.description)
            #expect(facts.facts.image?.digest == image.document.digest.description)
            #expect(facts.facts.hosts?.contains { $0.findings.contains { $0.rule == "image-index" } } == true)
            #expect(
                try await hub.client.send("GET", "/modules/acme/tiny/all.wasm").body == FilterSketch.module())
        }
    }

    @Test func `any other content is welcome and has no facts`() async throws {
        try await withHub { hub in
            let helm = MediaType(rawValue: "application/vnd.cncf.helm.config.v1+json")
            let chart = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
            let others = [
                try FilterSketch([(FilterSketch.tarGzip, sampleBytes(5000))]),
                try FilterSketch([(FilterSketch.tarGzip, try FilterSketch.layer([("bin/sh", [1])]))]),
                try FilterSketch([(chart, try FilterSketch.layer([("Chart.yaml", [1])]))], config: helm),
                try FilterSketch([("application/spdx+json", Array("{}".utf8))], config: .emptyJSON),
                try FilterSketch([], config: .emptyJSON),
            ]
            for (number, image) in others.enumerated() {
                try await hub.client.push(image, to: "acme/other", tag: "v\(number)")
                for path in ["/api/v1/facts/acme/other/v\(number)", "/modules/acme/other/v\(number).wasm"] {
                    let reply = try await hub.client.get(path)
                    #expect(reply.status == 404)
                    #expect(reply.code == "MODULE_UNKNOWN")
                    #expect(reply.text.contains("holds no WebAssembly module"))
                }
            }
            #expect(try await hub.metadata.pendingCount() == 0)
        }
    }

    @Test func `what cannot be read is recorded with the reason, and is served all the same`() async throws {
        try await withHub { hub in
            let module = FilterSketch.module()
            for (name, bytes) in [
                ("cut", Array(module.prefix(100))), ("text", Array("no module".utf8)), ("nothing", []),
                ("component", [0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
            ] {
                let layer = try FilterSketch.layer([("plugin.wasm", bytes)])
                try await hub.client.push(
                    try FilterSketch([(FilterSketch.tarGzip, layer)]), to: "acme/broken", tag: name)
                let facts = try await hub.client.facts("acme/broken/\(name)")
                #expect(facts.kind == "unreadable", "\(name)")
                #expect(facts.reason?.isEmpty == false)
                #expect(facts.module?.size == bytes.count)
                #expect(try await hub.client.send("GET", "/modules/acme/broken/\(name).wasm").body == bytes)
            }
            // It claims to be a filter.
            let claims = ["module.wasm.image/variant": "compat"]
            let image = try FilterSketch([(FilterSketch.tarGzip, sampleBytes(500))], annotations: claims)
            try await hub.client.push(image, to: "acme/broken", tag: "layer")
            let facts = try await hub.client.facts("acme/broken/layer")
            #expect(facts.kind == "unreadable")
            #expect(facts.reason?.contains("cannot unpack layer") == true, "\(facts.reason ?? "")")
            #expect(facts.module == nil)
        }
    }

    // MARK: - Bounds

    private func read(
        _ image: FilterSketch, _ change: (inout FilterReader.Limits) -> Void = { _ in }
    )
        async throws -> ManifestFacts
    {
        var limits = FilterReader.Limits()
        change(&limits)
        let start = ContinuousClock.now
        let facts = try await FilterReader(limits: limits).read(image.document, from: image.access).facts
        #expect(ContinuousClock.now - start < .seconds(120))
        return facts
    }

    @Test func `a bomb is not unpacked`() async throws {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        for name in ["plugin.wasm", "README.md", "padding"] {
            let layer = try FilterSketch.layer([(name, zeros), ("plugin.wasm", FilterSketch.module())])
            #expect(layer.count < 20_000)
            let image = try FilterSketch([("application/vnd.oci.image.layer.v1.tar+gzip", layer)])
            let facts = try await read(image) { $0.unpacked = 4 << 20 }
            #expect(facts.kind == .other)
            #expect(facts.reason?.contains("unpacks to more than 4194304 bytes") == true, "\(facts)")
            // All layers together, each of which would do.
            let half = try FilterSketch.layer([("padding", Array(zeros.prefix(3 << 20)))])
            let many = try FilterSketch(
                (0..<4).map { _ in (FilterSketch.tarGzip, half) } + [(FilterSketch.tarGzip, layer)])
            #expect(try await read(many) { $0.unpacked = 16 << 20 }.kind == .other)
            #expect(try await read(image) { $0.unpacked = 32 << 20 }.kind != .other)
        }
        // Entries without bytes, whose headers are all there is.
        let names = (0..<9000).map { ("\($0)", [UInt8]()) }
        let headers = try FilterSketch([(FilterSketch.tarGzip, try FilterSketch.layer(names))])
        #expect(try await read(headers) { $0.unpacked = 1 << 20 }.kind == .other)
    }

    @Test func `layers that are too large are not even opened`() async throws {
        let image = try FilterSketch()
        let facts = try await read(image) { $0.file = 100 }
        #expect(facts.kind == .unreadable)
        #expect(facts.reason?.contains("at most 100") == true)
        let raw = try FilterSketch(.cncf)
        let large = try await read(raw) { $0.file = 100 }
        #expect(large.kind == .unreadable)
        // A layer that is the module is served whatever its size.
        #expect(large.module?.blob == Digest(of: FilterSketch.module()))
    }

    @Test func `a module that declares more than any compiler writes is not held against hosts`() async throws
    {
        for (imports, exports) in [(20_000, 0), (0, 50_000), (0, 400), (30, 20)] {
            let sketch = ModuleSketch(
                imports: (0..<imports).map { ModuleSketch.Import("env", "call_\($0)", "i:i") },
                functions: (0..<exports).map { ModuleSketch.Function("proxy_on_\($0)", "i:") })
            let image = try FilterSketch([("application/wasm", sketch.bytes)])
            let facts = try await read(image)
            if imports == 30 {
                #expect(facts.kind == .filter)
                // No list of hosts and their reasons grows beyond what a page can show.
                #expect(facts.document.count < 8 << 20)
            } else {
                #expect(facts.kind == .unreadable)
                #expect(facts.reason?.contains("looks at no more than") == true, "\(facts)")
            }
        }
    }
}
