// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Manifests of a registry in memory, with or without the referrers API.
private final class ManifestServer: Sendable {
    let manifests = Mutex<[String: [UInt8]]>([:])
    let log = Log()

    func serve(_ exchange: LoopbackExchange) throws {
        log.add("\(exchange.request.method) \(exchange.request.path)")
        let name = String(exchange.request.path.split(separator: "/").last ?? "")
        guard exchange.request.path.contains("/manifests/") else { return try exchange.respond(404) }
        if exchange.request.method == "PUT" {
            let body = try exchange.body()
            manifests.withLock {
                $0[name] = body
                $0[Digest(of: body).description] = body
            }
            try exchange.respond(201)
        } else if let body = manifests.withLock({ $0[name] }) {
            try exchange.respond(200, body: body)
        } else {
            try exchange.respond(404)
        }
    }
}

@Suite struct ReferrersTests {
    private let subject = Descriptor(mediaType: .imageManifest, digest: Digest(of: [1]), size: 1)
    private var path: String { "/v2/acme/auth/referrers/\(subject.digest)" }
    private var fallback: String { "sha256-\(subject.digest.hex)" }

    private func artifact(
        _ type: String, number: Int = 0, subject: Descriptor? = nil
    ) throws -> ManifestDocument {
        try ManifestDocument(
            Manifest(
                artifactType: MediaType(rawValue: type), config: .empty, layers: [.empty],
                subject: subject ?? self.subject, annotations: ["number": "\(number)"]))
    }

    private func index(_ documents: [ManifestDocument]) throws -> [UInt8] {
        try canonicalJSON(Index(manifests: documents.map(\.referrer)))
    }

    @Test func `a registry that lists referrers is left to do it`() async throws {
        let log = Log()
        let server = try LoopbackServer { [subject] exchange in
            log.add("\(exchange.request.method) \(exchange.request.target)")
            try exchange.respond(201, headers: [("OCI-Subject", "\(subject.digest)")])
        }
        let document = try artifact("a/b")
        try await server.client().push(document, to: repository, as: .digest(document.digest))
        #expect(log.all == ["PUT /v2/acme/auth/manifests/\(document.digest)"])
    }

