// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import Files
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing

/// Entries of Consul's own in folders, beside what people have written there.
@Suite struct ConsulEntryFileTests {
    private let scratch: ScratchDirectory
    private var folder: KubernetesFolder { KubernetesFolder(scratch.path) }

    init() throws { scratch = try ScratchDirectory("entries") }

    /// What a deploy does: the plan is made with what is there.
    @discardableResult
    private func deploy(_ form: ConsulOptions.Form, _ id: String = "add-header") throws -> [FileChange] {
        var options = ConsulOptions(service: "web", module: .file("/m.wasm"))
        options.form = form
        var request = try Samples.request { $0.deployment.id = id }
        request.live = try folder.items().map(\.object)
        let plan = try ConsulTarget(options).plan(request)
        let changes = try folder.changes(for: plan)
        for change in changes { try change.carryOut() }
        return changes
    }

    private func refusal(_ form: ConsulOptions.Form, _ id: String = "add-header") throws -> DeploymentError {
        let error = try #require(#expect(throws: DeploymentError.self) { try deploy(form, id) })
        #expect(error.code == .foreign)
        #expect(error.category == .failed)
        return error
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Files.read(scratch.appending(name)), as: UTF8.self)
    }

    @Test func `an entry in HCL says whose it is, and no other is written over`() throws {
        #expect(try deploy(.hcl).map(\.kind) == [.created])
        let name = "service-defaults.web.hcl"
        let written = try text(name)
        #expect(
            written.hasPrefix(
                "# Written by wasme for the deployment \"add-header\".\nKind = \"service-defaults\"\n"))
        #expect(written.contains("Meta = {\n  \"managed-by\" = \"wasme\"\n}\n"))
        #expect(try deploy(.hcl).map(\.kind) == [.unchanged])
        let other = try refusal(.hcl, "other")
        #expect(other.message.contains("is for the deployment \"add-header\", which would be lost"))
        #expect(other.hint?.contains("--form json") == true)
        try scratch.write(name, "Kind = \"service-defaults\"\n" + written)
        #expect(try refusal(.hcl).message.hasSuffix("is there and is not wasme's"))
        #expect(try text(name).hasPrefix("Kind"))
    }

    @Test func `an entry in JSON has it in its Meta, and what else is in it is kept`() throws {
        let name = "service-defaults.web.json"
        let theirs = """
            {"Kind": "service-defaults", "Name": "web", "Protocol": "grpc", "Meta": {"team": "edge"},
             "EnvoyExtensions": [{"Name": "builtin/lua"}]}
            """
        for text in [theirs, "no JSON", "[]"] {
            try scratch.write(name, text)
            let error = try refusal(.json)
            #expect(error.message.hasSuffix("is there and is not wasme's"))
            #expect(error.hint?.contains("the Meta \"managed-by\": \"wasme\"") == true)
            #expect(try self.text(name) == text)
        }
        try scratch.write(
            name,
            theirs.replacing("\"team\": \"edge\"", with: "\"team\": \"edge\", \"managed-by\": \"wasme\""))
        #expect(try deploy(.json).map(\.kind) == [.changed])
        #expect(try deploy(.json, "other").map(\.kind) == [.changed])
        #expect(try deploy(.json).map(\.kind) == [.unchanged])
        let entry = try #require(try JSONValue(parsing: try text(name)).object)
        #expect(entry["Protocol"] == .string("grpc"))
        #expect(entry["Meta"]?.object?["team"] == .string("edge"))
        let names = (entry["EnvoyExtensions"]?.array ?? []).map { item in
            item.object?["Arguments"]?.object?["PluginConfig"]?.object?["Name"]?.string
                ?? item.object?["Name"]?.string
        }
        #expect(names == ["builtin/lua", "add-header", "other"])
    }

    @Test func `an object that others have said more of is not written over by our part of it`() throws {
        try deploy(.kubernetes)
        let name = try #require(try Files.contents(scratch.path).first { $0.contains("servicedefaults") })
        #expect(try deploy(.kubernetes, "other").map(\.kind) == [.changed, .unchanged])
        let both = try text(name)
        #expect(both.contains("name: add-header") && both.contains("name: other"))
        try scratch.write(name, both.replacing("spec:\n", with: "spec:\n  protocol: http\n"))
        let error = try refusal(.kubernetes)
        #expect(error.message.contains("is not wasme's alone: its spec.protocol would be lost"))
    }
}
