// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// The disk says no to a running hub: each call that it makes, at each place in a push; files that cannot be
/// opened are OpenFileDurabilityTests.
@Suite(.requires(.strace)) struct LateFaultDurabilityTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let call: String
        let error: String
        var testDescription: String { "\(call): \(error)" }
    }

    static let faults = [
        ("pwrite64", "ENOSPC"), ("ftruncate", "EIO"), ("fdatasync", "EIO"), ("fsync", "EIO"),
        ("rename", "ENOSPC"), ("unlink", "EIO"), ("pread64", "EIO"),
        ("newfstatat,fstat,statx", "EIO"),
    ].map { Fault(call: $0.0, error: $0.1) }

    /// Refuses one call of every thread of a running process, and the next two in later rounds.
    private func inject(_ fault: Fault, _ number: Int, into pid: Int32) async throws -> BackgroundProcess {
        let tracer = try BackgroundProcess(
            try #require(Tool.strace.path),
            [
                "-f", "-p", "\(pid)", "-o", "/dev/null", "-e", "trace=\(fault.call)", "-e",
                "inject=\(fault.call):error=\(fault.error):when=\(number)",
            ])
        try tracer.start()
        let deadline = ContinuousClock.now + .seconds(60)
        while !tracer.stderr.contains("attached") {
            try #require(tracer.isRunning && ContinuousClock.now < deadline, "\(tracer.stderr)")
            try await Task.sleep(for: .milliseconds(5))
        }
        return tracer
    }

    @Test(arguments: faults)
    func `a call that fails in the middle costs that request at most`(_ fault: Fault) async throws {
        let scratch = try ScratchDirectory("faults")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        var acknowledged: [String: ManifestDocument] = [:]
        acknowledged["old"] = try await hub.client.pushImage(to: "a", tag: "old", layer: sampleBytes(30_000))
        for number in 1...3 {
            let tracer = try await inject(fault, number, into: hub.pid)
            for attempt in 0..<3 {
                let tag = "t\(number)-\(attempt)"
                let layer = sampleBytes(30_000 + attempt, seed: UInt64(number * 10 + attempt))
                if let image = try await hub.client.pushOrRefusal(tag, layer) { acknowledged[tag] = image }
                // A delete in between, of what nobody counts on.
                let gone = try await hub.client.send("DELETE", "/v2/a/manifests/none-\(attempt)")
                #expect([404, 500, 503, 507].contains(gone.status), "\(gone.text)")
            }
            // Foundation starts processes with most signals blocked; who is traced goes on alone.
            await tracer.stop(SIGKILL)
        }
        // Without the tracer everything works.
        for number in 0..<3 {
            let tag = "after-\(number)"
            acknowledged[tag] = try await hub.client.pushImage(
                to: "a", tag: tag, layer: sampleBytes(30_000, seed: UInt64(number + 100)))
        }
        #expect(await hub.stop(SIGKILL) == -SIGKILL)
        try await expectWhole(data, acknowledged)
    }
}
