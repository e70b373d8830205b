// SPDX-License-Identifier: Apache-2.0

import CArchive
import OCI

/// Owns a libarchive writer whose output goes to a sink.
final class ArchiveWriter: ByteSink {
    private let archive: OpaquePointer
    private let output: Output

    /// What the C callback reaches: the sink, and the error that it threw.
    private final class Output {
        let sink: any ByteSink
        var failure: (any Error)?
        init(_ sink: any ByteSink) { self.sink = sink }
    }

    init(_ sink: any ByteSink, configure: (OpaquePointer) -> Bool) throws {
        guard let archive = archive_write_new() else {
            throw ArchiveError(.writing, "cannot write an archive: out of memory")
        }
        self.archive = archive
        output = Output(sink)
        guard configure(archive) else { throw failure() }
        let context = Unmanaged.passUnretained(output).toOpaque()
        let result = archive_write_open(
            archive, context, nil,
            { _, context, bytes, count in
                guard let context, let bytes else { return -1 }
                let output = Unmanaged<Output>.fromOpaque(context).takeUnretainedValue()
                do {
                    try output.sink.write(UnsafeRawBufferPointer(start: bytes, count: count))
                    return count
                } catch {
                    output.failure = error
                    return -1
                }
            }, nil)
        guard result == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_write_free(archive) }

    func beginFile(_ path: String, size: Int64?) throws {
        guard let entry = archive_entry_new() else {
            throw ArchiveError(.writing, "cannot write an archive: out of memory")
        }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, path)
        archive_entry_set_filetype(entry, regularFile)
        archive_entry_set_perm(entry, 0o644)
        archive_entry_set_mtime(entry, 0, 0)
        archive_entry_set_uid(entry, 0)
        archive_entry_set_gid(entry, 0)
        if let size { archive_entry_set_size(entry, size) }
        guard archive_write_header(archive, entry) == ARCHIVE_OK else { throw failure() }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let written = archive_write_data(archive, rest.baseAddress, rest.count)
            guard written > 0 else { throw failure() }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    func close() throws {
        guard archive_write_close(archive) == ARCHIVE_OK else { throw failure() }
    }

    private func failure() -> any Error {
        if let error = output.failure { return error }
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
        return ArchiveError(.writing, "cannot write the archive: \(text)")
    }
}
