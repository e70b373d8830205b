// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import ImageTransfer
import OCI
import OCIRegistry
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite final class UploadJournalTests: Sendable {
    private let scratch: ScratchDirectory
    private let digest = Digest(of: [1, 2, 3])
    private let host: RegistryHost
    private let now = Mutex(Int64(Date().timeIntervalSince1970))

    init() throws {
        scratch = try ScratchDirectory("journal")
        host = try RegistryHost("localhost:5000")
    }

    private var folder: FilePath { scratch.appending("a").appending("uploads") }
    private var files: [FilePath] { get throws { try Files.contents(folder).map { folder.appending($0) } } }

    private func record(
        _ digest: Digest? = nil, in repository: Repository = repository
    ) -> (any UploadRecord)? {
        let time = now.withLock { $0 }
        return FileUploadJournal(folder, now: { time }).record(
            of: digest ?? self.digest, in: repository, at: host)
    }

    @Test func `a location is kept for its own upload alone, and is a secret`() throws {
        do {
            let entry = try #require(record())
            #expect(entry.location == nil)
            entry.keep("http://localhost:5000/up?a-longer-one-than-the-next")
            entry.keep("http://localhost:5000/up?s")
        }
        #expect(record()?.location == "http://localhost:5000/up?s")
        #expect(record(Digest(of: [4]))?.location == nil)
        #expect(try record(in: Repository("acme/other"))?.location == nil)
        let file = try #require(try files.first)
        #expect(try files.count == 1)
        let mode = try FileManager.default.attributesOfItem(atPath: file.string)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(!file.string.contains("acme"))
    }

    @Test func `only one has an upload at a time`() throws {
        let first = try #require(record())
        first.keep("http://localhost:5000/up")
        #expect(record() == nil)
        #expect(record(Digest(of: [4])) != nil)
        // Still held after all the looking.
        withExtendedLifetime(first) { #expect(record() == nil) }
    }

    @Test func `what is forgotten or never begun leaves nothing`() throws {
        do {
            let entry = try #require(record())
            entry.keep("http://localhost:5000/up")
            entry.forget()
        }
        #expect(record()?.location == nil)
        #expect(try files == [])
    }

    @Test func `a record that is a day old is gone, unless somebody is at it`() throws {
        record()?.keep("http://localhost:5000/up")
        now.withLock { $0 += 86_000 }
        #expect(record()?.location != nil)
        let held = try #require(record(Digest(of: [4])))
        held.keep("http://localhost:5000/other")
        now.withLock { $0 += 86_000 }
        #expect(record()?.location == nil)
        withExtendedLifetime(held) {}
        #expect(try files.count == 1)
    }

    @Test(arguments: ["", "\n", "{", "nonsense", "{\"upload\":1}\n", "[[[[[", "\u{0}\u{1}"])
    func `a damaged record is none`(_ text: String) throws {
        record()?.keep("http://localhost:5000/up")
        let file = try #require(try files.first)
        try Files.replace(file, with: Array(text.utf8))
        let entry = try #require(record())
        #expect(entry.location == nil)
        entry.keep("http://localhost:5000/new")
    }

    @Test func `what cannot be kept does no harm`() throws {
        try scratch.write("a", "a file where the folder should be")
        #expect(record() == nil)
        try Files.remove(scratch.appending("a"))
        let entry = try #require(record())
        try Files.remove(scratch.appending("a"))
        entry.keep("http://localhost:5000/up")
        entry.forget()
    }
}
