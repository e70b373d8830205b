// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// Manifests, tags and lists over HTTP (distribution-spec 1.1).
@Suite struct ManifestTests {
    @Test func `an image is pulled by tag and by digest, byte for byte`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "acme/deep/filter", tag: "v1")
            for name in ["v1", image.digest.description] {
                let reply = try await hub.client.send("GET", "/v2/acme/deep/filter/manifests/\(name)")
                #expect(reply.status == 200)
                #expect(reply.body == image.bytes)
                #expect(reply["Content-Type"] == image.mediaType.rawValue)
                #expect(reply["Docker-Content-Digest"] == image.digest.description)
                let head = try await hub.client.send("HEAD", "/v2/acme/deep/filter/manifests/\(name)")
                #expect(head.status == 200)
                #expect(head["Content-Length"] == "\(image.bytes.count)")
                let tag = try #require(reply["ETag"])
                let again = try await hub.client.send(
                    "GET", "/v2/acme/deep/filter/manifests/\(name)", ["If-None-Match": tag])
                #expect(again.status == 304)
            }
            #expect(try await hub.client.send("GET", "/v2/acme/deep/manifests/v1").code == "MANIFEST_UNKNOWN")
        }
    }

    @Test func `repositories may be named like the words of the API`() async throws {
        try await withHub { hub in
            for name in [
                "blobs/uploads", "m/manifests/x", "tags/list", "referrers", "v2", "a/blobs", "uploads",
            ] {
                let image = try await hub.client.pushImage(to: name, tag: "list")
                let upload = try await hub.client.startUpload(in: name)
                #expect(try await hub.client.send("GET", upload).status == 204, "\(name)")
                #expect(
                    try await hub.client.send("PUT", "\(upload)?digest=\(Digest(of: []))", body: []).status
                        == 201)
                #expect(try await hub.client.send("GET", "/v2/\(name)/manifests/list").body == image.bytes)
                let tags = try await hub.client.send("GET", "/v2/\(name)/tags/list")
                #expect(tags.text == #"{"name":"\#(name)","tags":["list"]}"#)
            }
        }
    }

    @Test func `a manifest by another digest is refused`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            let wrong = try await hub.client.putManifest(image, to: "a", as: "\(Digest(of: [1]))")
            #expect(wrong.status == 400)
            #expect(wrong.code == "DIGEST_INVALID")
            let sha512 = Digest(of: image.bytes, algorithm: .sha512)
            let other = try await hub.client.putManifest(image, to: "a", as: "\(sha512)?tag=x&tag=y")
            #expect(other.status == 201)
            #expect(other["Docker-Content-Digest"] == sha512.description)
            #expect(other.headers["oci-tag"] == ["x", "y"])
            #expect(
                try await hub.client.send("GET", "/v2/a/manifests/y")["Docker-Content-Digest"]
                    == sha512.description)
        }
    }

    @Test func `a tag moves, and what it named stays`() async throws {
        try await withHub { hub in
            let old = try await hub.client.pushImage(to: "a", tag: "v1")
            let new = try await hub.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(10, seed: 3))
            #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").body == new.bytes)
            #expect(try await hub.client.send("GET", "/v2/a/manifests/\(old.digest)").body == old.bytes)
        }
    }

    @Test func `deleting a tag keeps the manifest, deleting the manifest takes its tags`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            _ = try await hub.client.putManifest(image, to: "a", as: "v2")
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/v1").status == 202)
            #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").status == 404)
            #expect(try await hub.client.send("GET", "/v2/a/manifests/v2").status == 200)
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/\(image.digest)").status == 202)
            #expect(try await hub.client.send("GET", "/v2/a/manifests/v2").status == 404)
            #expect(try await hub.client.send("GET", "/v2/a/tags/list").text == #"{"name":"a","tags":[]}"#)
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/v2").code == "MANIFEST_UNKNOWN")
        }
    }

    @Test func `an index needs its manifests, and keeps them`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            let index = try ManifestDocument(
                bytes: try canonicalJSON(Index(manifests: [image.descriptor])), mediaType: .imageIndex)
            let absent = try ManifestDocument(
                bytes: try canonicalJSON(
                    Index(manifests: [Descriptor(of: [1], mediaType: .imageManifest)])),
                mediaType: .imageIndex)
            let refused = try await hub.client.putManifest(absent, to: "a", as: "all")
            #expect(refused.status == 404)
            #expect(refused.code == "MANIFEST_BLOB_UNKNOWN")
            #expect(try await hub.client.putManifest(index, to: "a", as: "all").status == 201)
            let child = try await hub.client.send("DELETE", "/v2/a/manifests/\(image.digest)")
            #expect(child.status == 405)
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/\(index.digest)").status == 202)
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/\(image.digest)").status == 202)
        }
    }

    @Test func `referrers lists what refers to an image, even before it is there`() async throws {
        try await withHub { hub in
            let config = try await hub.client.push(Array("{}".utf8), to: "a")
            let subject = Descriptor(of: sampleBytes(9), mediaType: .imageManifest)
            var manifest = image(config: config, layers: [], subject: subject)
            manifest.artifactType = MediaType(rawValue: "application/vnd.example.sbom+json")
            manifest.annotations = ["made-by": "a test"]
            let document = try ManifestDocument(manifest)
            let pushed = try await hub.client.putManifest(document, to: "a", as: "\(document.digest)")
            #expect(pushed.status == 201)
            #expect(pushed["OCI-Subject"] == subject.digest.description)
            let reply = try await hub.client.send("GET", "/v2/a/referrers/\(subject.digest)")
            #expect(reply["Content-Type"] == MediaType.imageIndex.rawValue)
            let index = try JSONDecoder().decode(Index.self, from: Data(reply.body))
            #expect(index.manifests.map(\.digest) == [document.digest])
            #expect(index.manifests.first?.artifactType == manifest.artifactType)
            #expect(index.manifests.first?.annotations == manifest.annotations)
            for (type, count) in [("application/vnd.example.sbom%2Bjson", 1), ("application/x", 0)] {
                let filtered = try await hub.client.send(
                    "GET", "/v2/a/referrers/\(subject.digest)?artifactType=\(type)")
                #expect(filtered["OCI-Filters-Applied"] == "artifactType")
                #expect(
                    try JSONDecoder().decode(Index.self, from: Data(filtered.body)).manifests.count == count)
            }
            #expect(try await hub.client.send("GET", "/v2/none/referrers/\(subject.digest)").status == 200)
        }
    }

    @Test func `a layer that is fetched from elsewhere need not be here`() async throws {
        try await withHub { hub in
            let config = try await hub.client.push(Array("{}".utf8), to: "a")
            var manifest = image(config: config, layers: [])
            manifest.layers = [
                Descriptor(
                    of: [7],
                    mediaType: MediaType(
                        rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"))
            ]
            #expect(
                try await hub.client.putManifest(try ManifestDocument(manifest), to: "a", as: "v1").status
                    == 201)
        }
    }

    @Test func `the manifest of the original wasme, without a media type, is taken as it is`() async throws {
        try await withHub { hub in
            let config = try await hub.client.push(Array("{}".utf8), to: "a")
            var manifest = image(config: config, layers: [])
            manifest.mediaType = nil
            let document = try ManifestDocument(manifest)
            #expect(try await hub.client.putManifest(document, to: "a", as: "v1").status == 201)
            let reply = try await hub.client.send("GET", "/v2/a/manifests/v1")
            #expect(reply.body == document.bytes)
            #expect(reply["Content-Type"] == MediaType.imageManifest.rawValue)
        }
    }

    @Test func `tags come in pages, in the order of their bytes`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "b")
            for tag in ["a", "C", "_x", "10", "9", "c"] {
                _ = try await hub.client.putManifest(image, to: "a", as: tag)
            }
            let expected = ["10", "9", "C", "_x", "a", "b", "c"]
            struct List: Decodable { let tags: [String] }
            var path = "/v2/a/tags/list?n=3"
            var tags: [[String]] = []
            while true {
                let reply = try await hub.client.send("GET", path)
                tags.append(try JSONDecoder().decode(List.self, from: Data(reply.body)).tags)
                guard let link = reply["Link"] else { break }
                #expect(link.hasSuffix(">; rel=\"next\""))
                path = String(link.dropFirst().prefix { $0 != ">" })
            }
            #expect(tags.map(\.count) == [3, 3, 1])
            #expect(tags.flatMap(\.self) == expected)
            let all = try await hub.client.send("GET", "/v2/a/tags/list")
            #expect(try JSONDecoder().decode(List.self, from: Data(all.body)).tags == expected)
            #expect(all["Link"] == nil)
            let exact = try await hub.client.send("GET", "/v2/a/tags/list?n=7")
            #expect(exact["Link"] == nil)
            let none = try await hub.client.send("GET", "/v2/a/tags/list?n=0")
            #expect(none.text == #"{"name":"a","tags":[]}"#)
            #expect(none["Link"] == nil)
            let huge = try await hub.client.send("GET", "/v2/a/tags/list?n=1099511627776&last=a")
            #expect(try JSONDecoder().decode(List.self, from: Data(huge.body)).tags == ["b", "c"])
            #expect(try await hub.client.send("GET", "/v2/none/tags/list").code == "NAME_UNKNOWN")
        }
    }

    @Test func `the catalog comes in pages and names what holds a manifest`() async throws {
        try await withHub { hub in
            #expect(try await hub.client.send("GET", "/v2/_catalog").text == #"{"repositories":[]}"#)
            for name in ["b", "a/x", "a"] { try await hub.client.pushImage(to: name, tag: "v1") }
            try await hub.client.push([1], to: "only-blobs")
            #expect(
                try await hub.client.send("GET", "/v2/_catalog").text == #"{"repositories":["a","a/x","b"]}"#)
            let first = try await hub.client.send("GET", "/v2/_catalog?n=2")
            #expect(first["Link"] == "</v2/_catalog?n=2&last=a/x>; rel=\"next\"")
            #expect(
                try await hub.client.send("GET", "/v2/_catalog?n=2&last=a/x").text
                    == #"{"repositories":["b"]}"#)
        }
    }

    @Test func `the base says that the API is here`() async throws {
        try await withHub { hub in
            for path in ["/v2/", "/v2"] {
                let reply = try await hub.client.send("GET", path)
                #expect(reply.status == 200)
                #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
            }
        }
    }
}
