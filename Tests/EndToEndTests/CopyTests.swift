// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// Images on their way between all the places there are, ours and those of others.
@Suite struct CopyTests {
    let newcomer: Newcomer

    init() throws { newcomer = try Newcomer() }

    /// A filter's image in the store.
    /// - Returns: its digest.
    @discardableResult
    private func stored(
        as name: String = "add-header:v1", module: [UInt8] = TinyFilter().bytes
    ) async throws -> Digest {
        let content = FilterContent(
            module: module, runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["add_header"]),
            metadata: FilterMetadata(name: "add-header", version: "1.0.0"), readme: Array("# Read me".utf8))
        let store = try ImageStore(newcomer.home.appending("store"))
        return try await FilterImage.pack(content, as: [Reference(name)], into: store).digest
    }

    private func skopeo(_ arguments: String...) async throws -> String {
        let outcome = try await run(try #require(Tool.skopeo.path), arguments, in: newcomer.scratch.path)
        try #require(outcome.status == 0, "skopeo \(arguments.joined(separator: " ")): \(outcome.stderr)")
        return outcome.stdout
    }

    private func digest(_ lines: String) -> String {
        lines.split(separator: "\n").last.map(String.init) ?? ""
    }

    @Test(.requires(.registry), .requires(.skopeo))
    func `an image keeps its digest on every hop`() async throws {
        let expected = try await stored().description
        let (hub, ours) = try await newcomer.startHub()
        try await DockerRegistry.run { registry in
            try await newcomer.does("tag", "add-header:v1", "\(ours)/acme/add-header:v1")
            #expect(digest(try await newcomer.does("push", "\(ours)/acme/add-header:v1", "-q")) == expected)
            for (source, destination) in [
                ("\(ours)/acme/add-header:v1", "\(registry.address)/acme/add-header:v1"),
                ("\(registry.address)/acme/add-header:v1", "oci-archive:hop.tar"),
                ("oci-archive:hop.tar", "oci:hop:v1"),
                ("oci:hop:v1", "\(registry.address)/other/name:v2"),
                // In one registry: nothing is sent.
                ("\(registry.address)/other/name:v2", "\(registry.address)/third/name:v3"),
                ("\(registry.address)/third/name:v3", "last:v1"),
            ] {
                let copied = try await newcomer.does("copy", source, destination, "-q")
                #expect(digest(copied) == expected, "\(source) to \(destination)")
            }
            #expect(registry.log.contains("mount=sha256"), "\(registry.log)")
            let loaded = try await newcomer.does("load", "hop.tar", "--store", "elsewhere", "-q")
            #expect(digest(loaded) == expected)
            let raw = try await skopeo(
                "inspect", "--raw", "oci-archive:hop.tar:\(registry.address)/acme/add-header:v1")
            #expect(Digest(of: raw.utf8).description == expected)
            let seen = try await skopeo(
                "inspect", "--tls-verify=false", "docker://\(registry.address)/third/name:v3")
            #expect(seen.contains(expected))
        }
        await hub.stop()
    }

    @Test(.requires(.registry), .requires(.skopeo), arguments: ["oci", "v2s2"])
    func `what skopeo pushes is pulled, and the other way round`(_ format: String) async throws {
        try await stored()
        let (hub, ours) = try await newcomer.startHub()
        try await DockerRegistry.run { registry in
            for address in [ours, registry.address] {
                let (theirs, back) = ("\(address)/acme/theirs:v1", "\(address)/acme/back:v1")
                try await newcomer.does("copy", "add-header:v1", "oci:ours:v1", "-q")
                _ = try await skopeo(
                    "copy", "--format", format, "--dest-tls-verify=false", "oci:ours:v1", "docker://\(theirs)"
                )
                let pulled = digest(try await newcomer.does("pull", theirs, "-q"))
                let seen = try await skopeo("inspect", "--tls-verify=false", "docker://\(theirs)")
                #expect(seen.contains(pulled))
                #expect(try await newcomer.does("inspect", theirs).contains("abi"))
                try await newcomer.does("tag", theirs, back)
                #expect(digest(try await newcomer.does("push", back, "-q")) == pulled)
                _ = try await skopeo(
                    "copy", "--src-tls-verify=false", "docker://\(back)", "dir:\(newcomer.scratch.path)/seen")
                let raw = try Files.read(newcomer.scratch.appending("seen").appending("manifest.json"))
                #expect(Digest(of: raw).description == pulled)
                let type = try ManifestDocument(bytes: raw, mediaType: nil).mediaType.rawValue
                #expect(type.contains(format == "oci" ? "oci.image" : "docker.distribution"))
            }
        }
        await hub.stop()
    }

    @Test func `the password for one registry is not shown to another`() async throws {
        try await stored()
        let (hub, ours) = try await newcomer.startHub()
        try await newcomer.does("copy", "add-header:v1", "\(ours)/acme/x:v1", "-q")
        let outcome = try await newcomer.wasme(
            "copy", "\(ours)/acme/x:v1", "registry.example.com/acme/x:v1", "--username", "me",
            "--password-stdin", input: "s3cret")
        #expect(outcome.status == 64)
        #expect(outcome.stderr.contains("--username is for one registry"), "\(outcome.stderr)")
        #expect(outcome.stderr.contains("\"registry.example.com\""), "\(outcome.stderr)")
        #expect(!outcome.stderr.contains("s3cret"))
        await hub.stop()
    }

    @Test(.requires(.registry), .requires(.skopeo))
    func `what skopeo writes is read, and the other way round`() async throws {
        let expected = try await stored().description
        try await newcomer.does("copy", "add-header:v1", "oci:ours:v1", "-q")
        _ = try await skopeo("copy", "oci:ours:v1", "oci-archive:theirs.tar:v7")
        _ = try await skopeo("copy", "oci:ours:v1", "oci:theirs:v8")
        // A tag alone is put behind the file's name.
        let loaded = try await newcomer.does("load", "theirs.tar", "theirs", "--store", "elsewhere")
        #expect(loaded.contains("loaded theirs:v7") && loaded.contains("loaded theirs:v8"), "\(loaded)")
        let shown = try await newcomer.does("inspect", "oci-archive:theirs.tar:v7")
        #expect(shown.contains(expected) && shown.contains("add-header 1.0.0"), "\(shown)")
        #expect(try await newcomer.does("inspect", "oci:theirs", "-q").contains(expected))
        try await newcomer.does("check", "oci:theirs:v8")
        let saved = try await newcomer.does("save", "add-header:v1", "-o", "saved.tar", "-q")
        #expect(digest(saved) == expected)
        #expect(try await skopeo("inspect", "oci-archive:saved.tar:add-header:v1").contains("sha256:"))
        _ = try await skopeo("copy", "oci-archive:saved.tar", "oci:back:v1")
        #expect(digest(try await newcomer.does("copy", "oci:back:v1", "back:v1", "-q")) == expected)
    }

    @Test(.requires(.umoci)) func `what umoci writes is read`() async throws {
        let umoci = try #require(Tool.umoci.path)
        try newcomer.scratch.write("root/plugin.wasm", "")
        try Files.remove(newcomer.scratch.appending("root").appending("plugin.wasm"))
        try Files.replace(
            newcomer.scratch.appending("root").appending("plugin.wasm"), with: TinyFilter().bytes)
        for arguments in [
            ["init", "--layout", "made"], ["new", "--image", "made:v1"],
            ["insert", "--rootless", "--image", "made:v1", "root/plugin.wasm", "/plugin.wasm"],
        ] {
            let outcome = try await run(umoci, arguments, in: newcomer.scratch.path)
            try #require(outcome.status == 0, "\(outcome.stderr)")
        }
        let loaded = try await newcomer.does("load", "made")
        #expect(loaded.contains("loaded made:v1"), "\(loaded)")
        #expect(try await newcomer.does("inspect", "made:v1").contains("proxy_on_response_headers"))
        try await newcomer.does("copy", "oci:made:v1", "ours:v1", "--variant", "compat")
        #expect(try await newcomer.does("inspect", "ours:v1").contains("variant  compat"))
    }

    @Test func `several images go through one archive and a pipe`() async throws {
        let first = try await stored().description
        let second = try await stored(as: "localhost:5000/a/b:v2", module: TinyFilter(header: "other").bytes)
            .description
        try await newcomer.does("save", "add-header:v1", "localhost:5000/a/b:v2", first, "-o", "one.tar")
        try await newcomer.does("save", "localhost:5000/a/b:v2", "add-header:v1", "-o", "two.tar")
        let one = try Files.read(newcomer.scratch.appending("one.tar"))
        #expect(try one == Files.read(newcomer.scratch.appending("two.tar")))
        let wasme = buildFolder.appending("wasme")
        let piped = try await run(
            FilePath("/bin/sh"),
            [
                "-c",
                "'\(wasme)' save add-header:v1 localhost:5000/a/b:v2 -o - | gzip | '\(wasme)' load --store far --format json",
            ],
            environment: newcomer.environment, in: newcomer.scratch.path)
        try #require(piped.status == 0, "\(piped.stderr)")
        struct Images: Decodable {
            struct Image: Decodable {
                let references: [String]
                let digest: String
            }
            let images: [Image]
        }
        let images = try JSONDecoder().decode(Images.self, from: Data(piped.stdout.utf8)).images
        #expect(Set(images.map(\.digest)) == [first, second])
        #expect(Set(images.flatMap(\.references)) == ["add-header:v1", "localhost:5000/a/b:v2"])
    }

    @Test(.requires(.registry)) func `several tags cost one request each`() async throws {
        let expected = try await stored().description
        try await DockerRegistry.run { registry in
            let name = "\(registry.address)/acme/tagged"
            try await newcomer.does("tag", "add-header:v1", "\(name):1.2.3")
            let pushed = try await newcomer.does("push", "\(name):1.2.3", "--tag", "1.2", "--tag", "latest")
            #expect(pushed.contains("pushed \(name):1.2\n") && pushed.contains("pushed \(name):latest"))
            let requests = registry.log.split(separator: "\n")
            for tag in ["1.2.3", "1.2", "latest"] {
                let puts = requests.count { $0.contains("PUT /v2/acme/tagged/manifests/\(tag) ") }
                #expect(puts == 1, "\(tag):\n\(registry.log)")
            }
            let pulled = try await newcomer.does(
                "pull", "\(name):latest", "--as", "mine:v1", "--store", "far", "-q")
            #expect(digest(pulled) == expected)
            #expect(try await newcomer.does("list", "--store", "far").contains("mine"))
            // A bare name is completed for the registry, and found here without.
            let completed = try await newcomer.wasme(
                "push", "add-header:v1", environment: ["WASM_IMAGE_REGISTRY": registry.address])
            #expect(completed.status == 0, "\(completed.stderr)")
            #expect(completed.stdout.contains("pushed \(registry.address)/add-header:v1"))
        }
    }

    @Test(.requires(.registry)) func `another layout is another image of the same filter`() async throws {
        let original = try await stored().description
        try await DockerRegistry.run { registry in
            for variant in ["artifact", "cncf"] {
                let name = "\(registry.address)/acme/\(variant):v1"
                let copied = try await newcomer.wasme("copy", "add-header:v1", name, "--variant", variant)
                try #require(copied.status == 0, "\(copied.stderr)")
                #expect(copied.stderr.contains("README.md is left out: \(variant) has no place for it"))
                #expect(copied.stderr.contains("the digest changes from \(original)"))
                #expect(try await newcomer.does("inspect", name).contains("variant  \(variant)"))
                try await newcomer.does("copy", name, "\(variant)-back:v1", "--variant", "compat", "-q")
            }
            let back = try await newcomer.does("inspect", "artifact-back:v1", "-q")
            #expect(try await newcomer.does("inspect", "cncf-back:v1", "-q") == back)
        }
    }

    @Test(.requires(.registry), .requires(.curl))
    func `what is attached goes from registry to registry, whatever they know of it`() async throws {
        let digest = try await stored()
        let store = try ImageStore(newcomer.home.appending("store"))
        let image = try store.resolve(Reference("add-header:v1"))
        let attached = try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let layer = try ingest.add(Array("signed".utf8), mediaType: .octetStream)
            let document = try ManifestDocument(
                Manifest(
                    artifactType: MediaType(rawValue: "application/vnd.example.signature"), config: config,
                    layers: [layer], subject: image))
            try ingest.commit(document, names: [])
            return document.digest
        }
        let (hub, ours) = try await newcomer.startHub()
        try await DockerRegistry.run { registry in
            // Debian's has no referrers API: the tag in its place is kept and read.
            for (source, destination) in [
                ("add-header:v1", "\(registry.address)/a/signed:v1"),
                ("\(registry.address)/a/signed:v1", "\(ours)/b/signed:v1"),
            ] {
                try await newcomer.does("copy", source, destination, "--referrers")
            }
            let answer = try await run(
                try #require(Tool.curl.path), ["-sf", "http://\(ours)/v2/b/signed/referrers/\(digest)"])
            #expect(answer.stdout.contains("\(attached)"), "\(answer.stdout)")
            // Without being asked for, it stays.
            try await newcomer.does("copy", "\(registry.address)/a/signed:v1", "\(ours)/c/plain:v1")
            let plain = try await run(
                try #require(Tool.curl.path), ["-sf", "http://\(ours)/v2/c/plain/referrers/\(digest)"])
            #expect(!plain.stdout.contains("\(attached)"))
        }
        await hub.stop()
    }

    @Test func `the store of the original wasme is loaded, as far as it is whole`() async throws {
        func entry(
            _ name: String, _ reference: String, module: [UInt8] = TinyFilter().bytes, digest: Digest? = nil
        ) throws {
            let folder = "old/\(name)"
            try newcomer.scratch.write("\(folder)/image_ref", reference)
            try newcomer.scratch.write(
                "\(folder)/runtime-config.json",
                #"{"type":"envoy_proxy","abiVersions":["v0.2.1"],"config":{"rootIds":["add_header"]}}"#)
            try newcomer.scratch.write(
                "\(folder)/descriptor.json",
                #"{"mediaType":"application/vnd.module.wasm.content.layer.v1+wasm","digest":"\#(digest ?? Digest(of: module))","size":\#(module.count)}"#
            )
            let file = newcomer.scratch.path.pushing(FilePath("\(folder)/filter.wasm"))
            try Files.remove(file)
            try Files.replace(file, with: module)
        }
        try entry("aa", "docker.io/library/foo:v1")
        try entry("bb", "webassemblyhub.io/acme/bar:v2")
        try entry("cc", "webassemblyhub.io/acme/broken:v3", digest: Digest(of: [1, 2, 3]))
        try newcomer.scratch.write("old/dd/image_ref", "webassemblyhub.io/acme/half:v4")
        let before = try Files.contents(newcomer.scratch.appending("old"))
        let loaded = try await newcomer.wasme("load", "--wasme-store", "old")
        try #require(loaded.status == 0, "\(loaded.stderr)")
        #expect(loaded.stdout.contains("loaded docker.io/library/foo:v1"))
        #expect(loaded.stdout.contains("loaded webassemblyhub.io/acme/bar:v2"))
        #expect(loaded.stderr.contains("filter.wasm is not what descriptor.json says"), "\(loaded.stderr)")
        #expect(loaded.stderr.contains("dd\": runtime-config.json is missing"), "\(loaded.stderr)")
        #expect(try Files.contents(newcomer.scratch.appending("old")) == before)
        #expect(try await newcomer.does("inspect", "docker.io/library/foo:v1").contains("variant  artifact"))
    }

    @Test func `an archive does not go to a terminal, and a broken one is not taken`() async throws {
        let digest = try await stored()
        try await newcomer.does("save", "add-header:v1", "-o", "whole.tar")
        let whole = try Files.read(newcomer.scratch.appending("whole.tar"))
        let half = newcomer.scratch.appending("half.tar")
        try Files.replace(half, with: whole.prefix(whole.count / 2))
        for arguments in [
            ["load", half.string], ["copy", "oci-archive:\(half)", "x:v1"],
            ["inspect", "oci-archive:\(half)"],
        ] {
            let outcome = try await run(
                buildFolder.appending("wasme"), arguments + ["--store", "empty"],
                environment: newcomer.environment,
                in: newcomer.scratch.path)
            #expect(outcome.status == 1)
            #expect(
                outcome.stderr.contains("error: ") && outcome.stderr.contains("half.tar"), "\(outcome.stderr)"
            )
        }
        #expect(try await newcomer.does("list", "--store", "empty", "-q").isEmpty)
        #expect(!digest.description.isEmpty)
    }
}
