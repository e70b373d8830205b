// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// All versions of a repository, a page of them at a time.
struct FilterVersionList {
    private static let pageLength = 50

    let renderer: PageRenderer
    let view: FilterView
    let visit: Visit

    func respond(_ target: RequestTarget) async throws -> Response {
        let before = try target.value("before", orThrow: .pageInvalid).map(TaggedImage.Position.init)
        let images = try await visit.registry.taggedImages(
            in: view.repository, before: before, limit: Self.pageLength + 1)
        let shown = images.prefix(Self.pageLength)
        let path = FilterAddress.path(view.repository, view.target)
        var response: Response
        var bounds = FilterBounds.all[...]
        var length = shown.count
        repeat {
            let versions = FilterVersions(view, visit, bounds.removeFirst())
            var values: [String: Any] = [
                "name": view.repository.path, "filter": path,
                "version": ["rows": versions.rows(of: shown.prefix(length))],
            ]
            let hasMore = length < images.count
            values["next"] =
                hasMore
                ? shown.prefix(length).last.map { image in
                    "\(path)?show=versions&before=\(percentEncoded("\(TaggedImage.Position(image))"))"
                } : nil
            response = renderer.page(
                "versions", title: "Versions of \(view.repository)", values, visit, using: ["filter.css"])
            // Names of repositories and tags may be long.
            length /= 3
        } while !response.isShort && !bounds.isEmpty && length > 0
        return response
    }
}