    @Test func `one that does not gets them listed under a tag`() async throws {
        let manifests = ManifestServer()
        let server = try LoopbackServer { try manifests.serve($0) }
        let client = try server.client()
        let documents = try (0..<3).map { try artifact("a/\($0)", number: $0) }
        for document in documents + documents {
            try await client.push(document, to: repository, as: .digest(document.digest))
        }
        #expect(try await client.referrers(repository, subject.digest) == documents.map(\.referrer))
        #expect(
            try await client.referrers(repository, subject.digest, artifactType: MediaType(rawValue: "a/1"))
                == [documents[1].referrer])
        #expect(manifests.manifests.withLock { $0[fallback] != nil })
        // The registry is asked for the API once.
        #expect(manifests.log.all.filter { $0.contains("/referrers/") }.count == 1)
    }

    @Test func `those who list at the same time do not undo each other`() async throws {
        let manifests = ManifestServer()
        let server = try LoopbackServer { try manifests.serve($0) }
        let client = try server.client()
        let documents = try (0..<8).map { try artifact("a/\($0)", number: $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for document in documents {
                group.addTask {
                    try await client.push(document, to: repository, as: .digest(document.digest))
                }
            }
            try await group.waitForAll()
        }
        let listed = try await client.referrers(repository, subject.digest)
        #expect(Set(listed.map(\.digest)) == Set(documents.map(\.digest)))
    }

    @Test func `an entry that is undone between write and look is written again`() async throws {
        let manifests = ManifestServer()
        let other = try artifact("b/b")
        let isFirst = Mutex(true)
        let server = try LoopbackServer { [fallback] exchange in
            let isIndex = exchange.request.path.hasSuffix(fallback)
            try manifests.serve(exchange)
            guard isIndex, exchange.request.method == "PUT",
                isFirst.withLock({
                    let was = $0; $0 = false; return was
                })
            else { return }
            let theirs = try canonicalJSON(Index(manifests: [other.referrer]))
            manifests.manifests.withLock { $0[fallback] = theirs }
        }
        let document = try artifact("a/a")
        let client = try server.client()
        try await client.push(document, to: repository, as: .digest(document.digest))
        #expect(
            try await client.referrers(repository, subject.digest) == [other.referrer, document.referrer])
    }

    @Test func `a tag that is no list is not written over`() async throws {
        let manifests = ManifestServer()
        let server = try LoopbackServer { try manifests.serve($0) }
        let image = try manifest(config: blob([1]), layers: [])
        manifests.manifests.withLock { $0[fallback] = image.bytes }
        let document = try artifact("a/a")
        let error = await failure {
            try await server.client().push(document, to: repository, as: .digest(document.digest))
        }
        #expect(error?.code == .badAnswer && error?.message.contains(fallback) == true)
        #expect(manifests.manifests.withLock { $0[fallback] } == image.bytes)
    }

    @Test(arguments: [true, false])
    func `pages are read to the end, and what was not filtered is`(_ isFiltered: Bool) async throws {
        let documents = try (0..<4).map { try artifact($0 < 3 ? "a/a" : "b/b", number: $0) }
        let log = Log()
        let server = try LoopbackServer { [path] exchange in
            log.add(exchange.request.target)
            let isSecond = exchange.request.target.contains("page=2")
            var headers = [("Content-Type", "\(MediaType.imageIndex)")]
            if !isSecond { headers.append(("Link", "<\(path)?page=2>; rel=\"next\"")) }
            if isFiltered { headers.append(("OCI-Filters-Applied", "artifactType")) }
            let page = isSecond ? documents[2...] : documents[..<2]
            let shown = isFiltered ? page.filter { $0.referrer.artifactType?.rawValue == "a/a" } : Array(page)
            try exchange.respond(200, headers: headers, body: try index(shown))
        }
        let found = try await server.client().referrers(
            repository, subject.digest, artifactType: MediaType(rawValue: "a/a"))
        #expect(found == documents.prefix(3).map(\.referrer))
        #expect(log.all == ["\(path)?artifactType=a%2Fa", "\(path)?page=2"])
    }

    @Test func `a page for people in place of a list is no list`() async throws {
        let server = try LoopbackServer { exchange in
            guard exchange.request.path.contains("/referrers/") else { return try exchange.respond(404) }
            try exchange.respond(200, headers: [("Content-Type", "text/html")], text: "<html>")
        }
        #expect(try await server.client().referrers(repository, subject.digest) == [])
    }

    @Test(arguments: [401, 403, 500])
    func `a refusal is no missing API`(_ status: Int) async throws {
        let server = try LoopbackServer { try $0.respond(status) }
        let error = await failure { _ = try await server.client().referrers(repository, subject.digest) }
        #expect(error?.status == status)
        #expect(
            error?.message.contains("list what refers to \"\(server.authority)/acme/auth@sha256:") == true)
    }

    @Test(arguments: ["{", "[]", "{\"manifests\":[{}]}", "\u{fffd}"])
    func `a list that cannot be read is told as such`(_ text: String) async throws {
        let server = try LoopbackServer {
            try $0.respond(200, headers: [("Content-Type", "\(MediaType.imageIndex)")], text: text)
        }
        let error = await failure { _ = try await server.client().referrers(repository, subject.digest) }
        #expect(error?.code == .badAnswer && error?.message.contains("cannot be read") == true)
    }

    /// Pushes an image and two artifacts that refer to it; gives their manifests.
    private func attach(_ client: RegistryClient) async throws -> [ManifestDocument] {
        let config = Array("{}".utf8)
        try await client.push(.empty, HTTPBody(config), to: repository)
        let image = try manifest(config: .empty, layers: [])
        try await client.push(image, to: repository, as: tag)
        var documents = [image]
        for type in ["application/vnd.dev.a", "application/vnd.dev.b"] {
            let document = try artifact(type, subject: image.descriptor)
            try await client.push(document, to: repository, as: .digest(document.digest))
            documents.append(document)
        }
        return documents
    }

    private func check(_ client: RegistryClient, _ documents: [ManifestDocument]) async throws {
        let all = try await client.referrers(repository, documents[0].digest)
        #expect(Set(all.map(\.digest)) == Set(documents[1...].map(\.digest)))
        let some = try await client.referrers(
            repository, documents[0].digest, artifactType: MediaType(rawValue: "application/vnd.dev.b"))
        #expect(some == [documents[2].referrer])
        #expect(try await client.referrers(repository, Digest(of: [9])) == [])
    }

    @Test(.requires(.registry), .requires(.skopeo))
    func `Debian's registry holds the list, and skopeo copies it`() async throws {
        try await DockerRegistry.run { registry in
            let client = RegistryClient(
                host: try RegistryHost(registry.address), transport: CurlTransport())
            let documents = try await attach(client)
            try await check(client, documents)
            let list = "sha256-\(documents[0].digest.hex)"
            #expect(try await client.tags(repository).map(\.name).sorted() == [list, "v1"])
            let skopeo = try #require(Tool.skopeo.path)
            let outcome = try await run(
                skopeo,
                [
                    "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
                    "docker://\(registry.address)/acme/auth:\(list)",
                    "docker://\(registry.address)/acme/copy:\(list)",
                ])
            #expect(outcome.status == 0, "\(outcome.stderr)")
            let copy = try Repository("acme/copy")
            #expect(try await client.referrers(copy, documents[0].digest).count == 2)

            #expect(try await client.catalog() == [repository, copy])
            #expect(try await client.catalog(limit: 1) == [repository])
            try await client.delete(repository, .digest(documents[1].digest))
            // The list names it still; that is no harm.
            #expect(try await client.referrers(repository, documents[0].digest).count == 2)
            let gone = await failure {
                _ = try await client.manifest(repository, .digest(documents[1].digest))
            }
            #expect(gone?.status == 404)
        }
    }

    @Test func `our hub lists them by itself`() async throws {
        try await RunningHub.run { hub in
            let client = RegistryClient(host: try RegistryHost(hub.address), transport: CurlTransport())
            let documents = try await attach(client)
            try await check(client, documents)
            #expect(try await client.tags(repository).map(\.name) == ["v1"])
        }
    }
}
