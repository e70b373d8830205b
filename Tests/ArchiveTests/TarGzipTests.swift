// SPDX-License-Identifier: Apache-2.0

import Archive
import Files
import OCI
import SystemPackage
import TestSupport
import Testing

@Suite struct TarGzipTests {
    let files = [
        ArchiveFile(path: "plugin.wasm", bytes: Array(repeating: 7, count: 100_000)),
        ArchiveFile(path: "README.md", bytes: Array("hello".utf8)),
        ArchiveFile(path: "empty", bytes: []),
    ]

    func packed(_ files: [ArchiveFile]) throws -> (bytes: [UInt8], layer: PackedLayer) {
        let sink = MemorySink(limit: .max)
        let layer = try TarGzipWriter.write(files, to: sink)
        return (sink.bytes, layer)
    }

    @Test func `the order of the files does not change the bytes`() throws {
        let first = try packed(files)
        let second = try packed(files.reversed())
        #expect(first.bytes == second.bytes)
        #expect(first.layer == second.layer)
        // The header's time and the operating system's byte must not tell when or where it was made (RFC 1952 §2.3).
        #expect(Array(first.bytes[4..<8]) == [0, 0, 0, 0])
    }

    /// The uncompressed form is ours alone; compressed bytes may change with the compression library.
    @Test func `the layer's diffID stays what it was in earlier releases`() throws {
        let diffID = try packed(files).layer.diffID.description
        #expect(
            diffID
                == "sha256:7dc36ff246bddbc9028a19e56c6224e1ea38ef2f4db4d403d362cbf776a643c8")
    }

    @Test func `what was written is read back`() throws {
        var sinks: [String: MemorySink] = [:]
        try TarReader().read(MemorySource(packed(files).bytes), name: "layer") { path, _ in
            let sink = MemorySink(limit: 1 << 20)
            sinks[path] = sink
            return sink
        }
        #expect(
            sinks.mapValues(\.bytes) == Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.bytes) }))
    }

    @Test func `a truncated or foreign stream is refused`() throws {
        let bytes = try packed(files).bytes
        for broken in [
            Array(bytes.prefix(bytes.count / 2)), Array("<html>not found</html>".utf8),
            Array(bytes.prefix(3)),
        ] {
            #expect(throws: ArchiveError.self) {
                try TarReader().read(MemorySource(broken), name: "layer") { _, _ in MemorySink(limit: 1 << 20)
                }
            }
        }
    }

    @Test func `a bomb stops at the limit`() throws {
        let bomb = try packed([ArchiveFile(path: "zero", bytes: Array(repeating: 0, count: 8 << 20))]).bytes
        var reader = TarReader()
        reader.maximumBytes = 1 << 20
        #expect(throws: ArchiveError.self) {
            try reader.read(MemorySource(bomb), name: "layer") { _, _ in MemorySink(limit: .max) }
        }
    }

    @Test(.requires(.bsdtar)) func `bsdtar lists what we wrote`() async throws {
        let scratch = try ScratchDirectory("archive")
        let file = scratch.appending("layer.tar.gz")
        try Files.replace(file, with: packed(files).bytes)
        let outcome = try await run(try #require(Tool.bsdtar.path), ["-tvf", file.string])
        #expect(outcome.status == 0, "\(outcome.stderr)")
        let lines = outcome.stdout.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.hasPrefix("-rw-r--r--") && $0.contains("1970") }, "\(outcome.stdout)")
    }
}
