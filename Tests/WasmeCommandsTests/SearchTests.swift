// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoopbackServer
import TestSupport
import Testing

/// `search` and `list --published` against servers of all kinds; the real hub's side is in `HubTests`.
@Suite struct SearchTests {
    /// A server that answers paths with a status and a text, and all others with 404.
    func server(_ answers: [String: (Int, String)]) throws -> LoopbackServer {
        try LoopbackServer { exchange in
            let answer = answers[exchange.request.path] ?? (404, "404 page not found")
            let type = answer.1.hasPrefix("<") ? "text/html" : "application/json"
            try exchange.respond(answer.0, headers: [("Content-Type", type)], text: answer.1)
        }
    }

    static let page = """
        {"repositories": [
            {"repository": "acme/add-header", "tag": "v1", "digest": "sha256:\(String(repeating: "a", count: 64))",
             "size": 43210, "updated": "2026-08-01T12:00:00Z", "description": "adds a header", "abi": "0.2.1"},
            {"repository": "acme/bad", "tag": "../x", "size": -1, "updated": "\\u001b[2J",
             "description": "\\u202Eevil\\u001b]0;title\\u0007 \\r\\nnew line", "abi": ""},
            {"repository": "Not a NAME"}
        ]}
        """

    @Test func `what a hub finds is a table, and safe to show whatever a server says`() async throws {
        let hub = try server(["/api/v1/search": (200, Self.page)])
        let listener = try Listener()
        #expect(
            await listener.run("search", "header", "--registry", hub.authority) == 0, "\(listener.errors)")
        let lines = listener.output.split(separator: "\n")
        #expect(lines.count == 3, "\(listener.output)")
        #expect(
            lines.dropFirst().first?.split(separator: " ", omittingEmptySubsequences: true).joined(
                separator: " ")
                == "\(hub.authority)/acme/add-header v1 0.2.1 43.2 KB 2026-08-01 adds a header")
        #expect(lines.last?.hasSuffix("evil ]0;title new line") == true, "\(listener.output)")
        #expect(listener.output.unicodeScalars.allSatisfy { $0 == "\n" || (0x20...0x7E).contains($0.value) })
        #expect(listener.errors.isEmpty)

        let published = try Listener()
        let status = await published.run(
            "list", "--published", "-q", "--search", "header",
            environment: ["WASM_IMAGE_REGISTRY": hub.authority])
        #expect(status == 0)
        #expect(published.output == "\(hub.authority)/acme/add-header\n\(hub.authority)/acme/bad\n")
    }

    @Test func `for programs there is JSON with everything`() async throws {
        let hub = try server([
            "/api/v1/search": (200, #"{"repositories": [{"repository": "a/b", "tag": "v1"}]}"#)
        ])
        let listener = try Listener()
        #expect(await listener.run("search", "b", "-s", hub.authority, "--format", "json") == 0)
        let value = try #require(
            try JSONSerialization.jsonObject(with: Data(listener.output.utf8)) as? [String: Any])
        #expect(value["registry"] as? String == hub.authority)
        #expect(value["query"] as? String == "b")
        #expect((value["images"] as? [[String: String]]) == [["name": "\(hub.authority)/a/b", "tag": "v1"]])
    }

    @Test(arguments: [(404, "404 page not found"), (200, "<html>Welcome</html>"), (405, "{}")])
    func `another registry's list of repositories is looked through, and that is said`(
        _ status: Int, _ text: String
    ) async throws {
        let registry = try server([
            "/v2/": (200, "{}"), "/api/v1/search": (status, text),
            "/v2/_catalog": (
                200, #"{"repositories": ["acme/add-header", "acme/jwt", "other/header", "BAD"]}"#
            ),
        ])
        let listener = try Listener()
        #expect(await listener.run("search", "acme", "Header", "--registry", registry.authority) == 0)
        #expect(listener.output == "NAME\n\(registry.authority)/acme/add-header\n")
        #expect(listener.errors.contains("only names were looked through"))
        let nothing = try Listener()
        #expect(await nothing.run("search", "zzz", "--registry", registry.authority) == 0)
        #expect(nothing.output == "nothing in \(registry.authority) fits \"zzz\"\n")
    }

    @Test func `more than the limit is said to be there`() async throws {
        let registry = try server([
            "/v2/": (200, "{}"), "/v2/_catalog": (200, #"{"repositories": ["a/x", "b/x", "c/x"]}"#),
        ])
        let listener = try Listener()
        #expect(await listener.run("search", "x", "-s", registry.authority, "--limit", "2", "-q") == 0)
        #expect(listener.output == "\(registry.authority)/a/x\n\(registry.authority)/b/x\n")
        let loud = try Listener()
        #expect(await loud.run("search", "x", "-s", registry.authority, "--limit", "2") == 0)
        #expect(loud.errors.contains("there are more"))
    }

    @Test func `where neither exists, or nobody answers, the error says so`() async throws {
        let mute = try server(["/v2/": (200, "{}")])
        let listener = try Listener()
        #expect(await listener.run("search", "x", "--registry", mute.authority) == 1)
        #expect(listener.errors.contains("offers neither a search nor a list of its repositories"))
        #expect(listener.errors.contains("  help: "))

        let closed = try ClosedPort()
        let unreachable = try Listener()
        #expect(await unreachable.run("search", "x", "--registry", closed.authority) == 69)
        #expect(unreachable.errors.contains(closed.authority))

        let nowhere = try Listener()
        #expect(await nowhere.run("search", "x") == 64)
        #expect(nowhere.errors.contains("WASM_IMAGE_REGISTRY"))
        #expect(await nowhere.run("search", "x", "--registry", "not a host") == 64)
        #expect(await nowhere.run("list", "--search", "x") == 64)
        #expect(await nowhere.run("search", "x", "--registry", "a", "--limit", "0") == 64)
    }

    @Test(.requires(.registry)) func `a real registry that is no hub`() async throws {
        try await DockerRegistry.run { registry in
            let listener = try Listener()
            #expect(
                await listener.run("search", "x", "--registry", registry.address) == 0, "\(listener.errors)")
            #expect(listener.output == "nothing in \(registry.address) fits \"x\"\n")
        }
    }
}
