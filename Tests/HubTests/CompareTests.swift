// SPDX-License-Identifier: Apache-2.0

import OCI
import TestSupport
import Testing

@testable import HubHTTP

/// What differs between two versions.
@Suite struct CompareTests {
    @Test func `two versions differ in what they import, ask for and say`() async throws {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(
                    schema: #"{"type":"object","properties":{"a":{"type":"string"}}}"#,
                    readme: "# One\n\nsame\n\nold <b>"),
                to: "acme/tiny", tag: "v1")
            try await hub.client.push(
                try FilterSketch(
                    schema: #"{"type":"object","properties":{"b":{"type":"integer"}}}"#,
                    readme: "# One\n\nsame\n\nnew",
                    module: TinyFilter(flaw: .missingImport).bytes), to: "acme/tiny", tag: "v2")
            let digest = try #require(
                try await hub.client.send("HEAD", "/v2/acme/tiny/manifests/v2")["Docker-Content-Digest"])
            _ = try await hub.client.get("/r/acme/tiny:v1")
            _ = try await hub.client.get("/r/acme/tiny:v2")
            for to in ["v2", digest] {
                let reply = try await hub.client.send("GET", "/compare/acme/tiny?from=v1&to=\(to)")
                #expect(reply.status == 200)
                let page = reply.text
                for text in [
                    "env.no_such_hostcall", "env.proxy_add_header_map_value", "runs on none",
                    "<del>- old &lt;b&gt;</del>", "<ins>+ new</ins>", "<h2>Configuration schema</h2>",
                    "&quot;integer&quot;",
                    "Capabilities", "changes headers",
                ] { #expect(page.contains(text), "\(text)") }
                #expect(page.contains("selected>\(to)</option>"))
            }
            let same = try await hub.client.send("GET", "/compare/acme/tiny?from=v1&to=v1").text
            #expect(same.contains("Nothing differs between v1 and v1."))
            let form = try await hub.client.send("GET", "/compare/acme/tiny")
            #expect(form.status == 200 && form.text.contains("<select id=\"from\" name=\"from\">"))
            #expect(try await hub.client.send("GET", "/compare/acme/tiny?from=v1&to=v9").status == 404)
            try await hub.client.pushImage(to: "acme/tiny", tag: "image")
            _ = try await hub.client.get("/r/acme/tiny:image")
            let other = try await hub.client.send("GET", "/compare/acme/tiny?from=v1&to=image")
            #expect(other.status == 200 && other.text.contains("what differs inside is not known"))
        }
    }

    private func lines(_ old: String, _ new: String) -> [String]? {
        LineDifference(old, new)?.lines.map { line in
            switch line.kind {
            case .added: "+\(line.text)"
            case .removed: "-\(line.text)"
            case .kept: " \(line.text)"
            case .gap: "…"
            }
        }
    }

    @Test func `texts are compared line by line`() {
        #expect(lines("a\nb\nc", "a\nx\nc") == [" a", "-b", "+x", " c"])
        #expect(lines("", "a") == ["-", "+a"])
        #expect(lines("1\n2\n3\n4\n5\n6\n7", "1\n2\n3\n4\n5\n6\n8") == ["…", " 5", " 6", "-7", "+8"])
        #expect(lines("a", "a") == ["…"])
    }

    @Test func `long texts take bounded time`() {
        let numbers = (0..<400).map(String.init).joined(separator: "\n")
        let others = (0..<400).map { "x\($0)" }.joined(separator: "\n")
        #expect(lines(numbers, others)?.count == 800)
        #expect(lines(String(repeating: "a\n", count: 100_000), "b") == nil)
        // Lines before the first difference and after the last one are not counted.
        let long = String(repeating: "same\n", count: 50_000)
        #expect(lines(long + "a\n" + long, long + "b\n" + long)?.count == 8)
    }
}
