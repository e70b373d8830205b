// SPDX-License-Identifier: Apache-2.0

private import CArchive
package import OCI

/// Writes a plain tar whose bytes depend on nothing but its files: time 0, owner 0, mode 0644, in the order given.
package struct TarWriter {
    private let tar: ArchiveWriter

    package init(_ sink: any ByteSink) throws {
        tar = try ArchiveWriter(sink) { archive in
            // Plain ustar, as long as every size fits into it.
            archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK
                && archive_write_set_bytes_per_block(archive, 10_240) == ARCHIVE_OK
                // What ends the archive is padded to a block of tar, not of tape.
                && archive_write_set_bytes_in_last_block(archive, 10_240) == ARCHIVE_OK
        }
    }

    /// Adds a file; the sink that `body` gets takes exactly `size` bytes.
    package func add(_ path: String, size: Int64, _ body: (any ByteSink) throws -> Void) throws {
        try tar.beginFile(path, size: size)
        try body(tar)
    }

    /// Adds a file that is in memory.
    package func add(_ path: String, _ bytes: [UInt8]) throws {
        try add(path, size: Int64(bytes.count)) { sink in try bytes.withUnsafeBytes { try sink.write($0) } }
    }

    /// Ends the archive.
    package func close() throws { try tar.close() }
}
