// SPDX-License-Identifier: Apache-2.0

import Foundation
import HubHTTP
import OCI
import SystemPackage
import TestSupport
import Testing

/// Files that cannot be opened, and a process that may open few.
@Suite struct OpenFileDurabilityTests {
    @Test(.requires(.clang), arguments: [Errno.ioError, .tooManyOpenFiles])
    func `an open that fails costs that request at most, whichever it is`(_ error: Errno) async throws {
        let scratch = try ScratchDirectory("opens")
        let data = scratch.path.appending("data")
        let opens = try await FailingOpens(in: scratch, below: data)
        let hub = try await HubProcess(data: data, environment: opens.environment)
        var acknowledged: [String: ManifestDocument] = [:]
        acknowledged["old"] = try await hub.client.pushImage(to: "a", tag: "old", layer: sampleBytes(30_000))
        var number: Int32 = 1
        while true {
            try opens.fail(number, with: error)
            let tag = "t\(number)"
            let layer = sampleBytes(30_000, seed: UInt64(number))
            if let image = try await hub.client.pushOrRefusal(tag, layer) { acknowledged[tag] = image }
            // Read by another path than those who answer from memory.
            let old = try await hub.client.send("GET", "/v2/a/tags/list")
            #expect([200, 500, 503, 507].contains(old.status), "\(old.text)")
            guard try opens.stop() else { break }
            number += 1
        }
        // Each of two blobs is a file in a folder at least, whatever the database opens.
        #expect(number > 4)
        acknowledged["after"] = try await hub.client.pushImage(
            to: "a", tag: "after", layer: sampleBytes(30_000, seed: 1000))
        #expect(await hub.stop(SIGKILL) == -SIGKILL)
        try await expectWhole(data, acknowledged)
    }

    @Test func `clients do not get the last descriptors`() async throws {
        let scratch = try ScratchDirectory("descriptors")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data, openFiles: 256)
        #expect(hub.errorText.contains("fewer connections than configured"))
        let image = try await hub.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(30_000))
        var uploads: [String] = []
        for _ in 0..<300 { uploads.append(try await hub.client.startUpload(in: "a")) }
        let port = hub.client.port
        let (kept, refused) = try await onThread { [uploads] in
            var wires: [Wire] = []
            var refused = 0
            // Long enough for whoever watches the process from inside it, once a second.
            let end = ContinuousClock.now + .seconds(3)
            while ContinuousClock.now < end {
                guard wires.count < 600 else {
                    usleep(10_000)
                    continue
                }
                let wire = try Wire(port: port)
                // Half of them have a file open.
                try wire.send(
                    wires.count.isMultiple(of: 2)
                        ? "PATCH \(uploads[wires.count / 2]) HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n1"
                        : "GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n")
                wires.append(wire)
            }
            var answered = 0
            // The uploads wait for the rest of their bodies, or were closed without a word.
            for (place, wire) in wires.enumerated() where !place.isMultiple(of: 2) {
                switch try? wire.reply()?.status {
                case 200: answered += 1
                case 503, nil: refused += 1
                case let status?: throw BrokenConnection(reason: "\(status)")
                }
            }
            return (answered, refused)
        }
        #expect(kept > 0)
        #expect(refused > 0)
        let seen = try await hub.client.send("GET", "/v2/a/manifests/v1")
        #expect(seen.body == image.bytes)
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `limits that fit stay, others are lowered in proportion`() {
        var limits = ConnectionLimits()
        #expect(OpenFiles(limit: 1 << 20, processors: 4).fit(limits) == limits)
        for limit in [64, 100, 256, 1024, 4096] {
            let fitting = OpenFiles(limit: limit, processors: 2).fit(limits)
            #expect(fitting.connections >= fitting.requests && fitting.requests > 0)
            if limit > 104 { #expect(80 + fitting.connections + 2 * fitting.requests <= limit) }
        }
        limits.connections = 0
        limits.requests = 0
        let fitting = OpenFiles(limit: 1024, processors: 2).fit(limits)
        #expect(fitting.connections > 0 && fitting.requests > 0)
    }
}
