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

    init(registry: Registry, gatekeeper: Gatekeeper) throws {
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
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
        let path = target.segments
        switch path.first {
        case "" where path.count == 1:
            return try await ExplorePage(renderer: renderer).respond(target, visit)
        case "r":
            return try await FilterPage(renderer: renderer)
                .respond(path.dropFirst().joined(separator: "/"), visit)
        case "assets" where path.count == 2:
            return renderer.asset(path[1], isPinned: !target.values("v").isEmpty) ?? renderer.missing(visit)
        default: return renderer.missing(visit)
        }
    }
}
