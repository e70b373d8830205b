// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The commands on a filter's page, as somebody runs them who copies them from there.
@Suite struct HubCommandTests {
    @Test(.requires(.curl)) func `the command of each target writes what the object beside it says`()
        async throws
    {
        let newcomer = try Newcomer()
        let (hub, address) = try await newcomer.startHub()
        let module = newcomer.scratch.appending("filter.wasm")
        try Files.replace(module, with: TinyFilter().bytes)
        let image = "\(address)/acme/add-header:v1"
        try await newcomer.does("build", "precompiled", module.string, "-t", image, "--root-id", "add_header")
        try await newcomer.does("push", image)
        let page = try await run(
            try #require(Tool.curl.path), ["-sf", "http://\(address)/r/acme/add-header:v1"]
        ).stdout
        let digest = try #require(page.firstMatch(of: /add-header@(sha256:[a-f0-9]{64})/)).1
        for (target, facts) in [
            (
                "istio",
                [
                    "kind: WasmPlugin", "oci://\(address)/acme/add-header@\(digest)", "add_header",
                    "app: my-app",
                ]
            ),
            (
                "envoy-gateway",
                ["kind: EnvoyExtensionPolicy", "\(address)/acme/add-header@\(digest)", "name: my-route"]
            ),
            ("higress", ["kind: WasmPlugin", "oci://\(address)/acme/add-header@\(digest)", "add_header"]),
            ("kuma", ["kind: MeshProxyPatch", "my-app", "/wasm/"]),
            ("consul", ["my-service", "/wasm/"]),
        ] {
            let object = try snippet(target, of: page)
            let folder = newcomer.scratch.appending("out-\(target)")
            let command = try snippet("\(target)-command", of: page).trimmingCharacters(in: .newlines)
            let outcome = try await run(
                FilePath("/bin/sh"), ["-c", "\(command) --output \(folder)"],
                environment: newcomer.environment.merging([
                    "PATH": "\(buildFolder):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
                ]) { $1 }, in: newcomer.scratch.path)
            #expect(outcome.status == 0, "\(command)\n\(outcome.stderr)")
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder.string)
            let written = files.compactMap { try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
                .joined(separator: "\n")
            for fact in facts {
                #expect(written.contains(fact), "\(target): \(fact) in \(files)")
                #expect(
                    object.replacing("\"", with: "").contains(fact.replacing("kind: ", with: "")),
                    "\(target): \(fact)")
            }
        }
        await hub.stop()
    }
}
