// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
private import Mustache
import OCI

/// The pages for people, rendered on the server: no script, nothing from another host.
struct Pages: Sendable {
    /// Repositories on the first page, and tags shown for each.
    private static let repositoriesShown = 100
    private static let tagsShown = 10

    private var registry: Registry
    private let templates: MustacheLibrary
    private let style = ByteBuffer(bytes: PackageResources.hub_css)

    init(registry: Registry) throws {
        self.registry = registry
        var templates = MustacheLibrary()
        for (name, bytes) in [
            ("head", PackageResources.head_mustache), ("foot", PackageResources.foot_mustache),
            ("images", PackageResources.images_mustache),
            ("repositories", PackageResources.repositories_mustache),
            ("repository", PackageResources.repository_mustache),
            ("missing", PackageResources.missing_mustache), ("setup", PackageResources.setup_mustache),
        ] {
            try templates.register(String(decoding: bytes, as: UTF8.self), named: name)
        }
        self.templates = templates
    }

    /// The pages as somebody may see them.
    func acting(for principal: Principal) -> Pages {
        var pages = self
        pages.registry = registry.acting(for: principal)
        return pages
    }

    func respond(to request: Request, _ target: RequestTarget) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
        let host = request.head.authority ?? "localhost"
        switch target.segments.first {
        case "" where target.segments.count == 1:
            return try await repositories(host, after: target.value("last", orThrow: .pageInvalid) ?? "")
        case "r": return try await repository(target.segments.dropFirst().joined(separator: "/"), host)
        case "hub.css" where target.segments.count == 1:
            return Response(
                status: .ok,
                headers: [.contentType: "text/css; charset=utf-8", .cacheControl: "max-age=3600"],
                body: ResponseBody(byteBuffer: style))
        default: return missing(host)
        }
    }

    private func repositories(_ host: String, after: String) async throws -> Response {
        let page = try await registry.repositories(after: after, limit: Self.repositoriesShown)
        var shown: [[String: Any]] = []
        for name in page.entries {
            guard let repository = try? Repository(name) else { continue }
            let images = try await registry.taggedImages(in: repository, limit: Self.tagsShown + 1)
            shown.append([
                "name": name, "images": rows(images.prefix(Self.tagsShown)), "hasImages": !images.isEmpty,
                "hasMore": images.count > Self.tagsShown,
            ])
        }
        var values: [String: Any] = [
            "title": "Filters", "host": host, "repositories": shown,
            "isEmpty": shown.isEmpty && after.isEmpty,
        ]
        values["next"] = page.next
        return render("repositories", values)
    }

    private func repository(_ name: String, _ host: String) async throws -> Response {
        guard let repository = try? Repository(name),
            (try? await registry.tags(in: repository, limit: 1)) != nil
        else { return missing(host) }
        let limit = registry.limits.pageLength
        let images = try await registry.taggedImages(in: repository, limit: limit)
        return render(
            "repository",
            [
                "title": name, "host": host, "name": name, "images": rows(images[...]),
                "hasImages": !images.isEmpty, "isCut": images.count == limit, "limit": limit,
            ])
    }

    func missing(_ host: String) -> Response {
        render("missing", ["title": "Not found", "host": host], status: .notFound)
    }

    private func rows(_ images: ArraySlice<TaggedImage>) -> [[String: Any]] {
        let now = registry.now()
        return images.map { image in
            [
                "tag": image.tag, "digest": image.digest.description, "shortDigest": image.digest.short,
                "size": byteCount(image.size), "age": age(seconds: now - image.updatedAt),
                "time": Date(timeIntervalSince1970: TimeInterval(image.updatedAt)).formatted(.iso8601),
            ]
        }
    }

    func render(
        _ template: String, _ values: [String: Any], status: HTTPResponse.Status = .ok
    ) -> Response {
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
}

/// A number of bytes as people read it, as in "1.5 MB".
func byteCount(_ bytes: Int64) -> String {
    let units = ["kB", "MB", "GB", "TB"]
    guard bytes >= 1000 else { return "\(bytes) B" }
    var value = Double(bytes) / 1000
    var unit = 0
    while value >= 999.95, unit < units.count - 1 {
        value /= 1000
        unit += 1
    }
    let tenths = Int64((value * 10).rounded())
    return (tenths >= 100 || tenths % 10 == 0 ? "\(Int64(value.rounded()))" : "\(tenths / 10).\(tenths % 10)")
        + " \(units[unit])"
}

/// How long ago something was, as people say it.
func age(seconds: Int64) -> String {
    let steps: [(Int64, String)] = [
        (365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"),
    ]
    for (length, name) in steps where seconds >= length {
        let count = seconds / length
        return "\(count) \(name)\(count == 1 ? "" : "s") ago"
    }
    return "just now"
}
