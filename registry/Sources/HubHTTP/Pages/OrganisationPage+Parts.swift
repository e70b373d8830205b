// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// What holds in an organisation, and its robots: pages of their own below it.
extension OrganisationPage {
    func policy(
        _ name: AccountName, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        let scope = try PolicyScope("\(name)/*")
        let policy = try await visit.registry.policy(for: scope) ?? RepositoryPolicy()
        let path = "/organisations/\(name)/policy"
        var problem: HubError?
        if let form {
            do {
                let decided = try PolicyForm(policy: policy).decided(form, setsQuota: visit.isAdmin)
                try await visit.registry.setPolicy(decided, for: scope)
                return seeOther("/organisations/\(name)")
            } catch let error as HubError where error.isForWhoeverAsks && error.code != .denied {
                problem = error
            }
        }
        var values = PolicyForm(policy: policy).values(setsQuota: visit.isAdmin)
        values["name"] = name.description
        values["policyPath"] = path
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "organisation-policy", title: "What holds in \(name)", values, visit, using: ["people.css"],
            hasForm: true, status: problem?.code.status ?? .ok)
    }

    func robot(
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
