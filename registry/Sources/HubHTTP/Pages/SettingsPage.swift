// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/settings/<repository>`: who may do what in a repository, and what holds for its tags.
struct SettingsPage: Sendable {
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
            case "policy": try await setPolicy(form, repository, visit)
            default: return renderer.missing(visit)
            }
            return seeOther("/settings/\(repository)")
        } catch let error as HubError where error.isForWhoeverAsks && error.code != .denied {
            return try await page(repository, visit, problem: error)
        }
    }

    /// What the form leaves empty is left to the wider policies; a quota stays what it is.
    private func setPolicy(
        _ form: RequestTarget, _ repository: Repository, _ visit: Visit
    ) async throws {
        let scope = PolicyScope(repository)
        var policy = try await visit.registry.policy(for: scope) ?? RepositoryPolicy()
        let patterns = (form.values("immutableTags").first ?? "").split { " ,".contains($0) }.map(String.init)
        policy.immutableTags = patterns.isEmpty ? nil : patterns
        policy.keepTags = try number("keepTags", form).map { Int(clamping: $0) }
        policy.untaggedLifetime = try number("untaggedDays", form).map { min($0, 36500) * 86400 }
        policy.allowsSparse =
            switch form.values("allowsSparse").first {
            case "true": true
            case "false": false
            default: nil
            }
        try await visit.registry.setPolicy(policy == RepositoryPolicy() ? nil : policy, for: scope)
    }

    private func number(_ name: String, _ form: RequestTarget) throws(HubError) -> Int64? {
        let text = form.values(name).first ?? ""
        if text.isEmpty { return nil }
        guard let value = decimal(text) else {
            throw HubError(.policyInvalid, "\"\(text.prefix(40))\" is not a number")
        }
        return value
    }

    private func page(
        _ repository: Repository, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let store = visit.directory.store
        let roles = try await store.roles(in: .repository(repository))
        let policy = try await visit.registry.policy(for: PolicyScope(repository)) ?? RepositoryPolicy()
        var values: [String: Any] = [
            "name": repository.path, "owner": repository.namespace,
            "isPublic": try await store.isPublic(repository), "members": MemberRows.values(roles),
            "membersPath": "/settings/\(repository)",
            "immutableTags": (policy.immutableTags ?? []).joined(separator: " "),
            "keepTags": policy.keepTags.map { "\($0)" } ?? "",
            "untaggedDays": policy.untaggedLifetime.map { "\($0 / 86400)" } ?? "",
            "sparse": [("", "as the hub decides"), ("true", "yes"), ("false", "no")].map { value, text in
                [
                    "value": value, "text": text,
                    "isChosen": value == (policy.allowsSparse.map { "\($0)" } ?? ""),
                ] as [String: Any]
            },
        ]
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "settings", title: "Settings of \(repository)", values, visit, using: ["people.css"],
            hasForm: true, status: problem?.code.status ?? .ok)
    }
}
