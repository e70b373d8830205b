// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import Logging

/// Answers every request: the registry API below `/v2`, our own below `/api`, pages for people elsewhere.
struct HubResponder: HTTPResponder {
    private let api: RegistryAPI
    private let search: SearchAPI
    private let pages: Pages
    private let logger: Logger

    init(registry: Registry, logger: Logger) throws {
        api = RegistryAPI(registry: registry)
        search = SearchAPI(registry: registry)
        pages = try Pages(registry: registry)
        self.logger = logger
    }

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        var response: Response
        do {
            let target = try RequestTarget(request.head.path ?? "")
            let principal = Principal.anonymous
            response =
                switch target.segments.first {
                case "v2": try await api.acting(for: principal).respond(to: request, target)
                case "api": try await search.acting(for: principal).respond(to: request, target)
                default: try await pages.acting(for: principal).respond(to: request, target)
                }
        } catch {
            response = try registryResponse(for: error, to: request, logger: logger)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        // The length stays: it says what a GET would bring (RFC 9110 §9.3.2).
        return request.method == .head ? response.createHeadResponse() : response
    }
}
