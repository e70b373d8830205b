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

    init(registry: Registry) throws {
        self.registry = registry
        renderer = try PageRenderer()
    }

    func respond(
        to request: Request, _ target: RequestTarget, for principal: Principal
    ) async throws -> Response {
        let visit = Visit(request, registry, principal)
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
        case "assets" where path.count == 2: return renderer.asset(path[1]) ?? renderer.missing(visit)
        default: return renderer.missing(visit)
        }
    }
}
