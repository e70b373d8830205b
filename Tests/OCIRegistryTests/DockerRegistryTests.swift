// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import Foundation
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite(.requires(.registry))
struct DockerRegistryTests {
    private let transport = CurlTransport()

    @Test func `what is pushed is pulled, resolved and listed`() async throws {
        try await DockerRegistry.run { registry in
            let host = try RegistryHost(registry.address)
            let client = RegistryClient(host: host, transport: transport)
            try await client.ping()
            let config = Array("{}".utf8)
            let layer = sample(3_000_000)
            #expect(try await !client.hasBlob(repository, blob(layer).digest))
            #expect(try await client.push(blob(config), HTTPBody(config), to: repository) == .uploaded)
            #expect(try await client.push(blob(layer), HTTPBody(layer), to: repository) == .uploaded)
            #expect(try await client.push(blob(layer), HTTPBody(layer), to: repository) == .alreadyThere)

            let document = try manifest(config: blob(config), layers: [blob(layer)])
            #expect(try await client.push(document, to: repository, as: tag) == document.descriptor)
            try await client.push(document, to: repository, as: .tag(.latest))
            #expect(try await client.resolve(repository, tag) == document.descriptor)
            #expect(try await client.resolve(repository, .digest(document.digest)) == document.descriptor)
            #expect(try await client.manifest(repository, tag) == document)
            #expect(try await client.tags(repository).map(\.name).sorted() == ["latest", "v1"])

            let sink = MemorySink(limit: layer.count)
            try await client.blob(repository, blob(layer), into: sink)
            #expect(Digest(of: sink.bytes) == blob(layer).digest)
            let rest = MemorySink(limit: layer.count)
            try await client.blob(
                repository, blob(layer), into: rest, after: MemorySource(Array(layer.prefix(1_000_000))))
            #expect(Digest(of: rest.bytes) == Digest(of: Array(layer[1_000_000...])))
        }
    }

    @Test func `what is not there is named`() async throws {
        try await DockerRegistry.run { registry in
            let host = try RegistryHost(registry.address)
            let client = RegistryClient(host: host, transport: transport)
            let missing = try #require(await failure { _ = try await client.resolve(repository, tag) })
            #expect([.manifestUnknown, .nameUnknown].contains(missing.code))
            #expect(missing.message.contains("\"\(host)/acme/auth:v1\""))
            #expect(await failure { _ = try await client.tags(repository) }?.code == .nameUnknown)
            let sink = MemorySink(limit: 10)
            let noBlob = await failure { try await client.blob(repository, blob([1]), into: sink) }
            #expect([.blobUnknown, .nameUnknown].contains(noBlob?.code))
            // The registry checks that blobs are there.
            let document = try manifest(config: blob([1]), layers: [blob([2])])
            let refused = await failure { try await client.push(document, to: repository, as: tag) }
            #expect(refused?.serverCodes.contains("MANIFEST_BLOB_UNKNOWN") == true)
        }
    }

    @Test func `a wrong digest is the registry's to refuse`() async throws {
        try await DockerRegistry.run { registry in
            let host = try RegistryHost(registry.address)
            let client = RegistryClient(host: host, transport: transport)
            let wrong = Descriptor(mediaType: .octetStream, digest: Digest(of: [2]), size: 1)
            let error = await failure { _ = try await client.push(wrong, HTTPBody([1]), to: repository) }
            #expect(error?.serverCodes == ["DIGEST_INVALID"])
        }
    }

    @Test func `many blobs go up and down side by side`() async throws {
        try await DockerRegistry.run { registry in
            let host = try RegistryHost(registry.address)
            let client = RegistryClient(host: host, transport: transport)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        let bytes = sample(50_000, seed: number)
                        try await client.push(blob(bytes), HTTPBody(bytes), to: repository)
                        let sink = MemorySink(limit: bytes.count)
                        try await client.blob(repository, blob(bytes), into: sink)
                        #expect(Digest(of: sink.bytes) == blob(bytes).digest)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `users have to say who they are`() async throws {
        try await DockerRegistry.run(withUsers: true) { registry in
            let host = try RegistryHost(registry.address)
            let bytes = sample(2_000_000)
            func client(_ credentials: any CredentialProvider) -> RegistryClient {
                RegistryClient(host: host, transport: transport, credentials: credentials)
            }
            let stranger = try #require(await failure { try await client(AnonymousCredentials()).ping() })
            #expect(stranger.code == .unauthorized && stranger.category == .denied)
            let wrong = FixedCredentials(.password(username: "me", password: "guess"), for: host)
            #expect(await failure { try await client(wrong).ping() }?.code == .unauthorized)

            let scratch = try ScratchDirectory("docker")
            try scratch.write("config.json", #"{"auths":{"\#(host)":{"auth":"bWU6czNjcmV0"}}}"#)
            let user = client(StoredCredentials(environment: ["DOCKER_CONFIG": scratch.path.string]))
            #expect(try await user.push(blob(bytes), HTTPBody(bytes), to: repository) == .uploaded)
            let sink = MemorySink(limit: bytes.count)
            try await user.blob(repository, blob(bytes), into: sink)
            #expect(Digest(of: sink.bytes) == blob(bytes).digest)
        }
    }
}
