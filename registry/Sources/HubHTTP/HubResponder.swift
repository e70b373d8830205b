// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import Logging

/// Answers every request: the registry API below `/v2`, our own below `/api`, modules below `/modules`, session tokens at
/// `/token`, pages for people elsewhere.
struct HubResponder: HTTPResponder {
    private let api: RegistryAPI
    private let search: SearchAPI
    private let filters: FilterAPI
    private let pages: Pages
    private let gatekeeper: Gatekeeper
    private let setup: SetupLink?
    private let challenge: Challenge
    private let logger: Logger

    init(
        registry: Registry, gatekeeper: Gatekeeper, setup: SetupLink?, publicURL: String?, logger: Logger
    ) throws {
        api = RegistryAPI(registry: registry)
        search = SearchAPI(registry: registry)
        filters = FilterAPI(registry: registry)
        pages = try Pages(registry: registry)
        self.gatekeeper = gatekeeper
        self.setup = setup
        challenge = Challenge(publicURL: publicURL, service: gatekeeper.service)
        self.logger = logger
    }

    func respond(to request: Request, context: HubRequestContext) async throws -> Response {
        var response: Response
        var isRegistry = false
        do {
            let target = try RequestTarget(request.head.path ?? "")
            isRegistry = target.segments.first == "v2"
            response = try await respond(to: request, target, from: context.address)
        } catch {
            response = try registryResponse(for: error, to: request, logger: logger)
            if let error = error as? HubError {
                response.headers[.wwwAuthenticate] = challenge.header(
                    for: error, request, isRegistry: isRegistry)
                if error.code == .tooManyRequests { response.headers[.retryAfter] = error.detail }
            }
            // Clients of old take a 401 without it for something that is no registry.
            if isRegistry { response.headers[.dockerAPIVersion] = "registry/2.0" }
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        // The length stays: it says what a GET would bring (RFC 9110 §9.3.2).
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func respond(
        to request: Request, _ target: RequestTarget, from address: String?
    ) async throws -> Response {
        if target.segments == ["token"] {
            return try await TokenEndpoint(gatekeeper: gatekeeper).respond(to: request, target, from: address)
        }
        if let setup, target.segments == ["setup"] {
            return try await pages.setUp(setup, gatekeeper, request, target, from: address)
        }
        let principal = try await gatekeeper.identify(try Credential(request), from: address)
        return switch target.segments.first {
        case "v2": try await api.acting(for: principal).respond(to: request, target)
        case "api" where target.segments == ["api", "v1", "search"]:
            try await search.acting(for: principal).respond(to: request, target)
        case "api" where target.segments.starts(with: ["api", "v1", "facts"]):
            try await filters.acting(for: principal).facts(request, target)
        case "modules": try await filters.acting(for: principal).module(request, target)
        case "api":
            try await ManagementAPI(directory: gatekeeper.directory(for: principal), principal: principal)
                .respond(to: request, target)
        default: try await pages.acting(for: principal).respond(to: request, target)
        }
    }
}
