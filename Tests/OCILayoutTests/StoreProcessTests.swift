// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// Real processes on one store: killed at any point, and many at a time.
@Suite struct StoreProcessTests {
    /// What a worker has said, and what must be true therefore.
    struct Promises {
        private(set) var images: [String: Digest] = [:]
        /// The number of the last image that was stored.
        private(set) var last = 0

        /// Takes in what a worker wrote; a line that has no end was never said.
        mutating func hear(_ output: String) {
            guard let end = output.lastIndex(of: "\n") else { return }
            for line in output[..<end].split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                switch words[0] {
                case "stored":
                    images[words[1]] = Digest(words[2])
                    last = words[1].split(separator: ":").last.flatMap { Int($0) } ?? last
                case "removing": images[words[1]] = nil
                default: break
                }
            }
        }

        /// Holds a store against what was said of it.
        func check(_ store: ImageStore) throws {
            let problems = try store.verify()
            #expect(problems.isEmpty, "\(problems)")
            for (name, digest) in images {
                #expect(try store.resolve(Reference(name)).digest == digest, "\(name)")
            }
            let blobs = store.root.appending("blobs").appending("sha256")
            for name in Files.kind(blobs) == nil ? [] : try Files.contents(blobs) {
                #expect(Digest(of: try Files.read(blobs.appending(name))).hex == name)
            }
        }
    }

    private func worker(_ store: FilePath, _ id: String, _ numbers: Range<Int>) throws -> BackgroundProcess {
        let worker = try BackgroundProcess(
            buildFolder.appending("StoreWorker"),
            [store.string, id, "\(numbers.lowerBound)", "\(numbers.upperBound)"])
        try worker.start()
        return worker
    }

    @Test func `a process that is killed at any moment leaves a store that is whole`() async throws {
        let scratch = try ScratchDirectory("killed")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for lane in 0..<4 {
                group.addTask {
                    let store = try ImageStore(scratch.appending("\(lane)"))
                    var promises = Promises()
                    for _ in 0..<50 {
                        // From the last image on, so that what came of the next one is taken up.
                        let first = promises.last + 1
                        let worker = try worker(store.root, "w", first..<first + 1000)
                        _ = try await worker.line { $0 == "ready" ? true : nil }
                        // Up to a few images later; where in its work that is, is up to chance.
                        try await Task.sleep(for: .microseconds(Int.random(in: 0..<150_000)))
                        #expect(await worker.stop(9) == -9, "\(worker.stderr)")
                        promises.hear(worker.stdout)
                        try promises.check(store)
                    }
                    return promises.last
                }
            }
            for try await stored in group { #expect(stored > 10) }
        }
    }

    @Test func `processes that store, name, remove and prune at the same time lose nothing`() async throws {
        let scratch = try ScratchDirectory("shared")
        let store = try ImageStore(scratch.appending("store"))
        let workers = try (0..<5).map { try worker(store.root, "w\($0)", 1..<21) }
        var promises = Promises()
        for worker in workers {
            let outcome = await worker.wait()
            #expect(outcome.status == 0, "\(outcome.stderr)")
            promises.hear(outcome.stdout)
        }
        try promises.check(store)
        #expect(promises.images.count >= 5 * 4)
        #expect(try store.list(all: true).count == promises.images.count)
        #expect(try store.prune().leftovers == 0)
        #expect(try Files.contents(store.root.appending("ingest")).isEmpty)
        _ = try store.prune(named: true)
        #expect(try Files.contents(store.root.appending("blobs").appending("sha256")).isEmpty)
    }
}
