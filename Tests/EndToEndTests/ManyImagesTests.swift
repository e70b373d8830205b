// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// Several images in one command.
@Suite struct ManyImagesTests {
    private static let count = 24
    private let newcomer: Newcomer
    private let shared = bytes(40_000)

    init() throws { newcomer = try Newcomer() }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }

    /// Images that have one layer in common and one each of their own.
    private func store(for registry: String) async throws -> [(name: String, digest: Digest)] {
        let store = try ImageStore(newcomer.home.appending("store"))
        var images: [(name: String, digest: Digest)] = []
        for number in 0..<Self.count {
            let name = "\(registry)/many/image-\(number % 3):v\(number)"
            let digest = try await store.ingest { ingest in
                let config = try ingest.add(Array("{\"author\":\"\(number)\"}".utf8), mediaType: .imageConfig)
                let layers = try [
                    ingest.add(shared, mediaType: .imageLayerTarGzip),
                    ingest.add(
                        Array("layer \(number)".utf8) + Self.bytes(5_000), mediaType: .imageLayerTarGzip),
                ]
                let document = try ManifestDocument(Manifest(config: config, layers: layers))
                try ingest.commit(document, as: [Reference(name)])
                return document.digest
            }
            images.append((name, digest))
        }
        return images
    }

    private func wasme(_ arguments: [String]) async throws -> ProcessOutcome {
        try await run(
            buildFolder.appending("wasme"), arguments, environment: newcomer.environment,
            in: newcomer.scratch.path)
    }

    private func digests(_ output: String) -> [String] { output.split(separator: "\n").map(String.init) }

    @Test(.requires(.registry)) func `many images go in one command, what they share only once`() async throws
    {
        try await DockerRegistry.run { registry in
            let images = try await store(for: registry.address)
            let names = images.map(\.name)
            let pushed = try await wasme(["push", "-q"] + names)
            try #require(pushed.status == 0, "\(pushed.stderr)")
            // In the order that was asked for, whichever was the first to be there.
            #expect(digests(pushed.stdout) == images.map(\.digest.description))
            let digest = Digest(of: shared)
            let uploads = registry.log.split(separator: "\n").count {
                $0.contains("PUT /v2/many/") && $0.contains(digest.hex)
            }
            #expect(uploads == 3, "once for each repository")
            let pulled = try await wasme(["pull", "-q", "--store", "other"] + names)
            try #require(pulled.status == 0, "\(pulled.stderr)")
            #expect(digests(pulled.stdout) == images.map(\.digest.description))
            let other = try ImageStore(newcomer.scratch.appending("other"))
            #expect(try other.list().compactMap(\.name).sorted() == names.sorted())
            #expect(try other.verify().isEmpty)
        }
    }

    @Test(.requires(.registry)) func `if one is not there nothing is fetched`() async throws {
        try await DockerRegistry.run { registry in
            let names = try await store(for: registry.address).map(\.name)
            _ = try await wasme(["push", "-q"] + names)
            let missing = "\(registry.address)/many/image-0:none"
            let pulled = try await wasme(["pull", "--store", "other"] + names + [missing])
            #expect(pulled.status == 1)
            #expect(pulled.stderr.contains("many/image-0:none"), "\(pulled.stderr)")
            #expect(try ImageStore(newcomer.scratch.appending("other")).list(all: true).isEmpty)
        }
    }

    @Test(.requires(.registry)) func `if one breaks, those that are across stay`() async throws {
        try await DockerRegistry.run { registry in
            let images = try await store(for: registry.address)
            _ = try await wasme(["push", "-q"] + images.map(\.name))
            // The last one's own layer goes away behind the registry's back.
            let store = try ImageStore(newcomer.home.appending("store"))
            let last = try #require(images.last)
            let document = try store.manifest(try store.resolve(Reference(last.name)))
            let lost = try #require(document.blobs.last).digest
            try Files.remove(
                registry.data.pushing(
                    .init("docker/registry/v2/blobs/sha256/\(lost.hex.prefix(2))/\(lost.hex)")))
            let pulled = try await wasme(["pull", "--store", "other"] + images.map(\.name))
            #expect(pulled.status == 1)
            #expect(pulled.stderr.contains(lost.hex), "\(pulled.stderr)")
            let other = try ImageStore(newcomer.scratch.appending("other"))
            let kept = try other.list().compactMap(\.name)
            #expect(!kept.contains(last.name))
            #expect(kept.count > Self.count / 2, "\(kept.count)")
            #expect(try other.verify().isEmpty)
            // What is whole is not fetched again.
            let again = try await wasme(["pull", "--store", "other"] + kept)
            #expect(!again.stderr.contains("pulled "), "\(again.stderr)")
        }
    }

    @Test func `of two images under one name the later is found there`() async throws {
        try await RunningHub.run { hub in
            let images = try await store(for: hub.address).filter { $0.name.contains("image-0:") }
            let pushed = try await wasme(["push", "-q", "--tag", "latest"] + images.map(\.name))
            try #require(pushed.status == 0, "\(pushed.stderr)")
            let latest = "\(hub.address)/many/image-0:latest"
            let found = try await newcomer.does("copy", latest, "found:v1", "-q")
            #expect(found.contains(try #require(images.last).digest.description))
        }
    }
}
