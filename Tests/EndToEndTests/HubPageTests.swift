// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct HubPageTests {
    @Test(.requires(.swift), .requires(.browser))
    func `a browser shows what was pushed`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "page-hub")
        try await newcomer.does("tag", "add-header:v1", "\(address)/team/shown:v7")
        try await newcomer.does("push", "\(address)/team/shown:v7")
        let profile = newcomer.scratch.appending("browser").string
        let outcome = try await run(
            try #require(Tool.browser.path),
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=\(profile)", "--dump-dom", "http://\(address)/",
            ])
        #expect(outcome.status == 0, "\(outcome.stderr)")
        #expect(outcome.stdout.contains("team/shown"))
        #expect(outcome.stdout.contains("v7"))
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }
}
