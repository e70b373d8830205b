// SPDX-License-Identifier: Apache-2.0

import Archive
import Files
import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct CheckTests {
    private static let targets = ["--target", "envoy>=1.30", "--target", "istio:1.27"]

    /// Runs `wasme check` on a file.
    private func check(
        _ bytes: [UInt8], _ arguments: String...
    ) async throws -> (status: Int32, listener: Listener) {
        let listener = try Listener()
        try Files.replace(listener.scratch.appending("filter.wasm"), with: bytes)
        let status = await listener.run(["check", "filter.wasm"] + arguments)
        return (status, listener)
    }

    @Test(arguments: ["text", "json", "sarif"])
    func `the result is what was agreed on`(format: String) async throws {
        let cases: [(name: String, bytes: [UInt8], status: Int32)] = [
            ("good", TinyFilter().bytes, 0), ("missing import", TinyFilter(flaw: .missingImport).bytes, 1),
            ("component", [0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], 1),
        ]
        for (name, bytes, expected) in cases {
            let listener = try Listener()
            try Files.replace(listener.scratch.appending("filter.wasm"), with: bytes)
            let status = await listener.run(
                ["check", "filter.wasm", "--format", format] + Self.targets)
            #expect(status == expected)
            #expect(listener.errors.isEmpty, "\(listener.errors)")
            try expectGolden(
                listener.output,
                "check/\(name).\(format == "text" ? "txt" : format == "json" ? "json" : "sarif")")
        }
    }

    @Test func `a warning is no failure, and quiet says nothing`() async throws {
        var sketch = ModuleSketch(functions: [.init("proxy_on_request_hedaers", "iii:i")])
        sketch.functions.append(.init("proxy_on_vm_start", "ii:i"))
        let (status, listener) = try await check(sketch.bytes, "--target", "envoy:1.40")
        #expect(status == 0)
        #expect(listener.output.contains("1 warning"))
        #expect(
            listener.output.contains(
                "warning[unknown-callback]: the host never calls proxy_on_request_hedaers"))
        #expect(listener.output.contains("fix: did you mean \"proxy_on_request_headers\"?"))
        let (quiet, silent) = try await check(TinyFilter(flaw: .noMalloc).bytes, "-q")
        #expect(quiet == 1)
        #expect(silent.output.isEmpty && silent.errors.isEmpty)
    }

    @Test func `a version that is newer than what is known is a warning`() async throws {
        let (status, listener) = try await check(TinyFilter().bytes, "--target", "envoy:1.99")
        #expect(status == 0)
        #expect(listener.output.contains("warning[newer-host]: Envoy 1.99 is newer than what is known"))
    }

    @Test(arguments: [
        (["--target", "nginx:1"], "nothing is known of a host \"nginx\""),
        (["--target", "isto"], "did you mean \"istio\"?"), (["--target", "envoy:1.2"], "known are 1.17 to"),
        (["--target", "envoy~1"], "is not a target"), (["--config", "{}"], "--config is for --run"),
        (["--format", "xml"], "'text', 'json' or 'sarif'"),
    ])
    func `a wrong command line is refused before anything is read`(
        arguments: [String], words: String
    ) async throws {
        let listener = try Listener()
        #expect(await listener.run(["check", "missing-project/"] + arguments) == 64)
        #expect(listener.errors.contains(words), "\(listener.errors)")
        #expect(listener.output.isEmpty)
    }

    @Test func `a path that leads nowhere, a folder that is no project, an image that is nowhere`()
        async throws
    {
        let listener = try Listener()
        #expect(await listener.run("check", "gone.wasm") == 64)
        #expect(listener.errors.contains("there is no file or folder \"gone.wasm\""))
        #expect(await listener.run("check", "./gone") == 64)
        #expect(await listener.run("check", ".") == 64)
        #expect(listener.errors.contains("wasme.yaml"))
        #expect(await listener.run("check", "nothing:v1") == 1)
        #expect(listener.errors.contains("image \"nothing:v1\" is not in the store"))
    }

    static let foreign: [(String, [UInt8], String)] = [
        ("cut short", Array(TinyFilter().bytes.dropLast(9)), "damaged-module"),
        ("text", Array("(module)".utf8), "WebAssembly text"),
        ("component", [0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], "wasm32-wasip1 without making a component"),
        ("gzip", [0x1f, 0x8b, 8, 0], "gzip stream"),
        ("page", Array("<!doctype html><title>404".utf8), "HTML page"),
        ("ELF", [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], "native program or library (ELF)"),
        ("nothing", [], "empty file"),
        ("4 GiB section", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f], "4294967295"),
        (
            "4 GiB name",
            [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 7, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0], "damaged-module"
        ),
        (
            "over-long number", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            "damaged-module"
        ),
        ("object file", object, "object file for the linker"),
    ]
    private static let object: [UInt8] = {
        var sketch = ModuleSketch()
        sketch.custom = [("linking", [2])]
        return sketch.bytes
    }()

    @Test(arguments: foreign)
    func `a file that is no module is a finding in every format`(
        name: String, bytes: [UInt8], words: String
    ) async throws {
        for format in ["text", "json", "sarif"] {
            let (status, listener) = try await check(bytes, "--format", format)
            #expect(status == 1, "\(name)")
            #expect(listener.errors.isEmpty, "\(listener.errors)")
            #expect(listener.output.contains(words), "\(name): \(listener.output)")
        }
    }

    // MARK: Images

    @Test(arguments: [
        ("application/vnd.oci.image.layer.v1.tar+gzip", 0),
        ("application/vnd.module.wasm.content.layer.v1+wasm", 1),
        ("application/wasm", 1), ("application/octet-stream", 1),
    ])
    func `an image of the store is held against the fetchers`(type: String, status: Int32) async throws {
        let listener = try Listener()
        let store = try ImageStore(listener.scratch.appending("kept"))
        let bytes = try type.contains("tar") ? Self.archive(TinyFilter().bytes) : TinyFilter().bytes
        try await store.ingest { ingest in
            let layer = try ingest.add(bytes, mediaType: MediaType(rawValue: type))
            let config = try ingest.add(Array("{}".utf8), mediaType: .imageConfig)
            try ingest.commit(
                ManifestDocument(Manifest(config: config, layers: [layer])), as: [Reference("a:v1")])
        }
        let actual = await listener.run("check", "a:v1", "--store", "kept", "--target", "istio:1.27")
        #expect(actual == status, "\(listener.output)\(listener.errors)")
        if status == 1 {
            #expect(listener.output.contains("error[image-layout]"), "\(listener.output)")
            #expect(listener.output.contains("fix: push"))
        }
    }

    private static func archive(_ module: [UInt8]) throws -> [UInt8] {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write([ArchiveFile(path: "plugin.wasm", bytes: module)], to: sink)
        return sink.bytes
    }

    // MARK: The real Envoy

    @Test(
        .requires(.envoy),
        arguments: [nil] + TinyFilter.Flaw.allCases.filter { $0 != .neverConfigured })
    func `a real Envoy has the last word, and agrees`(flaw: TinyFilter.Flaw?) async throws {
        let envoy = try #require(Tool.envoy.path).string
        let listener = try Listener()
        try Files.replace(
            listener.scratch.appending("filter.wasm"), with: TinyFilter(flaw: flaw).bytes)
        let status = await listener.run(
            ["check", "filter.wasm", "--run", "--target", "envoy:1.40", "--format", "json"],
            environment: ["WASME_ENVOY": envoy])
        #expect(status == (flaw == nil ? 0 : 1), "\(listener.errors)")
        let result = try JSONDecoder().decode(Result.self, from: Data(listener.output.utf8))
        #expect(result.envoy.accepted == (flaw == nil))
        #expect((result.envoy.reason == nil) == (flaw == nil))
        // What only shows when the module runs, reading cannot know.
        let isSeenByReading = ![.refusesToStart, .refusesItsConfiguration].contains(flaw)
        if isSeenByReading { #expect(result.targets.first?.taken == result.envoy.accepted) }
    }

    private struct Result: Decodable {
        struct Target: Decodable {
            let taken: Bool
        }
        struct Envoy: Decodable {
            let accepted: Bool
            let reason: String?
        }
        let targets: [Target]
        let envoy: Envoy
    }

    @Test func `without an Envoy the error says how to get one`() async throws {
        let listener = try Listener()
        try Files.replace(listener.scratch.appending("filter.wasm"), with: TinyFilter().bytes)
        let status = await listener.run(
            ["check", "filter.wasm", "--run"], environment: ["PATH": "/nonexistent", "WASME_ENVOY": ""])
        #expect(status == 1)
        #expect(listener.errors.contains("there is no Envoy on this machine"))
        #expect(listener.errors.contains("WASME_ENVOY"))
    }

    // MARK: SARIF

    /// What GitHub's code scanning asks of a log, and of SARIF 2.1.0 (§3) what this tool writes.
    @Test func `a SARIF log is one that code scanning takes`() async throws {
        let listener = try Listener()
        for (name, bytes, _) in Self.foreign {
            try Files.replace(listener.scratch.appending("\(name).wasm"), with: bytes)
        }
        for (name, _, _) in Self.foreign {
            let one = try Listener()
            try Files.replace(
                one.scratch.appending("a: \(name).wasm"),
                with: Files.read(listener.scratch.appending("\(name).wasm")))
            _ = await one.run("check", "a: \(name).wasm", "--format", "sarif")
            let log = try #require(
                try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any])
            #expect(log["version"] as? String == "2.1.0")
            #expect((log["$schema"] as? String)?.hasPrefix("https://") == true)
            let runs = try #require(log["runs"] as? [[String: Any]])
            try #require(runs.count == 1)
            let driver = try #require((runs[0]["tool"] as? [String: Any])?["driver"] as? [String: Any])
            #expect(driver["name"] as? String == "wasme")
            let rules = try #require(driver["rules"] as? [[String: Any]])
            let ids = try rules.map { try #require($0["id"] as? String) }
            #expect(Set(ids).count == ids.count)
            for rule in rules {
                let text = try #require((rule["shortDescription"] as? [String: Any])?["text"] as? String)
                #expect(!text.isEmpty && text.count <= 1024)
                #expect((rule["fullDescription"] as? [String: Any])?["text"] is String)
            }
            let results = try #require(runs[0]["results"] as? [[String: Any]])
            #expect(!results.isEmpty)
            for result in results {
                let index = try #require(result["ruleIndex"] as? Int)
                #expect(ids[index] == result["ruleId"] as? String)
                #expect(["error", "warning", "note", "none"].contains(result["level"] as? String))
                let message = try #require((result["message"] as? [String: Any])?["text"] as? String)
                #expect(!message.isEmpty)
                #expect(result["partialFingerprints"] as? [String: String] != nil)
                let locations = try #require(result["locations"] as? [[String: Any]])
                try #require(locations.count == 1)
                let place = try #require(locations[0]["physicalLocation"] as? [String: Any])
                let uri = try #require(
                    (place["artifactLocation"] as? [String: Any])?["uri"] as? String)
                #expect(
                    URL(string: uri)?.scheme == nil && !uri.hasPrefix("/") && !uri.contains(" "), "\(uri)")
                let region = try #require(place["region"] as? [String: Any])
                #expect(try #require(region["startLine"] as? Int) >= 1)
                if let offset = region["byteOffset"] as? Int {
                    #expect(offset >= 0 && region["byteLength"] as? Int == 1)
                }
            }
        }
    }
}
