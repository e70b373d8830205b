// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Hub
import OCI
import Testing

@testable import HubHTTP

/// Feeds, badges, the map of the hub and what search engines may read.
@Suite struct FeedTests {
    /// Texts and attributes of an XML document, by element; a document that is none fails.
    private final class Parsed: NSObject, XMLParserDelegate {
        var texts: [String: [String]] = [:]
        var attributes: [String: [[String: String]]] = [:]
        private var open: [String] = []

        init(_ reply: Reply) throws {
            super.init()
            let parser = XMLParser(data: Data(reply.body))
            parser.delegate = self
            try #require(parser.parse(), "\(reply.text)")
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String] = [:]
        ) {
            open.append(name)
            texts[name, default: []].append("")
            self.attributes[name, default: []].append(attributes)
        }
        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) { open.removeLast() }
        func parser(_ parser: XMLParser, foundCharacters text: String) {
            guard let name = open.last, let last = texts[name]?.indices.last else { return }
            texts[name]?[last] += text
        }
    }

    @Test func `new versions come in a feed, of all and of one`() async throws {
        let clock = Ticks()
        try await withHub(now: { clock.next() }) { hub in
            let evil = "</summary>&lt;<script>\u{1}]]>"
            try await hub.client.push(
                try FilterSketch(language: "c", description: "plain"), to: "acme/x", tag: "v1")
            try await hub.client.push(
                try FilterSketch(language: "c", description: evil), to: "acme/x", tag: "v2")
            try await hub.client.push(try FilterSketch(language: "go"), to: "acme/y", tag: "v1")
            let reply = try await hub.client.send("GET", "/feed.atom")
            #expect(reply["Content-Type"] == "application/atom+xml; charset=utf-8")
            let base = "http://127.0.0.1:\(hub.client.port)"
            let all = try Parsed(reply)
            #expect(all.texts["title"]?.dropFirst() == ["acme/y:v1", "acme/x:v2"])
            #expect(all.texts["summary"]?.last == "</summary>&lt;<script>]]>")
            #expect(all.texts["id"]?.first == "\(base)/feed.atom")
            #expect(Set(all.texts["id"] ?? []).count == 3)
            #expect(all.attributes["link"]?.last?["href"] == "\(base)/r/acme/x:v2")
            #expect(all.texts["updated"]?.count == 3)
            let one = try Parsed(try await hub.client.send("GET", "/feed/acme/x.atom"))
            #expect(one.texts["title"]?.dropFirst() == ["acme/x:v2", "acme/x:v1"])
            for path in [
                "/feed/acme/none.atom", "/feed/acme/x", "/feed/.atom", "/feed", "/feed.atom/x",
                "/feed/A.atom",
            ] {
                #expect(try await hub.client.send("GET", path).status == 404, "\(path)")
            }
        }
    }

    @Test func `a badge says name, version and ABI`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(language: "c"), to: "acme/x", tag: "v1")
            try await settle(hub)
            let reply = try await hub.client.send("GET", "/badge/acme/x.svg")
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "image/svg+xml; charset=utf-8")
            #expect(reply["Content-Security-Policy"]?.contains("sandbox") == true)
            let badge = try Parsed(reply)
            #expect(badge.texts["text"] == ["acme/x", "v1 · ABI v0.2.1"])
            #expect(badge.attributes["svg"]?.first?["aria-label"] == "acme/x: v1 · ABI v0.2.1")
            #expect(!reply.text.contains("style="))
            for path in ["/badge/acme/none.svg", "/badge/acme/x.png", "/badge/x.svg/", "/badge"] {
                #expect(try await hub.client.send("GET", path).status == 404, "\(path)")
            }
            #expect(try await hub.client.send("POST", "/badge/acme/x.svg", body: []).status == 405)
        }
    }

    @Test func `search engines get what everybody may see, or nothing`() async throws {
        try await withTown { town in
            for headers in [[:], Town.basic("root", "secret")] {
                let map = try Parsed(try await town.hub.client.send("GET", "/sitemap.xml", headers))
                let base = "http://127.0.0.1:\(town.hub.client.port)"
                #expect(map.texts["loc"] == ["\(base)/", "\(base)/r/acme/open"])
            }
            let robots = try await town.hub.client.send("GET", "/robots.txt")
            #expect(robots.text.contains("Disallow: /v2/") && robots.text.contains("/sitemap.xml"))
        }
        try await withTown(policy: .init(isOpen: false, allowsAnonymousPull: false)) { town in
            let robots = try await town.hub.client.send("GET", "/robots.txt")
            #expect(robots.text == "User-agent: *\nDisallow: /\n")
            for headers in [[:], Town.basic("root", "secret")] {
                #expect(try await town.hub.client.send("GET", "/sitemap.xml", headers).status == 404)
            }
            #expect(try await town.hub.client.send("GET", "/feed.atom").status == 401)
            #expect(try await town.hub.client.send("GET", "/badge/acme/open.svg").status == 404)
        }
    }

    @Test func `a host that a client makes up stays text`() async throws {
        try await withHub { hub in
            for path in ["/feed.atom", "/sitemap.xml"] {
                let page = try await onThread { [port = hub.client.port] in
                    let wire = try Wire(port: port)
                    try wire.send(
                        "GET \(path) HTTP/1.1\r\nHost: \"><x>&]]>\r\nConnection: close\r\n\r\n")
                    return try wire.reply()
                }
                let reply = try #require(page)
                #expect(reply.status == 200 || reply.status == 400)
                if reply.status == 200 { _ = try Parsed(reply) }
                #expect(!reply.text.contains("<x>"))
            }
        }
    }
}
