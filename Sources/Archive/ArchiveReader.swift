// SPDX-License-Identifier: Apache-2.0

import CArchive
import OCI

/// Owns a libarchive reader whose input comes from a source.
final class ArchiveReader {
    private let archive: OpaquePointer
    private let input: Input
    private let name: String
    private let what: String
    /// Zeros, for the holes of sparse files.
    private let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    /// What the C callback reaches: the source, its buffer, and the error that it threw.
    private final class Input {
        let source: any ByteSource
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        var failure: (any Error)?
        init(_ source: any ByteSource) { self.source = source }
        deinit { buffer.deallocate() }
    }

    /// - Parameters:
    ///   - source: the bytes.
    ///   - name: what they are called in errors.
    ///   - what: what they should be.
    ///   - configure: says which filters and formats are taken.
    /// - Throws: `ArchiveError`, or what the source threw.
    init(
        _ source: any ByteSource, name: String, what: String, configure: (OpaquePointer) -> Void
    ) throws {
        guard let archive = archive_read_new() else {
            throw ArchiveError(.damaged, "cannot read \(name): out of memory")
        }
        self.archive = archive
        self.name = name
        self.what = what
        input = Input(source)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        configure(archive)
        let opened = archive_read_open(
            archive, Unmanaged.passUnretained(input).toOpaque(), nil,
            { _, context, buffer in
                guard let context else { return -1 }
                let input = Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
                do {
                    let count = try input.source.read(into: input.buffer)
                    buffer?.pointee = UnsafeRawPointer(input.buffer.baseAddress)
                    return count
                } catch {
                    input.failure = error
                    return -1
                }
            }, nil)
        guard opened == ARCHIVE_OK else { throw failure() }
    }

    deinit {
        archive_read_free(archive)
        zeros.deallocate()
    }

    /// Bytes of the entry, if they are known.
    private var size: Int64?
    private var isOver = false

    /// Bytes that were unpacked so far, headers and what fills up blocks included.
    var unpackedBytes: Int64 { archive_filter_bytes(archive, 0) }

    /// Goes to the next entry; nil at the end.
    func next() throws -> OpaquePointer? {
        if isOver { return nil }
        var entry: OpaquePointer?
        let result = archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry else { throw failure() }
        size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : nil
        return entry
    }

    /// Reads the entry's bytes to their end; the holes of a sparse file are zeros.
    func eachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var position: Int64 = 0
        func skip(to end: Int64) throws {
            while position < end {
                let count = min(Int(end - position), zeros.count)
                try body(UnsafeRawBufferPointer(rebasing: zeros[..<count]))
                position += Int64(count)
            }
        }
        while true {
            var bytes: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let result = archive_read_data_block(archive, &bytes, &count, &offset)
            if result == ARCHIVE_EOF { return try skip(to: size ?? position) }
            if result < ARCHIVE_WARN, position == size, input.failure == nil {
                // All of the file came, and what fills up its last block did not: umoci leaves that out, and the tar
                // reader of Go, which the hosts' fetchers use, does not miss it. Nothing can follow.
                isOver = true
                return
            }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw failure() }
            try skip(to: offset)
            try body(UnsafeRawBufferPointer(start: bytes, count: count))
            position += Int64(count)
        }
    }

    private func failure() -> any Error {
        if let error = input.failure { return error }
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
        return ArchiveError(.damaged, "\(name) is not a readable \(what): \(text)")
    }
}
