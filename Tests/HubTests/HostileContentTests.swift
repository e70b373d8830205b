// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing

/// Content that wants to take over the pages that show it.
@Suite struct HostileContentTests {
    /// Images that carry payloads in every text that a page shows.
    private func sketch(_ payloads: [String], marker: String = "") throws -> FilterSketch {
        let all = payloads.joined(separator: "\n\n")
        let first = payloads.first ?? ""
        var module = ModuleSketch()
        module.imports += payloads.map { .init("env", $0, "i:i") }
        var properties = JSONObject()
        for payload in payloads {
            properties[payload] = .object([
                "type": .string("string"), "title": .string(payload), "description": .string(payload),
                "default": .string(payload),
            ])
            properties[payload + "-choice"] = .object([
                "enum": .array([.string(payload)]), "default": .string(payload),
            ])
            properties[payload + "-object"] = .object([
                "type": .string("object"), "description": .string(payload),
                "properties": .object([payload: .object(["type": .string("boolean")])]),
            ])
        }
        let schema: JSONValue = .object([
            "type": .string("object"), "title": .string(first), "properties": .object(properties),
        ])
        let content = FilterContent(
            module: module.bytes,
            runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: [first]),
            metadata: FilterMetadata(
                name: first, version: first, description: all, licence: first, language: first, type: first),
            configSchema: Array(schema.description.utf8), readme: Array((all + marker).utf8),
            licence: Array(all.utf8))
        var sketch = try FilterSketch(content)
        // Whatever the command would refuse is written into the manifest all the same.
        guard case .manifest(var manifest) = sketch.document.content else { return sketch }
        var annotations = manifest.annotations ?? [:]
        for key in [
            "title", "version", "description", "licenses", "source", "url", "documentation", "authors",
            "vendor",
        ] { annotations["org.opencontainers.image.\(key)"] = first }
        for key in ["language", "type", "name"] { annotations["dev.wasme.\(key)"] = first }
        for (number, payload) in payloads.enumerated() { annotations["x.\(number).\(payload)"] = payload }
        manifest.annotations = annotations
        sketch = FilterSketch(document: try ManifestDocument(manifest), blobs: sketch.blobs)
        return sketch
    }

    private func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }

    @Test func `there are enough payloads, each another`() {
        let all = HostilePayloads.all
        #expect(all.count >= 60)
        #expect(Set(all.map { Array($0.utf8) }).count == all.count)
    }

    @Test func `the checker finds what has no place in a page`() {
        for page in [
            "<script>x</script>", "<p onclick=\"x\">a</p>", "<p class=x>a</p>",
            "<a href=\"javascript:x\">a</a>",
            "<a href=\"http://x\">a</a>", "<img src=\"x\">", "<p>a", "a & b", "a > b",
            "<p title=\"a\"b=\"c\">a</p>",
            "<p id=\"a\"></p><p id=\"a\"></p>", "\u{202E}", "<p", "<form action=\"http://x\"></form>",
            "<P>a</P>",
        ] { #expect(!PageChecker.problems(page).isEmpty, "\(page)") }
        #expect(
            PageChecker.problems(
                "<!doctype html>\n<p class=\"a\">a &amp; b<br><a href=\"/r/x\">x</a></p>"
            ).isEmpty)
    }

    @Test func `every page shows every payload as text`() async throws {
        let payloads = HostilePayloads.all
        try await withHub { hub in
            for (number, payload) in payloads.enumerated() {
                let name = "hostile/p\(number)"
                try await hub.client.push(try sketch([payload]), to: name, tag: "v1")
                // One after the other: the newest is read first, and none has to wait for all.
                _ = try await hub.client.facts("\(name)/v1")
                let reply = try await hub.client.get("/r/\(name):v1")
                try expectSound(reply, "\(number) \(payload)")
                #expect(reply.text.contains("id=\"install\""), "\(number): no filter's page")
                let form = try await hub.client.send(
                    "POST", "/r/\(name):v1", ["Content-Type": "application/x-www-form-urlencoded"],
                    body: Array("c=\(encoded(payload))&c/\(encoded(payload))=\(encoded(payload))".utf8))
                try expectSound(form, "form \(number) \(payload)")
            }
            try await hub.client.push(try FilterSketch(), to: "hostile/p0", tag: "v2")
            _ = try await hub.client.facts("hostile/p0/v2")
            for path in ["/compare/hostile/p0?from=v1&to=v2", "/", "/r/hostile/p0:v2"] {
                try expectSound(try await hub.client.get(path), path)
            }
            for payload in payloads where !payload.unicodeScalars.contains(where: { $0.value < 0x20 }) {
                for path in ["/compare/hostile/p0?from=\(encoded(payload))&to=v1", "/r/\(encoded(payload))"] {
                    let reply = try await hub.client.send("GET", path)
                    #expect((400..<500).contains(reply.status), "\(path)")
                    #expect(PageChecker.problems(reply.text).isEmpty, "\(path)")
                }
            }
        }
    }

    private func expectSound(_ reply: Reply, _ what: String) throws {
        #expect(reply.status == 200, "\(what)")
        let problems = PageChecker.problems(reply.text)
        #expect(problems.isEmpty, "\(what): \(problems.prefix(5))")
        #expect(reply["Set-Cookie"] == nil, "\(what)")
        let policy = try #require(reply["Content-Security-Policy"])
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe"))
    }

    /// What a browser made of a page: its document, its messages, and the hosts that it asked.
    private func visit(_ address: String) async throws -> (page: String, messages: String, requests: String) {
        let scratch = try ScratchDirectory("browser")
        let log = scratch.appending("net.json").string
        let outcome = try await run(
            try #require(Tool.browser.path),
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--no-first-run",
                "--user-data-dir=\(scratch.appending("profile").string)", "--log-net-log=\(log)",
                "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", address,
            ])
        #expect(outcome.status == 0, "\(address): \(outcome.stderr)")
        return (outcome.stdout, outcome.stderr, try String(contentsOfFile: log, encoding: .utf8))
    }

    @Test(.requires(.browser)) func `a browser runs the payloads where nothing is escaped`() async throws {
        let scratch = try ScratchDirectory("control")
        let page = try scratch.write("page.html", "<p>\(HostilePayloads.all[0])</p></footer>")
        let (document, messages, requests) = try await visit("file://\(page)")
        #expect(document.contains("data-owned=\""))
        #expect(messages.contains("CONSOLE"))
        #expect(requests.contains("evil.example"))
    }

    @Test(.requires(.browser)) func `a browser runs nothing of it and asks nobody else`() async throws {
        let payloads = HostilePayloads.all
        let size = 20
        try await withHub { hub in
            let starts = Array(stride(from: 0, to: payloads.count, by: size))
            for start in starts {
                let some = Array(payloads[start..<min(start + size, payloads.count)])
                try await hub.client.push(try sketch(some), to: "hostile/b\(start)", tag: "v1")
                _ = try await hub.client.facts("hostile/b\(start)/v1")
            }
            try await hub.client.push(try FilterSketch(), to: "hostile/b0", tag: "v2")
            _ = try await hub.client.facts("hostile/b0/v2")
            for path in starts.map({ "/r/hostile/b\($0):v1" }) + ["/compare/hostile/b0?from=v1&to=v2"] {
                let address = "127.0.0.1:\(hub.client.port)"
                let (page, messages, requests) = try await visit("http://\(address)\(path)")
                #expect(page.contains("</footer>"), "\(path): the whole page is there")
                #expect(!page.contains("data-owned=\""), "\(path)")
                // Its own script ran, so that scripts can.
                if path.hasPrefix("/r/") { #expect(page.contains("class=\"plain copy\""), "\(path)") }
                #expect(!messages.contains("CONSOLE"), "\(path): \(messages)")
                #expect(requests.contains(address))
                #expect(!requests.contains("evil.example"), "\(path)")
            }
        }
    }
}
