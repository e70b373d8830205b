// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
@testable import HubHTTP
import HubStorage
import OCI
import SystemPackage
import TestSupport
import Testing

/// How often repositories are pulled.
@Suite struct PullCountTests {
    /// Waits until as many pulls are written down as there were.
    private func pulls(_ hub: TestHub, _ name: String, are count: Int64) async throws {
        let repository = try Repository(name)
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            try await hub.registry.writePulls()
            let days = try await hub.registry.pulls(of: repository, days: 3)
            #expect(days.count == 3)
            let all = days.reduce(0) { $0 + $1.count }
            if all == count || ContinuousClock.now > deadline {
                #expect(all == count)
                #expect(try await ExploreReply.get(hub, "q=\(name)").repositories.first?.pulls == Int(count))
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func `manifests and modules that are fetched count, and looks at them do not`() async throws {
        try await withHub { hub in
            let image = try FilterSketch()
            try await hub.client.push(image, to: "acme/tiny", tag: "v1")
            try await settle(hub)
            let digest = image.document.digest
            for path in ["/v2/acme/tiny/manifests/v1", "/v2/acme/tiny/manifests/\(digest)"] {
                #expect(try await hub.client.send("GET", path).status == 200)
                #expect(try await hub.client.send("HEAD", path).status == 200)
                let fresh = try await hub.client.send("GET", path, ["If-None-Match": "\"\(digest)\""])
                #expect(fresh.status == 304)
            }
            #expect(try await hub.client.send("GET", "/v2/acme/tiny/manifests/none").status == 404)
            try await pulls(hub, "acme/tiny", are: 2)
            let module = "/modules/acme/tiny/v1.wasm"
            #expect(try await hub.client.send("GET", module).status == 200)
            #expect(try await hub.client.send("GET", module, ["Range": "bytes=0-9"]).status == 206)
            #expect(try await hub.client.send("GET", module, ["Range": "bytes=5-"]).status == 206)
            #expect(try await hub.client.send("HEAD", module).status == 200)
            try await pulls(hub, "acme/tiny", are: 4)
            // Blobs and lists are part of a pull, or none.
            _ = try await hub.client.send("GET", "/v2/acme/tiny/tags/list")
            try await pulls(hub, "acme/tiny", are: 4)
        }
    }

    @Test func `what the long way answers counts as what the short one does`() async throws {
        try await withTown { town in
            let root = Town.basic("root", "secret")
            for _ in 0..<3 {
                #expect(
                    try await town.hub.client.send("GET", "/v2/acme/secret/manifests/v1", root).status == 200)
            }
            // Who is not let in pulls nothing.
            #expect(try await town.hub.client.send("GET", "/v2/acme/secret/manifests/v1").status == 401)
            try await town.hub.registry.writePulls()
            let host = town.hub.registry.acting(for: .host)
            let days = try await host.pulls(of: try Repository("acme/secret"), days: 1)
            #expect(days.map(\.count) == [3])
            await #expect(throws: HubError.self) {
                try await town.hub.registry.acting(for: .anonymous).pulls(
                    of: try Repository("acme/secret"), days: 1)
            }
        }
    }

    @Test func `counts of a day are added up, and days without are told`() async throws {
        try await withHub { hub in
            try await hub.client.pushImage(to: "acme/x", tag: "v1")
            let today = hub.registry.now() / 86_400
            let name = try Repository("acme/x")
            for (count, day) in [(3, today), (4, today), (5, today - 2), (9, today - 40)] {
                try await hub.metadata.addPulls([name: count, try Repository("acme/none"): 1], day: day)
            }
            let days = try await hub.registry.pulls(of: name, days: 4)
            #expect(days.map(\.count) == [0, 5, 0, 7])
            #expect(days.map(\.day) == [today - 3, today - 2, today - 1, today])
        }
    }

    @Test func `a graceful stop writes down what was counted`() async throws {
        let scratch = try ScratchDirectory("pulls")
        let folder = scratch.path.appending("data")
        try await withHub(folder: folder) { hub in
            try await hub.client.pushImage(to: "acme/x", tag: "v1")
            for _ in 0..<5 { _ = try await hub.client.send("GET", "/v2/acme/x/manifests/v1") }
        }
        try await withHub(folder: folder) { hub in
            let found = try await ExploreReply.get(hub, "q=x")
            #expect(found.repositories.first?.pulls == 5)
        }
    }
}
