// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/users/<name>`: what somebody owns and pushed, as far as the visitor may see it.
///
/// Somebody of whom the visitor may see nothing has no page, as nobody has.
struct UserActivityPage {
    private static let filtersShown = 10
    private static let pushesShown = 20
    private static let organisationsShown = 50

    let renderer: PageRenderer

    func respond(_ path: ArraySlice<String>, _ target: RequestTarget, _ visit: Visit) async throws -> Response
    {
        guard path.count == 1, let text = path.first, let name = try? AccountName(text) else {
            return renderer.missing(visit)
        }
        let query = try SearchQuery(
            "", choices: [.organisation: [name.description]], order: .newest,
            after: try target.value("last", orThrow: .pageInvalid) ?? "")
        let owned = try await visit.registry.search(query, limit: Self.filtersShown)
        let pushes = try await visit.registry.pushes(by: name, limit: Self.pushesShown)
        let organisations = try await visit.directory.store.sharedOrganisations(
            with: name, limit: Self.organisationsShown)
        let isSelf = visit.principal.account != nil && visit.principal.name == name.description
        guard owned.total > 0 || !pushes.isEmpty || !organisations.isEmpty || isSelf else {
            return renderer.missing(visit)
        }
        let now = visit.registry.now()
        var values: [String: Any] = [
            "name": name.description, "repositories": owned.found.map { FilterCard($0, visit).values },
            "hasRepositories": !owned.found.isEmpty, "hasPushes": !pushes.isEmpty,
            "count": owned.total == 1 ? "1 filter" : "\(grouped(Int64(owned.total))) filters",
            "pushes": pushes.map { push in
                [
                    "repository": push.repository.path, "tag": push.tag,
                    "path": FilterAddress.path(push.repository, push.tag),
                    "when": Moment(push.time, now).values,
                ] as [String: Any]
            },
            "organisations": organisations.map(\.description), "hasOrganisations": !organisations.isEmpty,
        ]
        values["next"] = owned.next.map { "/users/\(name)?last=\(percentEncoded($0.description))" }
        return renderer.page("user", title: name.description, values, visit, using: ["explore.css"])
    }
}
