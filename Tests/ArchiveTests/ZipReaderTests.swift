// SPDX-License-Identifier: Apache-2.0

import Archive
import Files
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Zip archives that bsdtar wrote, whole and damaged.
@Suite struct ZipReaderTests {
    private final class Collected: ByteSink {
        var bytes: [UInt8] = []
        func write(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
    }

    private static let texts = [
        "empty": "", "short": "hello", "long": String(repeating: "a line of text\n", count: 50_000),
        "folder/inside": "deep",
    ]

    private func archive(
        _ make: (ScratchDirectory, FilePath) async throws -> ProcessOutcome
    ) async throws
        -> [UInt8]
    {
        let scratch = try ScratchDirectory("zip")
        for (name, text) in Self.texts { _ = try scratch.write("content/\(name)", text) }
        let file = scratch.appending("made.zip")
        let outcome = try await make(scratch, file)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        return try Files.read(file)
    }

    private func byBsdtar(_ options: String...) async throws -> [UInt8] {
        try await archive { scratch, file in
            try await run(
                try #require(Tool.bsdtar.path), ["--format", "zip"] + options + ["-cf", file.string, "."],
                in: scratch.appending("content"))
        }
    }

    private func check(_ bytes: [UInt8]) throws {
        let reader = try ZipReader(MemorySource(bytes), name: "it")
        for (name, text) in Self.texts {
            let entry = try #require(reader.entries.first { $0.path == name || $0.path == "./\(name)" })
            let sink = Collected()
            try reader.unpack(entry, to: sink, limit: 1 << 20)
            #expect(String(decoding: sink.bytes, as: UTF8.self) == text, "\(name)")
            if !text.isEmpty {
                #expect(throws: ArchiveError.self) {
                    try reader.unpack(entry, to: Collected(), limit: Int64(text.utf8.count) - 1)
                }
            }
        }
    }

    @Test(.requires(.bsdtar)) func `what others wrote is read`() async throws {
        try check(try await byBsdtar())
        try check(try await byBsdtar("--options", "zip:compression=store"))
    }

    @Test(.requires(.bsdtar)) func `damage is an error, and never more than that`() async throws {
        let whole = try await byBsdtar()
        var random = SystemRandomNumberGenerator()
        for round in 0..<400 {
            var bytes = whole
            if round % 4 == 0 {
                bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
            } else {
                // Where headers are, at the end and at the start, damage does most.
                let place = Bool.random() ? bytes.count - 1 - Int.random(in: 0..<400) : Int.random(in: 0..<80)
                bytes[place] ^= UInt8.random(in: 1...255, using: &random)
            }
            do {
                let reader = try ZipReader(MemorySource(bytes), name: "it")
                for entry in reader.entries { try reader.unpack(entry, to: Collected(), limit: 1 << 20) }
            } catch is ArchiveError {
                // What was to be expected.
            }
        }
        #expect(throws: ArchiveError.self) { try ZipReader(MemorySource([]), name: "it") }
        #expect(throws: ArchiveError.self) { try ZipReader(MemorySource(Array("PK".utf8)), name: "it") }
    }
}
