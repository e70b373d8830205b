// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/organisations`: those of the visitor, and each with its members, robots and repositories.
struct OrganisationPage: Sendable {
    /// Repositories, members or robots on a page, and organisations on the list of them.
    private static let pageLength = 25
    private static let listLength = 100

    let renderer: PageRenderer
    /// Nil for a hub that tells nobody.
    let webhookRules: (any WebhookRules)?

    func respond(
        _ path: ArraySlice<String>, _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        try visit.requireAccount()
        guard let first = path.first else { return try await list(target, form, visit) }
        let name = try AccountName(first)
        let parts = Array(path.dropFirst())
        if parts.count > 1, parts[0] == "robots" {
            return try await robot(name, parts[1], Array(parts.dropFirst(2)), form, visit)
        }
        if parts.first == "webhooks" {
            let path = "/organisations/\(name)/webhooks"
            return try await WebhookPage(renderer: renderer, rules: webhookRules, owner: name, path: path)
                .respond(Array(parts.dropFirst()), form, visit)
        }
        switch parts {
        case ["policy"]: return try await policy(name, form, visit)
        case ["remove"]:
            // As if there were no such page for whoever may not.
            try await visit.directory.store.authorizeHub()
            guard try await visit.directory.store.account(name)?.kind == .organisation else {
                return renderer.missing(visit)
            }
            return try await RemovalPage(
                renderer: renderer, name: name,
                consequence: "Its members, robots and their tokens go with it; its repositories stay.",
                path: "/organisations/\(name)/remove", back: "/organisations"
            ).respond(form, visit)
        default: break
        }
        guard let form else {
            return parts.isEmpty ? try await page(name, target, visit) : renderer.missing(visit)
        }
        do {
            try await act(parts, form, name, visit)
            return seeOther("/organisations/\(name)")
        } catch let error as HubError where error.isForWhoeverAsks {
            return try await page(name, target, visit, problem: error)
        }
    }

    private func act(
        _ parts: [String], _ form: RequestTarget, _ name: AccountName, _ visit: Visit
    ) async throws {
        let directory = visit.directory
        switch parts {
        case ["members"]:
            try await directory.store.setRole(
                try form.role(), of: try AccountName(form.values("name").first ?? ""),
                in: .organisation(name))
        case ["robots"]:
            try await directory.addRobot(try AccountName("\(name)+\(form.values("name").first ?? "")"))
        case ["visibility"]:
            let repository = try RegistryRoute.repository(form.values("repository").first ?? "")
            try await directory.store.setPublic(form.values("isPublic") == ["true"], repository)
        default: throw HubError(.noSuchPath, "the hub has no such path")
        }
    }

    // MARK: - The list

    private func list(
        _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        var problem: HubError?
        if let form {
            do {
                let made = try await visit.directory.addOrganisation(
                    try AccountName(form.values("name").first ?? ""))
                return seeOther("/organisations/\(made.name)")
            } catch let error as HubError where error.isForWhoeverAsks {
                problem = error
            }
        }
        let after = try target.value("last", orThrow: .pageInvalid) ?? ""
        let memberships = try await visit.directory.store.memberships(
            after: after, limit: Self.listLength + 1)
        var values: [String: Any] = [
            "organisations": memberships.prefix(Self.listLength).map { membership in
                var row = ["name": membership.organisation.description]
                row["role"] = membership.role.map { "\($0)" }
                return row
            }, "isEmpty": memberships.isEmpty,
        ]
        values["next"] =
            memberships.count > Self.listLength ? memberships[Self.listLength - 1].organisation : nil
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "organisations", title: "Organisations", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }

    // MARK: - One of them

    private func page(
        _ name: AccountName, _ target: RequestTarget, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let page = try await page(name, target, visit, problem, length: Self.pageLength)
        // Names may be long.
        return page.isShort
            ? page : try await self.page(name, target, visit, problem, length: Self.pageLength / 5)
    }

    private func page(
        _ name: AccountName, _ target: RequestTarget, _ visit: Visit, _ problem: HubError?, length: Int
    ) async throws -> Response {
        let store = visit.directory.store
        let membership = try await store.membership(in: name)
        let holding = try await store.holding(of: name)
        let after = try target.value("last", orThrow: .pageInvalid) ?? ""
        let held = try await store.repositories(of: name, after: after, limit: length + 1)
        let now = visit.registry.now()
        let isKeeper = membership.role == .admin || visit.isAdmin
        let isOrganisation = visit.isAdmin ? try await store.account(name)?.kind == .organisation : false
        var values: [String: Any] = [
            "name": name.description, "isKeeper": isKeeper,
            "canRemove": isOrganisation,
            "hasRepositories": !held.isEmpty,
            "repositories": held.prefix(length).map { repository in
                var row: [String: Any] = [
                    "repository": repository.repository.path, "isPublic": repository.isPublic,
                    "size": byteCount(repository.bytes), "tags": repository.tags,
                ]
                row["updated"] = repository.updatedAt.map { Moment($0, now).values }
                return row
            }, "count": holding.repositories == 1 ? "1 repository" : "\(holding.repositories) repositories",
            "size": byteCount(holding.bytes),
        ]
        values["role"] = membership.role.map { "\($0)" }
        values["next"] = held.count > length ? held[length - 1].repository.path : nil
        values["quota"] = holding.quota.map { QuotaBar(used: holding.bytes, quota: $0).values }
        if isKeeper {
            let path = "/organisations/\(name)"
            let members = MemberRows.values(try await store.roles(in: .organisation(name)))
            let shown = try RowSlice(members, "members", on: path, visit, length: length)
            values["members"] = Array(shown.rows)
            values["hasMembers"] = !shown.rows.isEmpty
            values["moreMembers"] = shown.next
            values["membersPath"] = path
            let robots = try RowSlice(
                try await store.robots(of: name), "robots", on: path, visit, length: length)
            values["moreRobots"] = robots.next
            values["hasRobots"] = !robots.rows.isEmpty
            values["robots"] = robots.rows.map { robot in
                [
                    "robot": robot.name.description,
                    "short": String(robot.name.description.drop { $0 != "+" }.dropFirst()),
                ]
            }
        }
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "organisation", title: name.description, values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}
