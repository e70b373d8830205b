// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

extension RegistryAPI {
    /// Most tags that one push may move.
    private static let tagsPerPush = 100

    func manifest(_ call: Call, _ repository: Repository, _ name: String) async throws -> Response {
        let manifest = try await registry.manifest(
            try RegistryRoute.existing(name, in: repository), in: repository)
        let answer = ContentAnswer(
            manifest: manifest.digest, manifest.mediaType, size: Int64(manifest.bytes.count),
            ReadConditions(call.request))
        if answer.isPull { registry.pullCounts.shared.note(repository) }
        var response = answer.response(
            answer.range == nil
                ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: manifest.bytes)))
        response.headers.warn(manifest.warning)
        return response
    }

    func pushManifest(_ call: Call, _ repository: Repository, _ name: String) async throws -> Response {
        let target = try RegistryRoute.target(name)
        let tags = try call.target.values("tag").map { try RegistryRoute.tag($0) }
        guard tags.count <= Self.tagsPerPush else {
            throw HubError(
                .tagInvalid, "\(tags.count) tags in one push, at most \(Self.tagsPerPush) are accepted")
        }
        let bytes = try await call.body.collect(upTo: ManifestDocument.maximumSize)
        let pushed = try await registry.pushManifest(
            bytes, mediaType: call.request.headers[.contentType].map { MediaType(contentType: $0) },
            as: target, tags: tags, if: try call.request.pushCondition(), to: repository)
        var headers: HTTPFields = [
            .location: "/v2/\(repository)/manifests/\(pushed.digest)",
            .dockerContentDigest: pushed.digest.description,
        ]
        headers[.ociSubject] = pushed.subject?.description
        for tag in tags { headers.append(HTTPField(name: .ociTag, value: tag.name)) }
        return Response(status: .created, headers: headers)
    }

    func deleteManifest(_ repository: Repository, _ name: String) async throws -> Response {
        try await registry.deleteManifest(
            try RegistryRoute.existing(name, in: repository), in: repository)
        return Response(status: .accepted)
    }
}

extension Request {
    /// What the client expects its tags to name (RFC 9110 §13.1.1, §13.1.2); tags read as one list.
    fileprivate func pushCondition() throws -> PushCondition? {
        if let value = headers[.ifMatch] { return value == "*" ? .present : .named(Set(entityTags(value))) }
        guard let value = headers[.ifNoneMatch] else { return nil }
        guard value == "*" else {
            throw HubError(.unsupportedRequest, "for a push, If-None-Match can only be \"*\"")
        }
        return .unnamed
    }

    /// The digests of a list of entity tags, as this hub writes them.
    private func entityTags(_ list: String) -> [Digest] {
        list.split(separator: ",").compactMap { tag in
            Digest(String(tag.filter { !$0.isWhitespace }.trimmingPrefix("\"").prefix { $0 != "\"" }))
        }
    }
}
