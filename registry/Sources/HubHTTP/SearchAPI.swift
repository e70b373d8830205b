// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// `GET /api/v1/search`: what the specification of registries has no words for.
struct SearchAPI: Sendable {
    /// Longest text of an image's own that is passed on, in Unicode scalars.
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
        let asked = try SearchRequest(target)
        let result = try await registry.search(asked.query, limit: asked.limit)
        var response = try jsonResponse(Found(result))
        if let next = result.next {
            let link = asked.link("/api/v1/search", count: result.found.count, after: next)
            response.headers[.link] = "<\(link)>; rel=\"next\""
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
            /// How often it was pulled.
            let pulls: Int64
            /// Plain names of the hosts some version of which takes it, as in "envoy".
            let hosts: [String]
            /// Whether somebody signed it; by whom, and whether rightly, is not looked into.
            let isSigned: Bool

            init(_ found: FoundRepository) {
                func text(_ key: String) -> String? {
                    found.annotations[key].map { shortened($0, to: SearchAPI.longestText) }
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
                pulls = found.pulls
                hosts = (found.facets[.host] ?? []).map(\.value)
                isSigned = found.facets[.signed] != nil
            }
        }

        /// A value of a facet, with how many would be found if it were the only choice there.
        struct Value: Encodable {
            let value: String
            /// The same for people.
            let label: String
            let count: Int
        }

        let repositories: [Entry]
        /// How many fit, on all pages.
        let total: Int
        /// The values that occur most.
        let facets: [String: [Value]]

        init(_ result: SearchResult) {
            repositories = result.found.map(Entry.init)
            total = result.total
            facets = Dictionary(
                uniqueKeysWithValues: result.facets.map { facet, counts in
                    (
                        facet.rawValue,
                        counts.map { Value(value: $0.value.value, label: $0.value.label, count: $0.count) }
                    )
                })
        }
    }
}

/// The beginning of a text.
///
/// Not counted in characters: one of those can be as long as somebody likes.
func shortened(_ text: String, to limit: Int) -> String {
    String(text.unicodeScalars.prefix(limit))
}
