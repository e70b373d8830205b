// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// `GET /api/v1/search`: what the specification of registries has no words for.
struct SearchAPI: Sendable {
    /// Longest text of an image's own that is passed on, in characters.
    private static let longestText = 300

    private(set) var registry: Registry

    /// The search as somebody may use it.
    func acting(for principal: Principal) -> SearchAPI {
        var api = self
        api.registry = registry.acting(for: principal)
        return api
    }

    /// Answers a request below `/api`.
    func respond(to request: Request, _ target: RequestTarget) async throws -> Response {
        guard target.segments == ["api", "v1", "search"] else {
            throw HubError(.noSuchPath, "the hub has no such path")
        }
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
        let text = try target.value("q", orThrow: .searchInvalid) ?? ""
        let (limit, last) = try target.page()
        let (found, next) = try await registry.search(
            try SearchQuery(text), after: last, limit: limit)
        var response = try jsonResponse(Found(repositories: found.map(Found.Entry.init)))
        if let next {
            response.headers[.link] =
                "</api/v1/search?q=\(percentEncoded(text))&n=\(found.count)&last=\(next)>; rel=\"next\""
        }
        return response
    }

    /// The answer; its keys are what others rely on.
    private struct Found: Encodable {
        struct Entry: Encodable {
            let repository: String
            /// The tag that was moved last, with what it names.
            let tag: String
            let digest: String
            /// Bytes of the manifest and all that it names.
            let size: Int64
            /// When the tag was moved (RFC 3339).
            let updated: String
            let title: String?
            let description: String?
            let version: String?
            /// Versions of Proxy-Wasm, separated by commas: the module's own, or those that the image claims.
            let abi: String?
            /// Of a filter that the hub has read.
            let language: String?
            let licence: String?

            init(_ found: FoundRepository) {
                func text(_ key: String) -> String? {
                    found.annotations[key].map { String($0.prefix(SearchAPI.longestText)) }
                }
                repository = found.repository.path
                tag = found.image.tag
                digest = found.image.digest.description
                size = found.image.size
                updated = Date(timeIntervalSince1970: TimeInterval(found.image.updatedAt)).formatted(.iso8601)
                title = text("org.opencontainers.image.title")
                description = text("org.opencontainers.image.description")
                version = text("org.opencontainers.image.version")
                abi = found.filter?.abi ?? text("module.wasm.runtime/abi_version")
                language = found.filter?.language
                licence = found.filter?.licence
            }
        }

        let repositories: [Entry]
    }
}
