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
    private let probes: Probes
    private let gatekeeper: Gatekeeper
    private let entrance: Entrance
    private let scheme: String
    private let setup: SetupLink?
    private let challenge: Challenge
    private let operation: HubOperation
    private let logger: Logger

    init(
        registry: Registry, gatekeeper: Gatekeeper, setup: SetupLink?, publicURL: String?,
        scheme: String, operation: HubOperation, logger: Logger
    ) throws {
        api = RegistryAPI(registry: registry)
        search = SearchAPI(registry: registry)
        filters = FilterAPI(registry: registry)
        let forms = FormGuard(publicURL: publicURL)
        entrance = Entrance(gatekeeper: gatekeeper, forms: forms)
        pages = try Pages(
            registry: registry, gatekeeper: gatekeeper, site: PublicAddress(url: publicURL, scheme: scheme),
            forms: forms, operation: operation)
        self.scheme = scheme
        probes = Probes(registry: registry, gatekeeper: gatekeeper, operation: operation)
        self.gatekeeper = gatekeeper
        self.setup = setup
        self.operation = operation
        challenge = Challenge(publicURL: publicURL, service: gatekeeper.service, scheme: scheme)
        self.logger = logger
    }

    /// What became known of a request before it was answered.
    private struct Knowledge {
        var route = RouteClass.other
        var repository: String?
        var principal: String?
        /// Who looks, if it is at a page.
        var visit: Visit?
    }

    func respond(to request: Request, context: HubRequestContext) async throws -> Response {
        let address = operation.proxies.client(of: context.address, request.headers)
        let exchange = RequestExchange(request, operation.observer, address: address)
        var known = Knowledge()
        let response = await RequestTrace.$current.withValue(exchange.trace) {
            await answer(request, from: Origin(address: address, peer: context.address), &known)
        }
        return exchange.finish(
            response, route: known.route, repository: known.repository, principal: known.principal)
    }

    /// Where a request comes from.
    private struct Origin {
        let address: String?
        /// The other end of the connection, which may be a proxy.
        let peer: String?
    }

    private func answer(_ request: Request, from origin: Origin, _ known: inout Knowledge) async -> Response {
        var response: Response
        var isRegistry = false
        do {
            let target = try RequestTarget(request.head.path ?? "")
            (known.route, known.repository) = RouteClass.of(target.segments)
            isRegistry = target.segments.first == "v2"
            response = try await respond(to: request, target, from: origin, &known)
        } catch {
            let answer = ErrorAnswer(error, to: request, logger: logger)
            if Pages.answer(request) {
                let visit = known.visit ?? pages.visit(ofNobody: request)
                response = pages.renderer.problem(answer, visit)
            } else {
                response = answer.response
            }
            if let error = error as? HubError {
                response.headers[.wwwAuthenticate] = challenge.header(
                    for: error, request, isRegistry: isRegistry,
                    scheme: operation.proxies.scheme(of: origin.peer, request.headers))
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
        to request: Request, _ target: RequestTarget, from origin: Origin, _ known: inout Knowledge
    ) async throws -> Response {
        let address = origin.address
        let answer = try await probes.respond(to: request, target) {
            try await authorizeMetrics(request, from: origin)
        }
        if let answer { return answer }
        guard !operation.isOverloaded else {
            throw HubError(.overloaded, "more is asked of the hub at this moment than it takes")
        }
        if target.segments == ["token"] {
            return try await TokenEndpoint(gatekeeper: gatekeeper).respond(to: request, target, from: address)
        }
        if let setup, target.segments == ["setup"] {
            let host = Principal(.host, address: address)
            let arrival = Arrival(principal: host, cookies: PageCookies(isSecure: false))
            return try await SetupPage(renderer: pages.renderer, link: setup, gatekeeper: gatekeeper)
                .respond(request, target, Visit(request, pages.registry, gatekeeper, arrival))
        }
        let arrival = try await entrance.admit(
            request, target, from: address,
            isSecure: (operation.proxies.scheme(of: origin.peer, request.headers) ?? scheme) == "https")
        let principal = arrival.principal
        known.principal = principal.name
        if let route = try PolicyAPI.Route(target.segments) {
            return try await PolicyAPI(registry: api.acting(for: principal).registry)
                .respond(to: request, route)
        }
        if let route = try WebhookAPI.Route(target.segments) {
            let directory = gatekeeper.directory(for: principal)
            return try await WebhookAPI(directory: directory, rules: operation.webhookRules)
                .respond(to: request, target, route)
        }
        return switch target.segments.first {
        case "v2": try await api.acting(for: principal).respond(to: request, target)
        case "api" where target.segments == ["api", "v1", "search"]:
            try await search.acting(for: principal).respond(to: request, target)
        case "api" where target.segments.starts(with: ["api", "v1", "facts"]):
            try await filters.acting(for: principal).facts(request, target)
        case "api" where target.segments.starts(with: ["api", "v1", "pulls"]):
            try await filters.acting(for: principal).pulls(request, target)
        case "api" where target.segments == ["api", "v1", "openapi.json"]:
            try OpenAPIDocument.respond(to: request)
        case "modules": try await filters.acting(for: principal).module(request, target)
        case "api":
            try await ManagementAPI(
                gatekeeper: gatekeeper, arrival: arrival, registry: pages.registry,
                settings: operation.settings
            )
            .respond(to: request, target)
        default: try await page(request, target, arrival, from: origin, &known)
        }
    }

    private func page(
        _ request: Request, _ target: RequestTarget, _ arrival: Arrival, from origin: Origin,
        _ known: inout Knowledge
    ) async throws -> Response {
        var visit = try await pages.visit(request, arrival)
        visit.base = challenge.base(request, operation.proxies.scheme(of: origin.peer, request.headers))
        visit.hasPublicAddress = challenge.publicURL != nil
        if let url = challenge.publicURL, let host = url.split(separator: "/").dropFirst().first {
            visit.host = String(host)
        }
        known.visit = visit
        return try await pages.respond(to: request, target, for: visit)
    }

    /// Lets this machine read metrics, and whoever runs the hub.
    ///
    /// What a proxy on this machine passes on comes from elsewhere, and says so.
    private func authorizeMetrics(_ request: Request, from origin: Origin) async throws {
        guard operation.servesMetrics else {
            throw HubError(.noSuchPath, "metrics are not served on this address")
        }
        let isForwarded = [HTTPField.Name.forwarded, .xForwardedFor].contains { request.headers[$0] != nil }
        if origin.peer.flatMap({ IPAddress($0) })?.isThisMachine == true, !isForwarded { return }
        let principal = try await gatekeeper.identify(try Credential(request), from: origin.address)
        try await gatekeeper.directory(for: principal).store.authorizeHub()
    }
}
