// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// What is decided about repositories: `/api/v1/policies`, and a policy of the hub, an organisation or a repository.
struct PolicyAPI: Sendable {
    enum Route: Hashable {
        case all
        case one(PolicyScope)

        /// Nil for a path that is about something else.
        ///
        /// Names of repositories contain slashes: the path is read from the
        /// right.
        init?(_ segments: [String]) throws {
            let path = segments.dropFirst(2)
            guard segments.starts(with: ["api", "v1"]), let first = path.first, let last = path.last else {
                return nil
            }
            let name = path.dropFirst().dropLast().joined(separator: "/")
            switch (first, last, path.count) {
            case ("policies", _, 1): self = .all
            case ("policy", _, 1): self = .one(try PolicyScope("*"))
            case ("organisations", "policy", 3): self = .one(try PolicyScope("\(try AccountName(name))/*"))
            case ("repositories", "policy", 3...):
                self = .one(PolicyScope(try RegistryRoute.repository(name)))
            default: return nil
            }
        }
    }

    let registry: Registry

    private static let members: Set = [
        "allowsSparse", "immutableTags", "keepTags", "untaggedLifetime", "quota",
    ]

    func respond(to request: Request, _ route: Route) async throws -> Response {
        // Before anything is said of what there is.
        try registry.authorizeEntry()
        switch (request.method, route) {
        case (.get, .all), (.head, .all): return try jsonResponse(try await registry.policies())
        case (_, .all): throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        case (.get, .one(let scope)), (.head, .one(let scope)):
            return try jsonResponse(try await registry.policy(for: scope) ?? RepositoryPolicy())
        case (.put, .one(let scope)):
            // Whoever may not decide need not send what would be.
            _ = try await registry.policy(for: scope)
            let policy = try await jsonBody(request, RepositoryPolicy.self, Self.members)
            try await registry.setPolicy(policy, for: scope)
            return Response(status: .noContent)
        case (.delete, .one(let scope)):
            try await registry.setPolicy(nil, for: scope)
            return Response(status: .noContent)
        case (_, .one):
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head, .put, .delete])
        }
    }
}
