// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// `GET /api/v1/search`: what the specification of registries has no words for.
struct SearchAPI: Sendable {
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
        var response = Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: Self.text(result))))
        if let next = result.next {
            let link = asked.link("/api/v1/search", count: result.found.count, after: next)
            response.headers[.link] = "<\(link)>; rel=\"next\""
        }
        return response
    }

    /// The answer; its keys are what others rely on, in the order of names.
    private static func text(_ result: SearchResult) -> [UInt8] {
        var text = JSONText()
        text.object { text in
            // The values of each facet that occur most, with how many would be found with one as the only choice there.
            text.member("facets") { text in
                text.object { text in
                    for facet in Facet.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
                        guard let counts = result.facets[facet] else { continue }
                        text.member(facet.key) { $0.array(counts, write) }
                    }
                }
            }
            text.member("repositories") { $0.array(result.found, write) }
            // How many fit, on all pages.
            text.member("total", Int64(result.total))
        }
        return text.bytes
    }

    private static func write(_ text: inout JSONText, _ count: FacetCount) {
        text.object { text in
            text.member("count", Int64(count.count))
            // The same as the value for people.
            text.member("label", count.value.label)
            text.member("value", count.value.value)
        }
    }

    private static func write(_ text: inout JSONText, _ found: FoundRepository) {
        text.object { text in
            // Versions of Proxy-Wasm, separated by commas: the module's own, or those that the image claims.
            text.member("abi", found.filter?.abi ?? found.words.abi)
            text.member("description", found.words.description)
            text.member("digest", found.image.digest.description)
            // Plain names of the hosts some version of which takes it, as in "envoy".
            text.member("hosts") { $0.array(found.facets[.host] ?? []) { $0.string($1.value) } }
            // Whether somebody signed it; by whom, and whether rightly, is not looked into.
            text.member("isSigned", found.facets[.signed] != nil)
            // Of a filter that the hub has read.
            text.member("language", found.filter?.language)
            text.member("licence", found.filter?.licence)
            // How often it was pulled.
            text.member("pulls", found.pulls)
            text.member("repository", found.repository.path)
            // Bytes of the manifest and all that it names.
            text.member("size", found.image.size)
            // The tag that was moved last, and when it was.
            text.member("tag", found.image.tag)
            text.member("title", found.words.title)
            text.member("updated", timestamp(found.image.updatedAt))
            text.member("version", found.words.version)
        }
    }
}

extension Facet {
    /// What it is called in answers.
    fileprivate var key: StaticString {
        switch self {
        case .language: "language"
        case .abi: "abi"
        case .host: "host"
        case .capability: "capability"
        case .organisation: "organisation"
        case .signed: "signed"
        }
    }
}

/// The beginning of a text.
///
/// Not counted in characters: one of those can be as long as somebody likes.
func shortened(_ text: String, to limit: Int) -> String {
    String(text.unicodeScalars.prefix(limit))
}
