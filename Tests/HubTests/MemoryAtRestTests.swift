// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import wasme_hub

/// What a hub holds when nothing is asked of it.
@Suite struct MemoryAtRestTests {
    @Test func `only what no one can write to and nothing was changed in is let go of`() {
        let text = """
            1000-2000 r--p 00000000 fe:00 11 /usr/bin/wasme-hub
            Rss:                   4 kB
            Anonymous:             0 kB
            2000-3000 r-xp 00001000 fe:00 11 /usr/bin/wasme-hub (deleted)
            Anonymous:             0 kB
            3000-4000 r--p 00002000 fe:00 11 /usr/bin/wasme-hub
            Anonymous:             4 kB
            VmFlags: rd mr mw me
            4000-5000 rw-p 00003000 fe:00 11 /usr/bin/wasme-hub
            Anonymous:             0 kB
            5000-6000 rw-p 00000000 00:00 0 
            Anonymous:             8 kB
            6000-7000 r--s 00000000 fe:00 12 /srv/hub/hub.sqlite-shm
            Anonymous:             0 kB
            7000-8000 r-xp 00000000 00:00 0                          [vdso]
            Anonymous:             0 kB
            not a line of the system
            """
        let all = MappedFile.all(in: text)
        #expect(all.map(\.range.lowerBound) == [0x1000, 0x2000, 0x3000, 0x4000, 0x6000])
        #expect(all.map(\.isOnlyTheFile) == [true, true, false, false, false])
    }

    @Test func `at rest the hub gives back what its start and its work needed, and works on`() async throws {
        let scratch = try ScratchDirectory("rest")
        let hub = try await HubProcess(data: scratch.path.appending("data"))
        let image = try await hub.client.pushImage(to: "acme/a", tag: "v1", layer: sampleBytes(100_000))
        let before = try mapped(hub.pid)
        let deadline = ContinuousClock.now + .seconds(60)
        while try mapped(hub.pid) > before * 9 / 10, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(200))
        }
        let after = try mapped(hub.pid)
        #expect(after <= before * 9 / 10, "\(before) kB, \(after) kB")
        #expect(try await hub.client.send("GET", "/v2/acme/a/manifests/v1").body == image.bytes)
        #expect(try await hub.client.send("GET", "/").status == 200)
        try await hub.client.pushImage(to: "acme/a", tag: "v2")
        #expect(await hub.stop(SIGTERM) == 0)
    }

    /// Kilobytes of files that are mapped and in memory.
    private func mapped(_ pid: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(Int(line.filter(\.isNumber)))
    }
}
