// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// The pages for people, rendered on the server: nothing in them comes from another host.
///
/// One file each below this folder; this one knows which path leads to which.
struct Pages: Sendable {
    let registry: Registry
    let renderer: PageRenderer
    private let gatekeeper: Gatekeeper
    private let site: PublicAddress
    private let forms: FormGuard
    private let settings: [SettingInEffect]
    private let webhookRules: (any WebhookRules)?

    init(
        registry: Registry, gatekeeper: Gatekeeper, site: PublicAddress, forms: FormGuard,
        operation: HubOperation
    ) throws {
        self.site = site
        self.registry = registry
        self.forms = forms
        settings = operation.settings
        webhookRules = operation.webhookRules
        self.gatekeeper = gatekeeper
        renderer = try PageRenderer(showsPictures: operation.showsForeignPictures)
    }

    /// What programs ask for; all else is pages.
    private static let programs: Set = ["v2", "api", "token", "modules", "healthz", "readyz", "metrics"]

    /// Whether a request is for a page, well-formed or not: then its errors are pages too.
    static func answer(_ request: Request) -> Bool {
        let place = (request.head.path ?? "").dropFirst().prefix { $0 != "/" && $0 != "?" }
        return !programs.contains(String(place))
    }

    /// The visit of somebody of whom nothing is known.
    func visit(ofNobody request: Request) -> Visit {
        Visit(
            request, registry, gatekeeper,
            Arrival(principal: .anonymous, cookies: PageCookies(isSecure: false)))
    }

    /// The visit of whoever a request speaks for.
    func visit(_ request: Request, _ arrival: Arrival) async throws -> Visit {
        var visit = Visit(request, registry, gatekeeper, arrival)
        if visit.isSignedIn || !visit.canSignIn { visit.isAdmin = await visit.directory.isHubsOwn }
        return visit
    }

    func respond(
        to request: Request, _ target: RequestTarget, for visit: Visit
    ) async throws -> Response {
        let path = target.segments
        guard let place = path.first, Self.places.contains(place) else {
            return try await show(request, target, visit)
        }
        do {
            let form = try await form(request, visit)
            switch place {
            case "signin": return try await signIn.signIn(request, target, form, visit)
            case "signout":
                guard form != nil else { throw MethodNotAllowed(method: request.method, allowed: [.post]) }
                return try await signIn.signOut(visit)
            case "account":
                return try await AccountPage(renderer: renderer, gatekeeper: gatekeeper)
                    .respond(request, path.dropFirst(), form, visit)
            case "organisations":
                return try await OrganisationPage(renderer: renderer, webhookRules: webhookRules)
                    .respond(path.dropFirst(), target, form, visit)
            case "settings":
                return try await SettingsPage(renderer: renderer).respond(path.dropFirst(), form, visit)
            default:
                return try await AdminPage(renderer: renderer, settings: settings, webhookRules: webhookRules)
                    .respond(path.dropFirst(), target, form, visit)
            }
        } catch let error as HubError where error.code == .unauthorized && visit.canSignIn {
            guard !visit.isSignedIn, request.method != .post else { throw error }
            return seeOther("/signin?next=\(percentEncoded(visit.address))")
        }
    }

    /// Where people do something.
    private static let places: Set = ["signin", "signout", "account", "organisations", "settings", "admin"]

    private var signIn: SignInPage { SignInPage(renderer: renderer, gatekeeper: gatekeeper) }

    /// The form that a request brings, if it does, and if it was on a page of this visitor.
    private func form(_ request: Request, _ visit: Visit) async throws -> RequestTarget? {
        if request.method == .get || request.method == .head { return nil }
        guard request.method == .post else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head, .post])
        }
        let type = request.headers[.contentType].map { MediaType(contentType: $0).rawValue }
        guard type == "application/x-www-form-urlencoded" else {
            throw HubError(.unsupportedRequest, "the body must be a form")
        }
        let form = try await RequestTarget(form: request)
        try forms.check(request, form.values("csrf").first, visit.form)
        return form
    }

    /// What is looked at only.
    private func show(
        _ request: Request, _ target: RequestTarget, _ visit: Visit
    ) async throws -> Response {
        let path = target.segments
        // A form that changes nothing: what is filled in comes back as text to copy.
        let takesForms = path.first == "r"
        guard request.method == .get || request.method == .head || (takesForms && request.method == .post)
        else {
            throw MethodNotAllowed(
                method: request.method, allowed: takesForms ? [.get, .head, .post] : [.get, .head])
        }
        switch path.first {
        case "" where path.count == 1:
            return try await ExplorePage(renderer: renderer).respond(request, visit)
        case "r":
            return try await FilterPage(renderer: renderer, site: site)
                .respond(request, path.dropFirst().joined(separator: "/"), target, visit)
        case "users":
            return try await UserActivityPage(renderer: renderer).respond(path.dropFirst(), target, visit)
        case "compare":
            return try await ComparePage(renderer: renderer)
                .respond(path.dropFirst().joined(separator: "/"), target, visit)
        case "assets" where path.count == 2:
            return renderer.asset(path[1], isPinned: !target.values("v").isEmpty) ?? renderer.missing(visit)
        default:
            let policy = gatekeeper.policy
            let site = Site(renderer: renderer, isPublic: policy.isOpen || policy.allowsAnonymousPull)
            return try await site.respond(target, visit) ?? renderer.missing(visit)
        }
    }
}
