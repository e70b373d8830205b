// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import NIOCore
import OCI

/// What the hub says of itself to machines that follow people: feeds, a badge for each filter, a map for search engines.
///
/// All of it is made for the visitor, of what the visitor may see.
struct Site: Sendable {
    /// Entries of a feed.
    private static let entriesShown = 30
    /// Addresses on a map, and maps (sitemaps.org, "Sitemap file requirements", has higher limits).
    private static let mostAddresses = 200
    private static let mostMaps = 500

    let renderer: PageRenderer
    /// Whether everybody may read public repositories.
    let isPublic: Bool

    /// The answer for a path; nil if it is a page's.
    func respond(_ target: RequestTarget, _ visit: Visit) async throws -> Response? {
        let path = target.segments
        switch path.first {
        case "feed.atom" where path.count == 1: return try await feed(visit)
        case "feed": return try await feed(of: repository(path, suffix: ".atom"), visit)
        case "badge": return try await badge(of: repository(path, suffix: ".svg"), visit)
        case "sitemap.xml" where path.count == 1: return try await map(visit)
        case "sitemap": return try await map(from: path, visit)
        case "robots.txt" where path.count == 1: return robots(visit)
        default: return nil
        }
    }

    private func repository(_ path: [String], suffix: String) -> Repository? {
        let name = path.dropFirst().joined(separator: "/")
        guard name.hasSuffix(suffix) else { return nil }
        return try? Repository(String(name.dropLast(suffix.count)))
    }

    // MARK: - Feeds

    /// The newest version of each repository, the newest first.
    private func feed(_ visit: Visit) async throws -> Response {
        let newest = try await visit.registry.search(
            try SearchQuery("", order: .newest), limit: Self.entriesShown)
        let feed = AtomFeed(
            base: visit.base, path: "/feed.atom", page: "/", title: "New versions in \(visit.host)")
        return xml(
            "application/atom+xml",
            feed.document(
                newest.found.map { found in
                    AtomFeed.Entry(found.repository, found.image, summary: found.line)
                }))
    }

    /// The versions of one repository, the newest first.
    private func feed(of repository: Repository?, _ visit: Visit) async throws -> Response {
        guard let repository, let listing = try await visit.registry.listing(of: repository) else {
            return renderer.missing(visit)
        }
        let images = try await visit.registry.taggedImages(in: repository, limit: 2 * Self.entriesShown)
            .filter(\.isVersion).prefix(Self.entriesShown)
        let feed = AtomFeed(
            base: visit.base, path: "/feed/\(repository).atom", page: "/r/\(repository)",
            title: "Versions of \(repository)")
        return xml(
            "application/atom+xml",
            feed.document(
                images.map { image in
                    AtomFeed.Entry(
                        repository, image, summary: image.tag == listing.image.tag ? listing.line : nil)
                }))
    }

    // MARK: - Badges

    private func badge(of repository: Repository?, _ visit: Visit) async throws -> Response {
        guard let repository, let listing = try await visit.registry.listing(of: repository) else {
            return renderer.missing(visit)
        }
        let abi = listing.filter?.abi.map { " · ABI \(shortened($0, to: 20))" } ?? ""
        var response = xml(
            "image/svg+xml",
            Badge(label: String(repository.path.suffix(40)), text: shortened(listing.image.tag, to: 40) + abi)
                .svg())
        // Other sites show it; it is read anew after some minutes.
        response.headers[.cacheControl] = "\(isPublic ? "public" : "private"), max-age=300"
        return response
    }

    // MARK: - Search engines

    private static let namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"

    /// What everybody may see, whoever asks; not there if that is nothing.
    ///
    /// Where it is much, a list of maps.
    private func map(_ visit: Visit) async throws -> Response {
        guard isPublic else { return renderer.missing(visit) }
        let everybody = visit.registry.acting(for: .anonymous)
        let names = try await everybody.listedNames(from: "", limit: Self.mostAddresses)
        guard names.count == Self.mostAddresses else {
            return map(["/"] + names.map { "/r/\($0)" }, visit)
        }
        let firsts = try await everybody.listedNames(
            from: "", step: Self.mostAddresses, limit: Self.mostMaps)
        return xml(
            "application/xml",
            "<sitemapindex xmlns=\"\(Self.namespace)\">"
                + firsts.map { "<sitemap><loc>\(escaped("\(visit.base)/sitemap/\($0).xml"))</loc></sitemap>" }
                .joined(separator: "\n") + "</sitemapindex>\n")
    }

    /// One of many maps: from a name on.
    private func map(from path: [String], _ visit: Visit) async throws -> Response {
        guard isPublic, let first = repository(path, suffix: ".xml") else { return renderer.missing(visit) }
        let names = try await visit.registry.acting(for: .anonymous)
            .listedNames(from: first.path, limit: Self.mostAddresses)
        return map(names.map { "/r/\($0)" }, visit)
    }

    private func map(_ addresses: [String], _ visit: Visit) -> Response {
        xml(
            "application/xml",
            "<urlset xmlns=\"\(Self.namespace)\">"
                + addresses.map { "<url><loc>\(escaped(visit.base + $0))</loc></url>" }.joined(
                    separator: "\n") + "</urlset>\n")
    }

    /// RFC 9309: pages may be read, what machines pull may not.
    private func robots(_ visit: Visit) -> Response {
        let rules =
            isPublic
            ? """
            User-agent: *
            Disallow: /api/
            Disallow: /v2/
            Disallow: /modules/
            Disallow: /*?
            Sitemap: \(visit.base)/sitemap.xml

            """ : "User-agent: *\nDisallow: /\n"
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "max-age=3600"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: rules)))
    }

    private func xml(_ type: String, _ text: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "\(type); charset=utf-8", .cacheControl: "private, no-cache",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ],
            body: ResponseBody(
                byteBuffer: ByteBuffer(string: #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n" + text)))
    }
}

extension TaggedImage {
    /// Whether it is no signature or list of referrers under a name that tools make.
    fileprivate var isVersion: Bool { !(tag.hasPrefix("sha256-") && tag.utf8.count >= 71) }
}

extension FoundRepository {
    /// One line about it.
    fileprivate var line: String? {
        words.description ?? words.title
    }
}
