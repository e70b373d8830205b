// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct FilesTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("files") }

    @Test func `a file is replaced whole and leaves nothing beside it`() throws {
        let file = scratch.appending("a.txt")
        try Files.replace(file, with: Array("one".utf8))
        try Files.replace(file, with: Array("two".utf8))
        #expect(try Files.read(file) == Array("two".utf8))
        #expect(try Files.contents(scratch.path) == ["a.txt"])
    }

    @Test func `an unfinished sink leaves no file`() throws {
        let file = scratch.appending("a.txt")
        do {
            let sink = try FileSink(file)
            try Array("half".utf8).withUnsafeBytes { try sink.write($0) }
        }
        #expect(Files.kind(file) == nil)
    }

    @Test func `a file longer than allowed is not read`() throws {
        let file = try scratch.write("a.txt", "12345")
        #expect(throws: SystemError.self) { try Files.read(file, limit: 4) }
        #expect(try Files.read(file, limit: 5).count == 5)
    }

    @Test func `a file without a length is read to its end`() throws {
        #expect(try !Files.read(FilePath("/proc/self/status")).isEmpty)
    }

    @Test func `an error names the file and what to do`() throws {
        let error = #expect(throws: SystemError.self) { try Files.read(scratch.appending("none")) }
        #expect(error?.message.contains("none\": no such file or directory") == true)
        #expect(SystemError("write", "x", errno: ENOSPC).hint?.contains("space") == true)
    }

    @Test func `removing a folder does not follow links`() throws {
        let kept = try scratch.write("kept/file", "mine")
        try scratch.write("gone/inner/file", "x")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.appending("gone/link").string,
            withDestinationPath: scratch.appending("kept").string)
        try Files.remove(scratch.appending("gone"))
        #expect(Files.kind(scratch.appending("gone")) == nil)
        #expect(Files.kind(kept) == .file)
    }

    @Test func `a lock is held by one at a time`() throws {
        let path = scratch.appending("lock")
        var first = try FileLock(path, wait: false)
        #expect(first != nil)
        #expect(try FileLock(path, wait: false) == nil)
        first = nil
        // Waiting, as a program that another test starts just now shares the lock from `fork` to `exec`.
        #expect(try FileLock(path) != nil)
    }

    @Test func `what exists is never written over by a new file`() throws {
        let file = try scratch.write("a.txt", "mine")
        #expect(throws: SystemError.self) { try FileSink(file) }
        #expect(try Files.read(file) == Array("mine".utf8))
    }
}
