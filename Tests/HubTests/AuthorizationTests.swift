// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import OCI
import SystemPackage
import TestSupport
import Testing

/// The one place that decides, over the real database.
@Suite struct AuthorizationTests {
    static let closed = AccessPolicy(isOpen: false, allowsAnonymousPull: true)

    /// The code of what a call throws.
    private func code(_ call: () async throws -> Void) async -> HubError.Code? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? HubError)?.code
        }
    }

    @Test func `nobody in particular may do nothing in a hub that asks for a log-in`() async throws {
        try await withHub(policy: Self.closed) { hub in
            let repository = try Repository("acme/proxy")
            let digest = Digest(of: sampleBytes(10))
            for registry in [hub.registry, hub.registry.acting(for: .anonymous)] {
                #expect(await code { _ = try await registry.blob(digest, in: repository) } == .unauthorized)
                #expect(await code { _ = try await registry.tags(in: repository, limit: 1) } == .unauthorized)
                #expect(await code { _ = try await registry.startUpload(in: repository) } == .unauthorized)
                #expect(
                    await code { try await registry.deleteManifest(.digest(digest), in: repository) }
                        == .unauthorized)
                #expect(
                    await code {
                        _ = try await registry.mountBlob(digest, from: repository, to: repository)
                    } == .unauthorized)
                #expect(try await registry.repositories(limit: nil).entries.isEmpty)
            }
            #expect(hub.files("uploads").isEmpty)
        }
    }

    @Test func `an account that is gone may do nothing, whatever token it has left`() async throws {
        try await withHub(policy: Self.closed) { hub in
            let repository = try Repository("acme/proxy")
            try await hub.registry.acting(for: .host).pushTinyImage(to: repository)
            let stranger = hub.registry.acting(for: Principal(.account(AccountID(7), name: "eve")))
            for name in ["acme/proxy", "acme/nothing"] {
                let repository = try Repository(name)
                #expect(await code { _ = try await stranger.tags(in: repository, limit: 1) } == .unauthorized)
                #expect(await code { _ = try await stranger.startUpload(in: repository) } == .unauthorized)
            }
        }
    }

    @Test func `a credential carries no more than its bounds`() async throws {
        try await withHub(policy: Self.closed) { hub in
            let inside = try Repository("acme/proxy")
            let outside = try Repository("acmee/proxy")
            for repository in [inside, outside] {
                try await hub.registry.acting(for: .host).pushTinyImage(to: repository)
            }
            let scopes = [Scope(repositories: "acme/*", actions: [.pull])]
            for (kind, refusal) in [
                (Bounds.Kind.session, HubError.Code.insufficientScope), (.token, .denied),
            ] {
                let registry = hub.registry.acting(for: Principal(.host, bounds: Bounds(kind, scopes)))
                #expect(try await registry.tags(in: inside, limit: nil).entries == ["v1"])
                #expect(await code { _ = try await registry.tags(in: outside, limit: 1) } == refusal)
                #expect(await code { _ = try await registry.startUpload(in: inside) } == refusal)
            }
            let token = hub.registry.acting(for: Principal(.host, bounds: Bounds(.token, scopes)))
            #expect(try await token.repositories(limit: nil).entries == ["acme/proxy"])
        }
    }
}

extension Registry {
    /// Puts an image under the tag `v1`.
    @discardableResult
    func pushTinyImage(to repository: Repository) async throws -> Digest {
        let config = Array("{}".utf8)
        let stream = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: config))
            continuation.finish()
        }
        _ = try await pushBlob(stream, as: Digest(of: config), to: repository)
        let document = try ManifestDocument(
            image(config: Descriptor(of: config, mediaType: .imageConfig), layers: []))
        return try await pushManifest(
            document.bytes, mediaType: document.mediaType, as: .tag(try Tag("v1")), to: repository
        ).digest
    }
}
