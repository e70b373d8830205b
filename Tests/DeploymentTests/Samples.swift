// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import OCI
import SystemPackage
import TestSupport
import Testing

/// The filter that the goldens deploy; its module is at a path of no machine.
enum Samples {
    static let modulePath: FilePath = "/var/lib/wasme/module.wasm"
    static let configuration = #"{"header": "hello", "value": "it's \"me\""}"#

    static func filter(
        id: String = "add-header", configuration: String? = Self.configuration, module: FilePath = modulePath
    ) throws -> EnvoyFilter {
        try EnvoyFilter(
            id: id, rootID: "add_header", modulePath: module, configuration: configuration,
            image: Reference("hub.example/acme/add-header:v1"),
            digest: Digest("sha256:\(String(repeating: "5a", count: 32))"))
    }
}

/// The Envoy that the tests run.
func envoyUnderTest() throws -> EnvoyBinary { EnvoyBinary(try #require(Tool.envoy.path)) }

/// Lets the real Envoy load a bootstrap of the goldens, with a real module in the place of theirs.
func expectAccepted(_ text: String, in scratch: ScratchDirectory) async throws {
    let module = scratch.appending("module.wasm")
    try Files.replace(module, with: TinyFilter().bytes)
    try await envoyUnderTest().validate(
        .text(text.replacing(Samples.modulePath.string, with: module.string)))
}
