// SPDX-License-Identifier: Apache-2.0

import Archive
import Files
import OCI
import SystemPackage
import TestSupport
import Testing

@Suite struct TarIndexTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("tar") }

    /// A tar of our own making.
    private func written(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink(limit: .max)
        let tar = try TarWriter(sink)
        for (path, bytes) in files { try tar.add(path, bytes) }
        try tar.close()
        return sink.bytes
    }

    private func index(_ bytes: [UInt8]) throws -> TarIndex { try TarIndex(MemorySource(bytes), name: "it") }

    @Test func `each file is where the index says`() throws {
        let files = [("a", Array("first".utf8)), ("b/c", [UInt8](repeating: 7, count: 1025)), ("empty", [])]
        let bytes = try written(files)
        let index = try index(bytes)
        #expect(index.entries.count == 3)
        for (path, content) in files {
            guard case .file(let range)? = index.entries[path] else { throw Missing(path: path) }
            #expect(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]) == content)
        }
    }

    @Test(.requires(.bsdtar), arguments: ["ustar", "pax", "gnutar"])
    func `archives of other tools are read in every dialect`(_ format: String) async throws {
        let long = String(repeating: "d/", count: 70) + "deep.txt"
        try scratch.write("in/\(long)", "found")
        try scratch.write("in/plain", "p")
        let links = scratch.appending("in")
        for (command, arguments) in [("ln", ["-s", "plain", "link"]), ("ln", ["plain", "hard"])] {
            let outcome = try await run(FilePath("/bin/\(command)"), arguments, in: links)
            try #require(outcome.status == 0)
        }
        let file = scratch.appending("\(format).tar")
        let outcome = try await run(
            try #require(Tool.bsdtar.path), ["-cf", file.string, "--format", format, "-C", links.string, "."])
        try #require(outcome.status == 0, "\(outcome.stderr)")
        let bytes = try Files.read(file)
        let index = try index(bytes)
        guard case .file(let range)? = index.entries[long] else { throw Missing(path: long) }
        #expect(bytes[Int(range.lowerBound)..<Int(range.upperBound)].elementsEqual("found".utf8))
        #expect(index.entries["link"] == .other("a symbolic link"))
        let twins = [index.entries["hard"], index.entries["plain"]]
        #expect(twins.contains(.other("a hard link")), "\(twins)")
    }

    @Test func `a size that lies is found out`() throws {
        var bytes = try written([("a", Array("first".utf8))])
        // The size field, then the checksum that goes with it.
        bytes.replaceSubrange(124..<136, with: Array("77777777777\0".utf8))
        let sum = bytes[0..<512].enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
        }
        let octal = String(sum, radix: 8)
        bytes.replaceSubrange(
            148..<156, with: Array((String(repeating: "0", count: 6 - octal.count) + octal + "\0 ").utf8))
        let error = #expect(throws: ArchiveError.self) { try index(bytes) }
        #expect(error?.message.contains("longer than the archive") == true, "\(String(describing: error))")
    }

    @Test func `what is no archive or ends early is refused`() throws {
        let bytes = try written([("a", [UInt8](repeating: 1, count: 2000))])
        for broken in [[], Array("<html>".utf8), Array(bytes.prefix(700)), Array(bytes.prefix(100))] {
            #expect(throws: ArchiveError.self, "\(broken.count) bytes") { try index(broken) }
        }
    }

    @Test func `an archive of very many entries is refused`() throws {
        let one = Array(try written([("a", [])]).prefix(512))
        let many = MemorySource(Array(repeatElement(one, count: TarIndex.maximumEntries + 1).joined()))
        // One name for all: the limit is on what is looked at as well as on what is kept.
        #expect(throws: ArchiveError.self) { try TarIndex(many, name: "it") }
    }

    /// In a turn of its own: it keeps a thread busy for as long as it may.
    @Suite struct MutationTests {
        @Test func `damaged archives are refused, or read within their bounds`() throws {
            let tests = try TarIndexTests()
            let corpus = [
                try tests.written([
                    ("oci-layout", Array("{}".utf8)), ("blobs/sha256/aa", [UInt8](repeating: 9, count: 600)),
                ]),
                try tests.written([(String(repeating: "n", count: 200), [1, 2, 3])]),
            ]
            try Fuzzer("tar", corpus: corpus).run { bytes in
                guard let index = try? TarIndex(MemorySource(bytes), name: "it") else { return nil }
                for case .file(let range) in index.entries.values
                where range.lowerBound < 0 || range.upperBound > bytes.count {
                    return "a file from \(range.lowerBound) to \(range.upperBound)"
                }
                return nil
            }
        }
    }

    struct Missing: Error { let path: String }
}
