// SPDX-License-Identifier: Apache-2.0

private import CArchive
private import Foundation
package import OCI

/// Reads regular files out of a foreign tar archive, never to the disk, and in bounds.
package struct TarReader: Sendable {
    /// Most entries that are looked at.
    package var maximumEntries = 10_000
    /// Most uncompressed bytes of all files together, skipped ones included: to skip one costs as much time as to read it.
    package var maximumBytes: Int64 = 512 << 20

    package init() {}

    /// Walks the archive, plain or compressed, in its own order.
    /// - Parameters:
    ///   - source: the archive's bytes.
    ///   - name: what the archive is called in errors.
    ///   - visit: gets each regular file's path and its size, and gives the sink for its bytes; nil skips it.
    /// - Throws: `ArchiveError`, or what source, sink or `visit` threw.
    package func read(
        _ source: any ByteSource, name: String, visit: (String, Int64) throws -> (any ByteSink)?
    ) throws {
        let input = Input(source)
        guard let archive = archive_read_new() else {
            throw ArchiveError(.damaged, "cannot read \(name): out of memory")
        }
        defer { archive_read_free(archive) }
        archive_read_support_filter_gzip(archive)
        archive_read_support_format_tar(archive)
        archive_read_support_format_gnutar(archive)
        func failure(_ result: Int32) -> any Error {
            if let error = input.failure { return error }
            let text = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
            return ArchiveError(.damaged, "\(name) is not a readable tar archive: \(text)")
        }
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
        guard opened == ARCHIVE_OK else { throw failure(opened) }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 << 10, alignment: 16)
        defer { chunk.deallocate() }
        var entries = 0
        var total: Int64 = 0
        while true {
            var entry: OpaquePointer?
            let result = archive_read_next_header(archive, &entry)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry else { throw failure(result) }
            entries += 1
            guard entries <= maximumEntries else {
                throw ArchiveError(.tooLarge, "\(name) has more than \(maximumEntries) entries")
            }
            let size = max(0, archive_entry_size(entry))
            guard size <= maximumBytes - total else {
                throw ArchiveError(.tooLarge, "\(name) unpacks to more than \(maximumBytes) bytes")
            }
            // Links are no files: what they lead to is not asked for.
            guard archive_entry_filetype(entry) == regularFile, archive_entry_hardlink(entry) == nil,
                let path = archive_entry_pathname(entry).map({ String(cString: $0) })
            else { continue }
            guard let sink = try visit(path, archive_entry_size(entry)) else {
                total += size
                continue
            }
            while true {
                let count = archive_read_data(archive, chunk.baseAddress, chunk.count)
                if count == 0 { break }
                guard count > 0 else { throw failure(Int32(count)) }
                total += Int64(count)
                guard total <= maximumBytes else {
                    throw ArchiveError(.tooLarge, "\(name) unpacks to more than \(maximumBytes) bytes")
                }
                try sink.write(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            }
        }
    }

    /// What the C callback reaches: the source, its buffer, and the error that it threw.
    private final class Input {
        let source: any ByteSource
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        var failure: (any Error)?
        init(_ source: any ByteSource) { self.source = source }
        deinit { buffer.deallocate() }
    }
}
