// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Testing

/// Lists, feeds and maps, for everybody: what is on them is computed from the table of rights.
@Suite struct AccessListTests {
    /// Whether somebody's list may name a repository of `acme`; for a map it is whoever knows nothing of him.
    private static func sees(_ visitor: AccessMatrixTests.Visitor, _ place: AccessMatrixTests.Place) -> Bool {
        if visitor == .elsewhere { return false }
        return place == .open || place == .secret && visitor.role != nil
    }

    @Test func `lists name what somebody may pull, and count nothing else`() async throws {
        try await withTown { town in
            try await AccessMatrixTests.pushFilters(town)
            let hub = town.hub
            for visitor in AccessMatrixTests.Visitor.allCases where visitor.isValid && visitor != .session {
                let headers = try await AccessMatrixTests.headers(visitor, town)
                for path in ["/", "/?sort=name", "/?q=acme", "/feed.atom", "/users/acme", "/api/v1/search"] {
                    let reply = try await hub.client.send("GET", path, headers)
                    let isEmpty = !Self.sees(visitor, .open) && path == "/users/acme"
                    #expect(reply.status == (isEmpty ? 404 : 200), "\(visitor) \(path): \(reply.status)")
                    for place in [AccessMatrixTests.Place.open, .secret] {
                        #expect(
                            reply.text.contains(place.name) == Self.sees(visitor, place),
                            "\(visitor) \(path) \(place)")
                    }
                }
                let count = [AccessMatrixTests.Place.open, .secret].count { Self.sees(visitor, $0) }
                let found = try await ExploreReply.get(hub, "", headers)
                #expect(found.total == count, "\(visitor)")
                #expect(found.counts("organisation") == (count > 0 ? ["acme": count] : [:]), "\(visitor)")
                // The map is everybody's, whoever asks.
                let map = try await hub.client.send("GET", "/sitemap.xml", headers)
                #expect(map.text.contains("acme/open") && !map.text.contains("acme/secret"), "\(visitor)")
                let part = try await hub.client.send("GET", "/sitemap/acme/aaa.xml", headers)
                #expect(part.text.contains("acme/open") && !part.text.contains("acme/secret"), "\(visitor)")
            }
        }
    }

    @Test func `what somebody may see changes with the next request, though listings are held in memory`()
        async throws
    {
        try await withTown { town in
            let hub = town.hub
            let eve = Town.basic("eve", "secret")
            func seen() async throws -> [String] {
                try await ExploreReply.get(hub, "sort=name", eve).repositories.map(\.repository)
            }
            let store = hub.gatekeeper.directory(for: .host).store
            let secret = try Repository("acme/secret")
            #expect(try await seen() == ["acme/open"])
            try await store.setRole(.read, of: try AccountName("eve"), in: .repository(secret))
            #expect(try await seen() == ["acme/open", "acme/secret"])
            try await store.setRole(nil, of: try AccountName("eve"), in: .repository(secret))
            #expect(try await seen() == ["acme/open"])
            try await store.setPublic(true, secret)
            #expect(try await seen() == ["acme/open", "acme/secret"])
            try await store.setPublic(false, try Repository("acme/open"))
            #expect(try await seen() == ["acme/secret"])
            try await store.setRole(
                .read, of: try AccountName("eve"), in: .organisation(try AccountName("acme")))
            #expect(try await seen() == ["acme/open", "acme/secret"])
            try await store.removeAccount(try AccountName("acme"))
            #expect(try await seen() == ["acme/secret"])
            _ = try await hub.client.send(
                "DELETE", "/v2/acme/secret/manifests/v1", Town.basic("root", "secret"))
            #expect(try await seen().isEmpty)
        }
    }
}
