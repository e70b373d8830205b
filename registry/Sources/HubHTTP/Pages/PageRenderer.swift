// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
private import Mustache

/// Renders the templates of the hub's pages, and gives out what they link to.
struct PageRenderer: Sendable {
    private static let templateFiles: [(name: String, bytes: [UInt8])] = [
        ("head", PackageResources.head_mustache), ("foot", PackageResources.foot_mustache),
        ("images", PackageResources.images_mustache),
        ("repositories", PackageResources.repositories_mustache),
        ("repository", PackageResources.repository_mustache),
        ("missing", PackageResources.missing_mustache), ("setup", PackageResources.setup_mustache),
    ]
    private static let assetFiles: [(name: String, type: String, bytes: [UInt8])] = [
        ("hub.css", "text/css; charset=utf-8", PackageResources.hub_css)
    ]

    private struct Asset: Sendable {
        let type: String
        let bytes: ByteBuffer
    }

    private let templates: MustacheLibrary
    private let assets: [String: Asset]

    init() throws {
        var templates = MustacheLibrary()
        for (name, bytes) in Self.templateFiles {
            try templates.register(String(decoding: bytes, as: UTF8.self), named: name)
        }
        self.templates = templates
        assets = Dictionary(
            uniqueKeysWithValues: Self.assetFiles.map { file in
                (file.name, Asset(type: file.type, bytes: ByteBuffer(bytes: file.bytes)))
            })
    }

    /// A page; its values get what every page shows (`title`, `host`).
    func page(
        _ template: String, title: String, _ values: [String: Any], _ visit: Visit,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var values = values
        values["title"] = title
        values["host"] = visit.host
        let html = templates.render(values, withTemplate: template) ?? ""
        return Response(
            status: status,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-cache",
                .referrerPolicy: "no-referrer",
                .contentSecurityPolicy: """
                default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; \
                frame-ancestors 'none'
                """,
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    /// The page for a path that leads nowhere, or to what the visitor may not see.
    func missing(_ visit: Visit) -> Response {
        page("missing", title: "Not found", [:], visit, status: .notFound)
    }

    /// What pages link to: style and scripts.
    func asset(_ name: String) -> Response? {
        assets[name].map { asset in
            Response(
                status: .ok, headers: [.contentType: asset.type, .cacheControl: "max-age=3600"],
                body: ResponseBody(byteBuffer: asset.bytes))
        }
    }
}
