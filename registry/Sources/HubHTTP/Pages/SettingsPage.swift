// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/settings/<repository>`: who may do what in a repository, and what holds for its tags.
struct SettingsPage: Sendable {
    private static let membersShown = 25

    let renderer: PageRenderer

    func respond(
        _ path: ArraySlice<String>, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        try visit.requireAccount()
        // Names of repositories contain slashes, so that the path is read from the right.
        let isForm = form != nil
        let repository = try RegistryRoute.repository(
            path.dropLast(isForm ? 1 : 0).joined(separator: "/"))
        guard let form else { return try await page(repository, visit) }
        do {
            switch path.last {
            case "members":
                try await visit.directory.store.setRole(
                    try form.role(), of: try AccountName(form.values("name").first ?? ""),
                    in: .repository(repository))
            case "visibility":
                try await visit.directory.store.setPublic(form.values("isPublic") == ["true"], repository)
            case "policy":
                // A quota is not for those to decide who have it.
                let scope = PolicyScope(repository)
                let policy = try await visit.registry.policy(for: scope) ?? RepositoryPolicy()
                try await visit.registry.setPolicy(
                    try PolicyForm(policy: policy).decided(form, setsQuota: visit.isAdmin), for: scope)
            default: return renderer.missing(visit)
            }
            return seeOther("/settings/\(repository)")
        } catch let error as HubError where error.isForWhoeverAsks && error.code != .denied {
            return try await page(repository, visit, problem: error)
        }
    }

    private func page(
        _ repository: Repository, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let store = visit.directory.store
        let roles = try await store.roles(in: .repository(repository))
        let path = "/settings/\(repository)"
        let members = try RowSlice(
            MemberRows.values(roles), "members", on: path, visit, length: Self.membersShown)
        let policy = try await visit.registry.policy(for: PolicyScope(repository)) ?? RepositoryPolicy()
        var values: [String: Any] = [
            "name": repository.path, "owner": repository.namespace,
            "isPublic": try await store.isPublic(repository), "members": Array(members.rows),
            "hasMembers": !members.rows.isEmpty, "moreMembers": members.next,
            "membersPath": path,
            "policyPath": "\(path)/policy",
        ]
        values.merge(PolicyForm(policy: policy).values(setsQuota: visit.isAdmin)) { $1 }
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "settings", title: "Settings of \(repository)", values, visit, using: ["people.css"],
            hasForm: true, status: problem?.code.status ?? .ok)
    }
}
