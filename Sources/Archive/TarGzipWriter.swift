// SPDX-License-Identifier: Apache-2.0

private import CArchive
package import OCI

/// One regular file of an archive to write.
package struct ArchiveFile: Sendable {
    /// Path inside the archive.
    package let path: String
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// What writing a layer tells about it.
package struct PackedLayer: Sendable, Hashable {
    /// Digest of the uncompressed tar, as `rootfs.diff_ids` wants it (image-spec 1.1, config.md "Layer DiffID").
    package let diffID: Digest
}

/// Writes a layer whose bytes depend on nothing but its files: sorted names, time 0, owner 0, mode 0644, and a gzip
/// header without time (image-spec 1.1, layer.md).
package enum TarGzipWriter {
    /// Writes the files as a gzip-compressed ustar archive.
    /// - Parameters:
    ///   - files: regular files, in any order; paths are relative and at most 100 bytes long.
    ///   - sink: where the compressed bytes go.
    /// - Returns: what a manifest needs to know of the layer.
    /// - Throws: `ArchiveError`, or what the sink threw.
    package static func write(_ files: [ArchiveFile], to sink: any ByteSink) throws -> PackedLayer {
        let gzip = try ArchiveWriter(sink) { archive in
            archive_write_set_format_raw(archive) == ARCHIVE_OK
                && archive_write_add_filter_gzip(archive) == ARCHIVE_OK
                && archive_write_set_options(archive, "gzip:compression-level=9,gzip:!timestamp")
                    == ARCHIVE_OK
                // Zeros after the gzip member, libarchive's habit, are an invalid second member to strict readers.
                && archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK
        }
        try gzip.beginFile("layer.tar", size: nil)
        let hashing = HashingSink(into: gzip)
        let tar = try ArchiveWriter(hashing) { archive in
            archive_write_set_format_ustar(archive) == ARCHIVE_OK
                && archive_write_set_bytes_per_block(archive, 10_240) == ARCHIVE_OK
        }
        for file in files.sorted(by: { $0.path < $1.path }) {
            try tar.beginFile(file.path, size: Int64(file.bytes.count))
            try file.bytes.withUnsafeBytes { try tar.write($0) }
        }
        try tar.close()
        try gzip.close()
        return PackedLayer(diffID: hashing.hasher.finalize())
    }
}

/// Hashes what passes.
private final class HashingSink: ByteSink {
    let hasher = DigestHasher()
    private let next: any ByteSink

    init(into next: any ByteSink) { self.next = next }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        hasher.update(bytes)
        try next.write(bytes)
    }
}
