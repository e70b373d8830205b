// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// `list`, `tag`, `rm` and `prune`.
@Suite struct StoreVerbTests {
    let listener: Listener
    let store: ImageStore

    init() throws {
        listener = try Listener()
        store = try ImageStore(listener.scratch.appending("home/.local/share/wasme/store"))
    }

    @discardableResult
    func put(_ header: String, as names: String...) async throws -> Digest {
        try await FilterImage.pack(
            FilterContent(
                module: TinyFilter(header: header).bytes,
                runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: []),
                metadata: FilterMetadata(name: header)),
            as: try names.map { try Reference($0) }, into: store
        ).digest
    }

    /// Runs a command line that has to succeed, and gives what it wrote.
    func does(_ arguments: String...) async throws -> String {
        let listener = try Listener(sharing: listener.scratch)
        let status = await listener.run(arguments)
        try #require(status == 0, "wasme \(arguments.joined(separator: " ")): \(listener.errors)")
        return listener.output
    }

    /// Runs a command line that has to fail, and gives what it said.
    func fails(_ status: Int32, _ arguments: String...) async throws -> String {
        let listener = try Listener(sharing: listener.scratch)
        #expect(await listener.run(arguments) == status)
        #expect(listener.output.isEmpty)
        return listener.errors
    }

    @Test func `a list shows names, digests, sizes and ABI, and takes a pattern`() async throws {
        let first = try await put("one", as: "localhost:5000/acme/one:v1", "one:v1")
        let second = try await put("two", as: "localhost:5000/acme/two:v1")
        let lines = try await does("list").split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        #expect(lines[0] == ["NAME", "TAG", "DIGEST", "SIZE", "ABI", "CREATED", "STORED"])
        #expect(lines.count == 4)
        #expect(Array(lines[1][..<3]) == ["localhost:5000/acme/one", "v1", "sha256:\(first.short)"])
        #expect(lines[1].contains("v0.2.1"))
        #expect(try await does("list", "-q") == "\(first)\n\(second)\n")
        for (pattern, digests) in [
            ("localhost:5000/acme/*", [first, second]), ("*two:v*", [second]), ("one", [first]),
            ("one:v1", [first]), ("*/one", [first]), ("sha256:\(second.short)", [second]), ("on", []),
        ] {
            let listed = try await does("list", pattern, "-q")
            #expect(listed == digests.map { "\($0)\n" }.joined(), "\(pattern)")
        }
        #expect(try await does("list", "three") == "no image is called \"three\"; see 'wasme list'\n")
    }

    @Test func `a list for programs has stable keys`() async throws {
        let digest = try await put("one", as: "one:v1")
        let text = try await does("list", "--format", "json")
        let value = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]])
        let image = try #require(value["images"]?.first)
        #expect(Set(image.keys) == ["name", "tag", "digest", "size", "abiVersions", "storedAt"])
        #expect(image["name"] as? String == "one" && image["tag"] as? String == "v1")
        #expect(image["digest"] as? String == digest.description)
        #expect(image["abiVersions"] as? [String] == ["v0.2.1"])
    }

    @Test func `what lost its name is shown with --all and pruned`() async throws {
        let first = try await put("one", as: "x:v1")
        let second = try await put("two", as: "x:v1")
        #expect(try await does("list", "-q") == "\(second)\n")
        #expect(try await does("list", "-q", "--all") == "\(second)\n\(first)\n")
        #expect(try await does("list", "--all").contains("-     -    sha256:\(first.short)"))
        let plan = try await does("prune", "--dry-run")
        #expect(plan.hasPrefix("would remove \(first)\nwould free "))
        #expect(plan.hasSuffix(": 3 blobs\n"))
        #expect(try await does("prune", "--older-than", "7d") == "nothing to prune\n")
        #expect(try await does("prune").hasPrefix("removed \(first)\nfreed "))
        #expect(try await does("prune") == "nothing to prune\n")
        #expect(try await does("list", "-q", "--all") == "\(second)\n")
    }

    @Test func `an image gets several names at once, found by the beginning of its digest`() async throws {
        let digest = try await put("one", as: "x:v1")
        let short = String(digest.hex.prefix(8))
        #expect(
            try await does("tag", short, "x:stable", "localhost:5000/x") == """
                tagged x:stable
                tagged localhost:5000/x:latest
                \(digest)

                """)
        #expect(try store.list().map(\.name) == ["localhost:5000/x:latest", "x:stable", "x:v1"])
        #expect(try await fails(64, "tag", "x:v1", "y:v1", "y@\(digest)").contains("cannot be a new name"))
        #expect(try store.list().count == 3, "all names or none")
        #expect(try await fails(1, "tag", "y:v1", "z:v1").contains("image \"y:v1\" is not in the store"))
    }

    @Test func `images are removed by name, all or none`() async throws {
        let digest = try await put("one", as: "x:v1", "y:v1")
        try await put("two", as: "x:v2")
        let errors = try await fails(1, "rm", "x:v1", "x:v3")
        #expect(errors.hasPrefix("error: image \"x:v3\" is not in the store"))
        #expect(errors.contains("; nothing was removed\n  help: see 'wasme list --all'"))
        #expect(try await does("rm", "x:v1") == "removed x:v1\nfreed nothing: the content has other names\n")
        #expect(try await does("rm", "y:v1", "x:v2", "-q").hasPrefix("x:v2\ny:v1\nsha256:"))
        #expect(try await does("list", "--all", "-q").isEmpty)
        #expect(try await fails(1, "rm", String(digest.hex.prefix(8))).contains("is not in the store"))
    }

    @Test func `an image with several names is removed by its digest if that is meant`() async throws {
        let digest = try await put("one", as: "x:v1", "y:v1")
        let errors = try await fails(1, "rm", digest.description)
        #expect(errors.contains("has 2 names: \"x:v1\", \"y:v1\"\n  help: "))
        #expect(errors.contains("--force"))
        let text = try await does("rm", digest.description, "--force", "--format", "json")
        let value = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(Set(value.keys) == ["names", "digests", "blobs", "leftovers", "freedBytes", "dryRun"])
        #expect(value["names"] as? [String] == ["x:v1", "y:v1"])
        #expect(value["blobs"] as? Int == 3)
    }

    @Test func `pruning everything asks a person, and nobody else`() async throws {
        try await put("one", as: "x:v1")
        let person = try Listener(answers: ["", "yes"], sharing: listener.scratch)
        #expect(await person.run("prune", "--all") == 0)
        #expect(person.errors.hasPrefix("  x:v1\nRemove this image (yes, no) [no]: "))
        #expect(person.errors.hasSuffix("nothing was removed\n"))
        #expect(try store.list().count == 1)
        #expect(await person.run("prune", "--all") == 0)
        #expect(person.output.hasPrefix("removed x:v1\nremoved sha256:"))
        try await put("one", as: "x:v1")
        #expect(try await does("prune", "--all").contains("removed x:v1"))
        #expect(try store.list(all: true).isEmpty)
    }

    @Test(arguments: ["7", "d", "7x", "-1d", "1e9d", "99999999999999999999w"])
    func `an age is a number and a unit`(_ age: String) async throws {
        #expect(try await fails(64, "prune", "--older-than=\(age)").contains("older-than"))
    }

    @Test func `a store that is broken is told as such by every verb`() async throws {
        let digest = try await put("one", as: "x:v1")
        try listener.scratch.write("home/.local/share/wasme/store/index.json", "{\"schemaVersion\": 2")
        for arguments in [
            ["list"], ["tag", "x:v1", "y"], ["rm", "x:v1"], ["prune"], ["push", "localhost:1/x"],
        ] {
            let listener = try Listener(sharing: listener.scratch)
            #expect(await listener.run(arguments) == 1)
            #expect(listener.errors.contains("index.json\" is damaged: "), "\(listener.errors)")
            #expect(listener.errors.contains("help: remove it"))
        }
        try listener.scratch.write("home/.local/share/wasme/store/blobs/sha256/\(digest.hex)", "{}")
        try listener.scratch.write(
            "home/.local/share/wasme/store/index.json",
            """
            {"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "\(digest)", "size": 700, "annotations": {"org.opencontainers.image.ref.name": "x:v1"}}]}
            """)
        let listener = try Listener(sharing: listener.scratch)
        #expect(await listener.run("list") == 0)
        #expect(listener.output.contains("x     v1   sha256:\(digest.short)  ?"))
        #expect(listener.errors == "image x:v1 is damaged: pull or build it again\n")
    }
}
