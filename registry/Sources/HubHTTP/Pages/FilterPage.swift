// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// The page of one repository.
struct FilterPage: Sendable {
    let renderer: PageRenderer

    func respond(_ name: String, _ visit: Visit) async throws -> Response {
        guard let repository = try? Repository(name),
            (try? await visit.registry.tags(in: repository, limit: 1)) != nil
        else { return renderer.missing(visit) }
        let limit = visit.registry.limits.pageLength
        let images = try await visit.registry.taggedImages(in: repository, limit: limit)
        return renderer.page(
            "repository", title: name,
            [
                "name": name, "images": tagRows(images[...], visit), "hasImages": !images.isEmpty,
                "isCut": images.count == limit, "limit": limit,
            ], visit)
    }
}
