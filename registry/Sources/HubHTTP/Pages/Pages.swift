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

    init(registry: Registry, gatekeeper: Gatekeeper, site: PublicAddress) throws {
        self.site = site
        self.registry = registry
        self.gatekeeper = gatekeeper
        renderer = try PageRenderer()
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
        var visit = Visit(request, registry, .anonymous)
        visit.canSignIn = !gatekeeper.policy.isOpen
        return visit
    }

    /// The visit of whoever a request speaks for.
    func visit(_ request: Request, _ principal: Principal) async throws -> Visit {
        var visit = Visit(request, registry, principal)
        visit.canSignIn = !gatekeeper.policy.isOpen
        if visit.isSignedIn || gatekeeper.policy.isOpen {
            visit.isAdmin = await gatekeeper.directory(for: principal).isHubsOwn
        }
        return visit
    }

    func respond(
        to request: Request, _ target: RequestTarget, for visit: Visit
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
                .respond(request, path.dropFirst().joined(separator: "/"), visit)
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
