// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// `wasme-hub reindex`, offline and beside a hub; and reading after `kill -9`.
@Suite struct FactsDurabilityTests {
    @Test func `the command reads everything, beside a hub and without one`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        try await hub.client.push(try FilterSketch(isLarge: true), to: "acme/tiny", tag: "v1")
        try await hub.client.pushImage(to: "acme/other", tag: "v1")
        let pushed = try await hub.client.get("/api/v1/facts/acme/tiny/v1")
        #expect(pushed.status == 200)
        let beside = try await HubProcess.run(["reindex", "--data", data.string])
        #expect(beside.status == 0, "\(beside.stderr)")
        #expect(beside.stdout == "2 manifests read: 1 filters\n")
        #expect(beside.stderr.contains("a hub serves"))
        #expect(try await hub.client.send("GET", "/api/v1/facts/acme/tiny/v1").body == pushed.body)
        await hub.stop(SIGTERM)
        let alone = try await HubProcess.run(["reindex", "--data", data.string, "--format", "json"])
        #expect(alone.stdout == #"{"filters":1,"manifests":2,"unreadable":0}"# + "\n", "\(alone.stderr)")
        let again = try await HubProcess(data: data)
        #expect(try await again.client.send("GET", "/api/v1/facts/acme/tiny/v1").body == pushed.body)
        // A copy has it all.
        let copy = scratch.path.appending("copy")
        #expect(try await HubProcess.run(["backup", copy.string, "--data", data.string]).status == 0)
        await again.stop(SIGKILL)
        let copied = try await HubProcess(data: copy)
        #expect(try await copied.client.send("GET", "/modules/acme/tiny/v1.wasm").body.count > 60_000)
        #expect(try await HubProcess.run(["scrub", "--data", copy.string]).status == 0)
    }

    @Test func `a hub that is killed while it reads goes on after the next start`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        for round in 0..<8 {
            let hub = try await HubProcess(data: data)
            for number in 0..<3 {
                let image = try FilterSketch(isLarge: number == 0, value: "v\(round)-\(number)")
                try await hub.client.push(image, to: "acme/r\(round)", tag: "v\(number)")
            }
            // At another moment each time: right after the push, or some milliseconds later.
            try await Task.sleep(for: .milliseconds(round * 5))
            await hub.stop(SIGKILL)
        }
        let hub = try await HubProcess(data: data)
        for round in 0..<8 {
            for number in 0..<3 {
                #expect(try await hub.client.facts("acme/r\(round)/v\(number)").kind == "filter")
                let module = try await hub.client.get("/modules/acme/r\(round)/v\(number).wasm")
                #expect(
                    module.body == FilterSketch.module(isLarge: number == 0, value: "v\(round)-\(number)"))
            }
        }
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)")
    }
}
