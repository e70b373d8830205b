// SPDX-License-Identifier: Apache-2.0

import Foundation
import HubStorage
import OCI
import Testing

/// A request that must be refused, and how.
struct BadRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    /// `<ID>` stands for an upload that is under way in repository `a`.
    let path: String
    var headers: [String: String] = [:]
    var body: [UInt8]?
    let status: Int
    let code: String?

    init(
        _ name: String, _ method: String, _ path: String, _ headers: [String: String] = [:],
        body: [UInt8]? = nil,
        is status: Int, _ code: String?
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.status = status
        self.code = code
    }

    var testDescription: String { name }
}

/// What a client must not send: for each, the answer is the documented one and the hub is as it was.
@Suite struct BadInputTests {
    private static let hex = String(repeating: "a", count: 64)

    static let names: [BadRequest] =
        [
            "Upper", "-a", "a-", "a___b", "a//b", "%C3%A9", "a%00b", String(repeating: "a", count: 256),
            "a/_b", "a%20b",
        ]
        .flatMap { name in
            [
                BadRequest(
                    "name \(name.prefix(12))", "POST", "/v2/\(name)/blobs/uploads/", body: [], is: 400,
                    "NAME_INVALID"),
                BadRequest(
                    "name \(name.prefix(12))", "GET", "/v2/\(name)/tags/list", is: 400, "NAME_INVALID"),
            ]
        }

    static let paths: [BadRequest] =
        [
            "/v2/../a/tags/list", "/v2/a/%2e%2e/tags/list", "/v2/a/%2E./tags/list",
            "/v2/a%2f..%2fb/tags/list",
            "/v2/a/..%5cb/tags/list", "/v2/a/manifests/..%2f..%2fx", "/v2/a/manifests/%2e%2e",
            "/v2/a/blobs/..%2fx",
            "/v2/a/%", "/v2/a/%2", "/v2/a/%zz/tags/list", "/v2/a/%ff/tags/list", "/v2/a/./tags/list",
        ].map { BadRequest("path \($0)", "GET", $0, is: 400, "NAME_INVALID") }
        + [
            BadRequest("decoded twice", "GET", "/v2/a/%252e%252e/tags/list", is: 400, "NAME_INVALID"),
            BadRequest("nowhere", "GET", "/v2/nowhere", is: 404, "UNSUPPORTED"),
            BadRequest("wrong method", "POST", "/v2/a/tags/list", body: [], is: 405, "UNSUPPORTED"),
            BadRequest("TRACE", "TRACE", "/v2/", is: 405, "UNSUPPORTED"),
        ]

    static let digests: [BadRequest] =
        [
            "sha256:\(hex)a", "sha256:\(hex.dropLast())", "sha256:\(hex.uppercased())",
            "md5:\(hex.prefix(32))",
            "sha512:\(hex)", hex, "sha256:", "sha256:..%2f\(hex.dropLast(3))",
        ].flatMap { digest in
            let code = digest.contains("%2f") ? "NAME_INVALID" : "DIGEST_INVALID"
            return [
                BadRequest("blob \(digest.prefix(12))", "GET", "/v2/a/blobs/\(digest)", is: 400, code),
                BadRequest(
                    "upload \(digest.prefix(12))", "PUT", "<ID>?digest=\(digest)", body: [], is: 400,
                    "DIGEST_INVALID"),
                BadRequest(
                    "push \(digest.prefix(12))", "POST", "/v2/a/blobs/uploads/?digest=\(digest)", body: [],
                    is: 400,
                    "DIGEST_INVALID"),
                BadRequest(
                    "mount \(digest.prefix(12))", "POST", "/v2/a/blobs/uploads/?mount=\(digest)&from=a",
                    body: [],
                    is: 400, "DIGEST_INVALID"),
                BadRequest(
                    "referrers \(digest.prefix(12))", "GET", "/v2/a/referrers/\(digest)", is: 400, code),
            ]
        } + [
            BadRequest("no digest", "PUT", "<ID>", body: [], is: 400, "DIGEST_INVALID"),
            BadRequest(
                "two digests", "PUT", "<ID>?digest=sha256:\(hex)&digest=sha256:\(hex)", body: [], is: 400,
                "DIGEST_INVALID"),
            BadRequest(
                "bad algorithm", "POST", "/v2/a/blobs/uploads/?digest-algorithm=md5", body: [], is: 400,
                "DIGEST_INVALID"),
            BadRequest(
                "bad from", "POST", "/v2/a/blobs/uploads/?mount=sha256:\(hex)&from=A", body: [], is: 400,
                "NAME_INVALID"),
        ]

    static let uploads: [BadRequest] =
        ["GET", "PATCH", "PUT", "DELETE"].flatMap { method in
            [String(repeating: "0", count: 32), "x", "sha256:\(hex)"].map {
                BadRequest(
                    "\(method) upload \($0.prefix(8))", method, "/v2/a/blobs/uploads/\($0)",
                    body: method == "GET" ? nil : [], is: 404, "BLOB_UPLOAD_UNKNOWN")
            }
        }
        + ["a-b", "0", "0-", "-1", "0-1-2", "bytes 0-1/2", "", "0-+1", "0-99999999999999999999"].map {
            BadRequest(
                "range \($0)", "PATCH", "<ID>", ["Content-Range": $0], body: [1, 2], is: 400,
                "BLOB_UPLOAD_INVALID")
        }

    static let lists: [BadRequest] = ["-1", "abc", "1e3", "", "+1", "1%00"].flatMap { number in
        ["/v2/a/tags/list", "/v2/_catalog"].map {
            BadRequest(
                "n=\(number) of \($0)", "GET", "\($0)?n=\(number)", is: 400, "PAGINATION_NUMBER_INVALID")
        }
    }

    static let unknown: [BadRequest] = [
        BadRequest("blob", "DELETE", "/v2/a/blobs/sha256:\(hex)", is: 404, "BLOB_UNKNOWN"),
        BadRequest("blob of nowhere", "GET", "/v2/none/blobs/sha256:\(hex)", is: 404, "BLOB_UNKNOWN"),
        BadRequest("manifest", "DELETE", "/v2/a/manifests/sha256:\(hex)", is: 404, "MANIFEST_UNKNOWN"),
        BadRequest("manifest of nowhere", "DELETE", "/v2/none/manifests/v1", is: 404, "MANIFEST_UNKNOWN"),
        BadRequest("tag that cannot be", "GET", "/v2/a/manifests/.INVALID", is: 404, "MANIFEST_UNKNOWN"),
        BadRequest("tags of nowhere", "GET", "/v2/none/tags/list", is: 404, "NAME_UNKNOWN"),
    ]

    @Test(arguments: [names, paths, digests, uploads, lists, unknown].flatMap(\.self))
    func `is refused`(_ bad: BadRequest) async throws {
        try await withHub { hub in
            let upload = try await hub.client.startUpload(in: "a")
            let reply = try await hub.client.send(
                bad.method, bad.path.replacing("<ID>", with: upload), bad.headers, body: bad.body)
            #expect(reply.status == bad.status, "\(reply.text)")
            #expect(reply.code == bad.code)
            #expect(try await hub.client.send("GET", upload)["Range"] == "0-0")
            #expect(hub.files("blobs").isEmpty)
            #expect(try await hub.metadata.repositories(after: "", limit: 10).isEmpty)
        }
    }
}
