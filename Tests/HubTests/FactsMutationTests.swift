// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Hub
import HubFacts
import OCI
import Synchronization
import TestSupport
import Testing

/// Layers and modules with damage of every kind give facts, whatever they are, and end nothing.
@Suite struct FactsMutationTests {
    private final class Outcome: Sendable {
        let error = Mutex<String?>(nil)
    }

    /// Runs tasks apart from those of other suites, which fuzzers hold up for a minute at a time.
    private final class QueueExecutor: TaskExecutor {
        private let queue = DispatchQueue(label: "facts-mutation")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    @Test func `damaged layers and modules are recorded, and the same each time`() async throws {
        let module = FilterSketch.module()
        let tar = try FilterSketch.tar([("README.md", Array("# Tiny".utf8)), ("plugin.wasm", module)])
        let gzip = try FilterSketch.layer([("plugin.wasm", module)])
        // The reader's thread gives way to all others, and the fuzzers beside this one leave it little.
        let fuzzer = Fuzzer(
            "facts", corpus: [module, tar, gzip, FilterSketch.zstd(tar)], patience: .seconds(60))
        let reader = FilterReader()
        // What is known of hosts is read with the first image.
        let sound = try FilterSketch()
        #expect(try await reader.read(sound.document, from: sound.access).facts.kind == .filter)
        let executor = QueueExecutor()
        // The fuzzer blocks its thread, which must not be one of those that tasks share.
        _ = try await onThread {
            try fuzzer.run { bytes in
                let outcome = Outcome()
                let done = DispatchSemaphore(value: 0)
                Task(executorPreference: executor) {
                    do {
                        let isModule = bytes.starts(with: [0, 0x61])
                        let image = try FilterSketch([
                            (isModule ? "application/wasm" : FilterSketch.tarGzip, bytes)
                        ])
                        let first = try await reader.read(image.document, from: image.access)
                        let second = try await reader.read(image.document, from: image.access)
                        if first.facts != second.facts || first.module != second.module {
                            outcome.error.withLock { $0 = "the same bytes give other facts" }
                        }
                    } catch { outcome.error.withLock { $0 = "\(error)" } }
                    done.signal()
                }
                done.wait()
                return outcome.error.withLock { $0 }
            }
        }
    }
}
