// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// The first page: what filters there are.
struct ExplorePage: Sendable {
    /// Repositories on the page, and tags shown for each.
    private static let repositoriesShown = 100
    private static let tagsShown = 10

    let renderer: PageRenderer

    func respond(_ target: RequestTarget, _ visit: Visit) async throws -> Response {
        let after = try target.value("last", orThrow: .pageInvalid) ?? ""
        let page = try await visit.registry.repositories(after: after, limit: Self.repositoriesShown)
        var shown: [[String: Any]] = []
        for name in page.entries {
            guard let repository = try? Repository(name) else { continue }
            let images = try await visit.registry.taggedImages(in: repository, limit: Self.tagsShown + 1)
            shown.append([
                "name": name, "images": tagRows(images.prefix(Self.tagsShown), visit),
                "hasImages": !images.isEmpty, "hasMore": images.count > Self.tagsShown,
            ])
        }
        var values: [String: Any] = ["repositories": shown, "isEmpty": shown.isEmpty && after.isEmpty]
        values["next"] = page.next
        return renderer.page("repositories", title: "Filters", values, visit)
    }
}
