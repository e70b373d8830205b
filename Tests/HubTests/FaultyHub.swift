// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

extension Client {
    /// Pushes an image in chunks, and returns it if the hub took it; the hub may refuse, but must answer.
    func pushOrRefusal(_ tag: String, _ layer: [UInt8]) async throws -> ManifestDocument? {
        var blobs: [Descriptor] = []
        for bytes in [Array("{}".utf8), layer] {
            let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
            let start = try await send("POST", "/v2/a/blobs/uploads/", body: [])
            guard let upload = start["Location"] else { return refused(start) }
            let half = bytes.count / 2
            let patch = try await send("PATCH", upload, body: Array(bytes[..<half]))
            guard patch.status == 202 else { return refused(patch) }
            let reply = try await send(
                "PUT", "\(upload)?digest=\(descriptor.digest)", body: Array(bytes[half...]))
            guard reply.status == 201 else { return refused(reply) }
            blobs.append(descriptor)
        }
        let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]]))
        let reply = try await putManifest(document, to: "a", as: tag)
        guard reply.status == 201 else { return refused(reply) }
        let seen = try await send("GET", "/v2/a/manifests/\(tag)")
        #expect(seen.body == document.bytes || [500, 503, 507].contains(seen.status), "\(seen.text)")
        return document
    }

    private func refused(_ reply: Reply) -> ManifestDocument? {
        #expect([500, 503, 507].contains(reply.status), "\(reply.status): \(reply.text)")
        return nil
    }
}

/// Starts a hub on a folder that another one left, and looks for what that one said it had.
func expectWhole(_ data: FilePath, _ acknowledged: [String: ManifestDocument]) async throws {
    let hub = try await HubProcess(data: data)
    for (tag, image) in acknowledged {
        #expect(try await hub.client.send("GET", "/v2/a/manifests/\(tag)").body == image.bytes, "\(tag)")
        for blob in image.blobs {
            let content = try await hub.client.send("GET", "/v2/a/blobs/\(blob.digest)")
            #expect(Digest(of: content.body) == blob.digest, "\(tag)")
        }
    }
    let scrub = try await HubProcess.run(["scrub", "--data", data.string])
    #expect(scrub.status == 0, "\(scrub.stdout)\(scrub.stderr)")
    #expect(await hub.stop(SIGTERM) == 0)
}
