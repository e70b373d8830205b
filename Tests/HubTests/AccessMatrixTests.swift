// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import TestSupport
import Testing

/// Every route, for everybody: what each cell must be is computed from one table of rights, and never looked up.
@Suite struct AccessMatrixTests {
    /// Who asks, and what that one may do in the repositories of `acme`.
    enum Visitor: CaseIterable {
        case anonymous, stranger, reader, writer, admin
        case expired, revoked
        /// An administrator's token that is good for another repository only, or for reading this one.
        case elsewhere, readOnly
        /// A session of the administrator for nothing here.
        case session

        var role: Role? {
            switch self {
            case .reader, .readOnly: .read
            case .writer: .write
            case .admin, .session: .admin
            default: nil
            }
        }
        /// Whether the credentials are worth anything.
        var isValid: Bool { self != .expired && self != .revoked }
    }

    enum Place: CaseIterable {
        case open, secret, nothing

        var name: String { "acme/\(self)" }
        var isPublic: Bool { self == .open }
    }

    struct Route {
        let method: String
        let path: String
        let action: RepositoryAction
        /// The status for somebody who may, where there is something and where there is nothing.
        let found: Int
        let missing: Int
        /// Whether it is for people and what follows them: what is not for somebody is then simply not there.
        var isForPeople = false
    }

    /// What may be asked of a repository; nothing of it changes what a later one finds.
    static func routes(_ name: String, _ image: Digest, _ blob: Digest) -> [Route] {
        let missing = Digest(of: Array("missing".utf8))
        return [
            Route(method: "GET", path: "tags/list", action: .pull, found: 200, missing: 404),
            Route(method: "GET", path: "manifests/v1", action: .pull, found: 200, missing: 404),
            Route(method: "HEAD", path: "manifests/v1", action: .pull, found: 200, missing: 404),
            Route(method: "GET", path: "manifests/\(image)", action: .pull, found: 200, missing: 404),
            Route(method: "GET", path: "manifests/none", action: .pull, found: 404, missing: 404),
            Route(method: "GET", path: "blobs/\(blob)", action: .pull, found: 200, missing: 404),
            Route(method: "HEAD", path: "blobs/\(blob)", action: .pull, found: 200, missing: 404),
            Route(method: "GET", path: "referrers/\(image)", action: .pull, found: 200, missing: 200),
            Route(method: "POST", path: "blobs/uploads/", action: .push, found: 202, missing: 202),
            Route(
                method: "POST", path: "blobs/uploads/?mount=\(missing)&from=acme/secret", action: .push,
                found: 202, missing: 202),
            Route(
                method: "PATCH", path: "blobs/uploads/0123456789abcdef0123456789abcdef", action: .push,
                found: 404, missing: 404),
            Route(
                method: "PUT", path: "blobs/uploads/0123456789abcdef0123456789abcdef?digest=\(missing)",
                action: .push, found: 404, missing: 404),
            Route(
                method: "GET", path: "blobs/uploads/0123456789abcdef0123456789abcdef", action: .push,
                found: 404, missing: 404),
            Route(
                method: "DELETE", path: "blobs/uploads/0123456789abcdef0123456789abcdef", action: .push,
                found: 404, missing: 404),
            Route(method: "PUT", path: "manifests/v2", action: .push, found: 400, missing: 400),
            Route(method: "DELETE", path: "manifests/none", action: .delete, found: 404, missing: 404),
            Route(method: "DELETE", path: "blobs/\(missing)", action: .delete, found: 404, missing: 404),
        ].map { route in
            Route(
                method: route.method, path: "/v2/\(name)/\(route.path)", action: route.action,
                found: route.found, missing: route.missing)
        }
            + [("/modules", ".wasm"), ("/api/v1/facts", "")].flatMap { prefix, suffix in
                ["GET", "HEAD"].flatMap { method in
                    [
                        Route(
                            method: method, path: "\(prefix)/\(name)/filter\(suffix)", action: .pull,
                            found: 200,
                            missing: 404),
                        Route(
                            method: method, path: "\(prefix)/\(name)/\(image)\(suffix)", action: .pull,
                            found: 404,
                            missing: 404),
                    ]
                }
            }
            + ["GET", "HEAD"].flatMap { method in
                [
                    Route(
                        method: method, path: "/api/v1/pulls/\(name)", action: .pull, found: 200, missing: 404
                    ),
                    Route(
                        method: method, path: "/feed/\(name).atom", action: .pull, found: 200, missing: 404,
                        isForPeople: true),
                    Route(
                        method: method, path: "/badge/\(name).svg", action: .pull, found: 200, missing: 404,
                        isForPeople: true),
                    Route(
                        method: method, path: "/r/\(name):filter", action: .pull, found: 200, missing: 404,
                        isForPeople: true),
                    Route(
                        method: method, path: "/compare/\(name)?from=filter&to=v1", action: .pull, found: 200,
                        missing: 404, isForPeople: true),
                ]
            }
    }

