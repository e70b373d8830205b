// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/organisations`: those of the visitor, and each with its members, robots and repositories.
struct OrganisationPage: Sendable {
    /// Repositories on a page.
    private static let pageLength = 200

    let renderer: PageRenderer

    func respond(
        _ path: ArraySlice<String>, _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        try visit.requireAccount()
        guard let first = path.first else { return try await list(form, visit) }
        let name = try AccountName(first)
        let parts = Array(path.dropFirst())
        if parts.count > 1, parts[0] == "robots" {
            return try await robot(name, parts[1], Array(parts.dropFirst(2)), form, visit)
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

    private func list(_ form: RequestTarget?, _ visit: Visit) async throws -> Response {
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
        let memberships = try await visit.directory.store.memberships()
        var values: [String: Any] = [
            "organisations": memberships.map { membership in
                var row = ["name": membership.organisation.description]
                row["role"] = membership.role.map { "\($0)" }
                return row
            }, "isEmpty": memberships.isEmpty,
        ]
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "organisations", title: "Organisations", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }

    // MARK: - One of them

    private func page(
        _ name: AccountName, _ target: RequestTarget, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let store = visit.directory.store
        let membership = try await store.membership(in: name)
        let holding = try await store.holding(of: name)
        let after = try target.value("last", orThrow: .pageInvalid) ?? ""
        let held = try await store.repositories(of: name, after: after, limit: Self.pageLength + 1)
        let now = visit.registry.now()
        let isKeeper = membership.role == .admin || visit.isAdmin
        var values: [String: Any] = [
            "name": name.description, "isKeeper": isKeeper, "hasRepositories": !held.isEmpty,
            "repositories": held.prefix(Self.pageLength).map { repository in
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
        values["next"] = held.count > Self.pageLength ? held[Self.pageLength - 1].repository.path : nil
        values["quota"] = holding.quota.map { QuotaBar(used: holding.bytes, quota: $0).values }
        if isKeeper {
            values["members"] = MemberRows.values(try await store.roles(in: .organisation(name)))
            values["membersPath"] = "/organisations/\(name)"
            values["robots"] = try await store.robots(of: name).map { robot in
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

    // MARK: - Robots

    private func robot(
        _ owner: AccountName, _ short: String, _ parts: [String], _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        let name = try AccountName("\(owner)+\(short)")
        var made: String?
        var problem: HubError?
        guard let robot = try await visit.directory.store.account(name), robot.kind == .robot else {
            return renderer.missing(visit)
        }
        let path = "/organisations/\(owner)/robots/\(short)"
        if let form {
            do {
                guard parts.first == "tokens" else {
                    guard parts == ["remove"] else { return renderer.missing(visit) }
                    try await visit.directory.store.removeAccount(name)
                    return seeOther("/organisations/\(owner)")
                }
                made = try await TokenForms.act(Array(parts.dropFirst()), form, for: name, visit)?.secret
                if made == nil { return seeOther(path) }
            } catch let error as HubError where error.isForWhoeverAsks {
                problem = error
            }
        } else if !parts.isEmpty {
            return renderer.missing(visit)
        }
        var values = try await TokenForms.values(of: name, path: path, visit)
        values["name"] = name.description
        values["owner"] = owner.description
        values["path"] = path
        values["made"] = made
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "robot", title: name.description, values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}

extension RequestTarget {
    /// The role that a form gives; nil to take it.
    func role() throws(HubError) -> Role? {
        let word = values("role").first ?? ""
        if word == "none" { return nil }
        guard let role = Role.allCases.first(where: { "\($0)" == word }) else {
            throw HubError(.unsupportedRequest, "the role is none of read, write and admin")
        }
        return role
    }
}

/// Who has which role, as the rows of a table.
enum MemberRows {
    static func values(_ roles: [AccountName: Role]) -> [[String: Any]] {
        roles.sorted { $0.key < $1.key }.map { member in
            [
                "member": member.key.description,
                "roles": Role.allCases.map { role in
                    ["role": "\(role)", "isChosen": role == member.value] as [String: Any]
                },
            ]
        }
    }
}

/// How much of a quota is used.
struct QuotaBar {
    let used: Int64
    let quota: Int64

    /// For `<meter>`, which draws itself without a style of its own.
    var values: [String: Any] {
        let share = quota > 0 ? min(1, Double(used) / Double(quota)) : 1
        return [
            "percent": Int(share * 100), "text": "\(byteCount(used)) of \(byteCount(quota))",
        ]
    }
}
