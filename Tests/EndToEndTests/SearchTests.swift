// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// The real binaries: what is pushed to a hub is found there.
@Suite struct SearchTests {
    @Test(.requires(.swift)) func `a pushed filter is found by a word of its description`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "searched")
        let image = "\(address)/demo/found:v1"
        try await newcomer.does("tag", "add-header:v1", image)
        let digest = try await newcomer.does("push", image, "-q")
        let table = try await newcomer.does("search", "ADD-HEADER", "--registry", address)
        #expect(table.contains("\(address)/demo/found  v1   v0.2.1"), "\(table)")
        let json = try await newcomer.does(
            "list", "--published", "--search", "found", "-s", address, "--format", "json")
        #expect(json.contains("\"\(digest.split(separator: "\n")[0])\""), "\(json)")
        #expect(try await newcomer.does("search", "nosuch", "-s", address).hasPrefix("nothing in"))
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }
}
