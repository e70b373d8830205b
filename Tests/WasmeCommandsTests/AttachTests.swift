// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct AttachTests {
    private let listener: Listener

    init() throws { listener = try Listener() }

    /// What `discover` says of one artifact.
    private struct Found: Decodable {
        var digest: String
        var artifactType: String?
        var size: Int?
        var created: String?
        var annotations: [String: String]?
        var referrers: [Found]
    }

    /// An image of one layer in the store of the listener.
    private func storeImage(_ name: String, in store: ImageStore) async throws -> ManifestDocument {
        try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .imageConfig)
            let layer = try ingest.add([1, 2, 3], mediaType: .imageLayerTarGzip)
            let document = try ManifestDocument(Manifest(config: config, layers: [layer]))
            try ingest.commit(document, as: [Reference(name)])
            return document
        }
    }

    private func store() throws -> ImageStore {
        try ImageStore(listener.scratch.path.pushing("home/.local/share/wasme/store"))
    }

    /// Runs a command of its own listener in the same folder, and gives what it printed.
    private func output(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        let before = listener.output
        let status = await listener.run(arguments, environment: environment)
        try #require(status == 0, "\(listener.errors)")
        return String(listener.output.dropFirst(before.count).dropLast())
    }

    private func discover(_ reference: String, _ more: String...) async throws -> Found {
        let text = try await output(["discover", reference, "--format", "json"] + more)
        return try JSONDecoder().decode(Found.self, from: Data(text.utf8))
    }

    /// Attaches to an image, and to what is attached, and looks at both.
    private func roundTrip(_ image: String, artifact: (String) -> String) async throws {
        try listener.scratch.write("sbom.spdx.json", #"{"spdxVersion":"SPDX-2.3"}"#)
        try listener.scratch.write("note", "good\n")
        let epoch = ["SOURCE_DATE_EPOCH": "1700000000"]
        let sbom = try await output(
            ["attach", image, "sbom.spdx.json", "--type", "application/spdx+json", "-q"], environment: epoch)
        let again = try await output(
            ["attach", image, "sbom.spdx.json", "--type", "application/spdx+json", "-q"], environment: epoch)
        #expect(again == sbom)
        let review = try await output(
            [
                "attach", image, "note:text/plain", "sbom.spdx.json", "--type", "application/vnd.acme.review",
                "--annotation", "by=me=you", "-q",
            ], environment: epoch)
        let signature = try await output([
            "attach", artifact(sbom), "note", "--type", "application/vnd.acme.sig", "-q",
        ])

        let found = try await discover(image)
        #expect(Set(found.referrers.map(\.digest)) == [sbom, review])
        let first = try #require(found.referrers.first { $0.digest == sbom })
        #expect(first.artifactType == "application/spdx+json")
        #expect(first.size == 26 && first.created == "2023-11-14T22:13:20Z")
        #expect(first.referrers.map(\.digest) == [signature])
        let second = try #require(found.referrers.first { $0.digest == review })
        #expect(second.size == 31 && second.annotations?["by"] == "me=you" && second.referrers.isEmpty)
        let typed = try await discover(image, "--type", "application/vnd.acme.review")
        #expect(typed.referrers.map(\.digest) == [review])
        #expect(try await discover(image, "--depth", "1").referrers.allSatisfy(\.referrers.isEmpty))

        let tree = try await output(["discover", image, "--type", "application/spdx+json", "-v"])
        let lines = tree.split(separator: "\n").map(String.init)
        #expect(lines.count == 6)
        #expect(lines[0] == image && lines[1] == found.digest)
        #expect(lines[2].hasPrefix("└─ \(sbom)  application/spdx+json  26 B  "))
        #expect(lines[2].hasSuffix(" ago"))
        #expect(lines[3] == "   │ org.opencontainers.image.created: 2023-11-14T22:13:20Z")
        #expect(lines[4] == "   └─ \(signature)  application/vnd.acme.sig  5 B  just now")
    }

    @Test func `files are attached to an image of the store, and to what is attached`() async throws {
        let image = try await storeImage("add-header:v1", in: try store())
        try await roundTrip("add-header:v1") { "add-header@\($0)" }
        #expect(try await discover("store:add-header:v1").digest == image.digest.description)
    }

    @Test func `files are attached to an image of a layout`() async throws {
        let folder = listener.scratch.appending("layout")
        _ = try await storeImage("v1", in: try ImageStore(folder))
        try listener.scratch.write("a.txt", "a")
        let name = try ImageStore(folder).list()[0].name ?? ""
        let digest = try await output(["attach", "oci:layout:\(name)", "a.txt", "--type", "a/b", "-q"])
        #expect(try await discover("oci:layout:\(name)").referrers.map(\.digest) == [digest])
        // A folder that is no layout stays as it is.
        #expect(await listener.run("attach", "oci:other:v1", "a.txt", "--type", "a/b") != 0)
        #expect(Files.kind(listener.scratch.appending("other")) == nil)
    }

    @Test(.requires(.registry), arguments: [true, false])
    func `files are attached to an image of a registry`(_ isHub: Bool) async throws {
        func work(_ address: String) async throws {
            _ = try await storeImage("\(address)/acme/auth:v1", in: try store())
            _ = try await output(["push", "\(address)/acme/auth:v1", "-q"])
            try await roundTrip("\(address)/acme/auth:v1") { "\(address)/acme/auth@\($0)" }
        }
        if isHub {
            try await RunningHub.run { try await work($0.address) }
        } else {
            try await DockerRegistry.run { try await work($0.address) }
        }
    }

    @Test(
        arguments: [
            (["attach", "a:v1", "--type", "a/b"], 64, "nothing to attach"),
            (["attach", "a:v1", "f", "--type", "ab"], 64, "write type/subtype"),
            (["attach", "a:v1", "f:a b/c", "--type", "a/b"], 64, "write type/subtype"),
            (["attach", "a:v1", "f", "--type", "a/b", "--annotation", "x"], 64, "write key=value"),
            (["attach", "a:v1", "none", "--type", "a/b"], 1, "none"),
            (["attach", "a:v1", "folder", "--type", "a/b"], 64, "is a folder"),
            (["attach", "a:v1", "f", "--type", "a/b"], 1, "not in the store"),
            (["discover", "a:v1", "--depth", "0"], 64, "1 or more"),
            (["discover", "oci:none"], 1, "none"),
        ] as [([String], Int32, String)])
    func `what cannot be attached is told`(
        _ arguments: [String], _ status: Int32, _ says: String
    ) async throws {
        try listener.scratch.write("f", "f")
        try listener.scratch.write("folder/f", "f")
        #expect(await listener.run(arguments) == status)
        #expect(listener.errors.contains(says), "\(listener.errors)")
    }
}