    /// The table of rights.
    static func expected(_ visitor: Visitor, _ route: Route, _ place: Place) -> Int {
        guard visitor.isValid else { return 401 }
        if visitor == .session { return route.isForPeople ? 404 : 401 }
        let mayRead = route.action == .pull && place.isPublic && visitor != .elsewhere
        guard mayRead || visitor.role?.allows(route.action) == true else {
            if route.isForPeople { return 404 }
            return visitor == .anonymous ? 401 : route.action == .pull ? 404 : 403
        }
        return place == .nothing ? route.missing : route.found
    }

    /// Puts a filter beside the image of each place, which is none.
    static func pushFilters(_ town: Town) async throws {
        let administrator = Town.basic("root", "secret")
        for place in Place.allCases where place != .nothing {
            try await town.hub.client.push(try FilterSketch(), to: place.name, tag: "filter", administrator)
            _ = try await town.hub.client.facts("\(place.name)/filter", administrator)
        }
    }

    @Test func `every route answers everybody as the table of rights says`() async throws {
        try await withTown { town in
            let config = Digest(of: Array("{}".utf8))
            try await Self.pushFilters(town)
            let image = try await town.hub.registry.acting(for: .host).manifest(
                .tag(try Tag("v1")), in: try Repository("acme/open")
            ).digest
            var cells = 0
            for visitor in Visitor.allCases {
                for place in Place.allCases {
                    let headers = try await Self.headers(visitor, town)
                    for route in Self.routes(place.name, image, config) {
                        let reply = try await town.hub.client.send(
                            route.method, route.path, headers, body: [])
                        let expected = Self.expected(visitor, route, place)
                        #expect(
                            reply.status == expected,
                            "\(visitor) \(route.method) \(route.path): \(reply.status), not \(expected): \(reply.text)"
                        )
                        #expect((reply["WWW-Authenticate"] != nil) == (reply.status == 401))
                        cells += 1
                    }
                }
            }
            #expect(cells == Visitor.allCases.count * Place.allCases.count * 35)
        }
    }

    @Test func `a private repository answers as one that is not there, to the letter`() async throws {
        try await withTown { town in
            try await Self.pushFilters(town)
            let digest = Digest(of: Array("{}".utf8))
            for visitor in [Visitor.anonymous, .stranger, .elsewhere] {
                let headers = try await Self.headers(visitor, town)
                let pairs = zip(
                    Self.routes("acme/secret", digest, digest), Self.routes("acme/nobody", digest, digest))
                for (secret, nothing) in pairs {
                    let replies = try await [secret, nothing].asyncMap { route in
                        try await town.hub.client.send(route.method, route.path, headers, body: [])
                    }
                    #expect(replies[0].status == replies[1].status)
                    // Both mount from the same repository, and are told so.
                    let texts = replies.map {
                        $0.text.replacing("acme/secret", with: "acme/nobody").replacing(
                            "acme%2Fsecret", with: "acme%2Fnobody")
                    }
                    #expect(texts[0] == texts[1])
                    let challenges = replies.map {
                        ($0["WWW-Authenticate"] ?? "").replacing("acme/secret", with: "acme/nobody")
                    }
                    #expect(challenges[0] == challenges[1])
                }
                for path in [
                    "/v2/_catalog", "/", "/api/v1/search?q=", "/api/v1/search?q=secret", "/feed.atom",
                    "/sitemap.xml", "/users/acme", "/users/root",
                ] {
                    let reply = try await town.hub.client.send("GET", path, headers)
                    #expect(!reply.text.contains("secret"), "\(visitor) \(path)")
                }
                // The page names the address that was asked for, and nothing else tells the two apart.
                for (method, suffix) in [
                    ("GET", ""), ("GET", ":v1"), ("GET", "@\(digest)"), ("POST", ""), ("POST", ":v1"),
                    ("GET", "?from=v1&to=v1"), ("GET", "?from="),
                ] {
                    let place = suffix.hasPrefix("?") ? "/compare" : "/r"
                    let pages = try await ["secret", "nobody"].asyncMap { name in
                        try await town.hub.client.send(
                            method, "\(place)/acme/\(name)\(suffix)", headers, body: [])
                    }
                    #expect(pages.map(\.status) == [404, 404], "\(method) \(place) \(suffix)")
                    #expect(
                        pages[0].text.replacingOccurrences(of: "secret", with: "nobody") == pages[1].text)
                }
            }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(
        _ transform: (Element) async throws -> Result
    ) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
