// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct InspectTests {
    /// Two versions of a filter in a store.
    private func listener() async throws -> Listener {
        let listener = try Listener()
        let store = try ImageStore(listener.scratch.appending("kept"))
        let first = ModuleSketch(
            imports: [.init("env", "proxy_log", "iii:i")],
            functions: [.init("proxy_on_request_headers", "iii:i"), .init("proxy_on_configure", "ii:i")])
        var second = first
        second.imports.append(.init("env", "proxy_http_call", "iiiiiiiiii:i"))
        second.memoryLimits = [1, 2, 16]
        for (version, sketch, schema) in [
            ("1.0.0", first, #"{"properties": {"header": {"type": "string", "default": "hello"}}}"#),
            (
                "1.1.0", second,
                #"{"properties": {"header": {"type": "string", "default": "hello", "description": "Which one."}, "url": {"type": "string"}}, "required": ["url"]}"#
            ),
        ] {
            _ = try await FilterImage.pack(
                FilterContent(
                    module: sketch.bytes,
                    runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["auth"]),
                    metadata: FilterMetadata(
                        name: "auth", version: version, description: "Asks somebody.",
                        licence: "Apache-2.0", language: "swift", type: "http"),
                    configSchema: Array(schema.utf8)),
                as: [Reference("auth:\(version)")], into: store)
            try Files.replace(listener.scratch.appending("\(version).wasm"), with: sketch.bytes)
        }
        return listener
    }

    @Test func `an image is described as agreed on`() async throws {
        let listener = try await listener()
        #expect(await listener.run("inspect", "auth:1.1.0", "--store", "kept") == 0, "\(listener.errors)")
        try expectGolden(listener.output.withoutDigests, "inspect/image.txt")
        let json = try await self.listener()
        #expect(await json.run("inspect", "auth:1.1.0", "--store", "kept", "--format", "json") == 0)
        try expectGolden(json.output.withoutDigests, "inspect/image.json")
    }

    @Test func `a file is described without an image`() async throws {
        let listener = try await listener()
        #expect(await listener.run("inspect", "1.0.0.wasm") == 0, "\(listener.errors)")
        try expectGolden(listener.output.withoutDigests, "inspect/file.txt")
    }

    @Test func `only what differs is shown, and the status is 0`() async throws {
        let listener = try await listener()
        #expect(
            await listener.run("inspect", "auth:1.0.0", "--diff", "auth:1.1.0", "--store", "kept") == 0,
            "\(listener.errors)")
        try expectGolden(listener.output.withoutDigests, "inspect/difference.txt")
        let json = try await self.listener()
        #expect(
            await json.run(
                "inspect", "1.0.0.wasm", "--diff", "1.1.0.wasm", "--format", "json") == 0)
        try expectGolden(json.output.withoutDigests, "inspect/difference.json")
        let same = try await self.listener()
        #expect(await same.run("inspect", "1.0.0.wasm", "--diff", "1.0.0.wasm") == 0)
        #expect(same.output == "nothing differs\n")
    }

    @Test func `the capabilities are what the module needs`() async throws {
        let listener = try await listener()
        #expect(await listener.run("inspect", "1.1.0.wasm", "--capabilities") == 0)
        #expect(
            listener.output == """
                capability_restriction_config:
                  allowed_capabilities:
                    proxy_http_call: {}
                    proxy_log: {}
                    proxy_on_configure: {}
                    proxy_on_request_headers: {}

                """)
        let json = try await self.listener()
        #expect(await json.run("inspect", "1.1.0.wasm", "--capabilities", "--format", "json") == 0)
        let value = try JSONDecoder().decode(
            [String: [String: [String: [String: String]]]].self, from: Data(json.output.utf8))
        #expect(value["capability_restriction_config"]?["allowed_capabilities"]?.count == 4)
    }

    @Test func `what cannot be inspected is named`() async throws {
        let listener = try await listener()
        try listener.scratch.write("page.wasm", "<!doctype html><title>404")
        #expect(await listener.run("inspect", "page.wasm") == 1)
        #expect(listener.errors.contains("it is an HTML page"))
        #expect(await listener.run("inspect", "gone.wasm") == 64)
        #expect(await listener.run("inspect", "nothing:v1") == 1)
        #expect(await listener.run("inspect", "a", "--diff", "b", "--capabilities") == 64)
        #expect(listener.output.isEmpty)
    }
}

extension String {
    /// Another zlib may compress layers to other bytes.
    fileprivate var withoutDigests: String { replacing(/sha256:[0-9a-f]{64}/, with: "sha256:…") }
}
