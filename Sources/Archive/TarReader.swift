// SPDX-License-Identifier: Apache-2.0

private import CArchive
package import OCI

/// Reads regular files out of a foreign tar archive, never to the disk, and in bounds.
package struct TarReader: Sendable {
    /// Most entries that are looked at.
    package var maximumEntries = 10_000
    /// Most uncompressed bytes of all files together, skipped ones included: to skip one costs as much time as to read it.
    package var maximumBytes: Int64 = 512 << 20
    /// Bytes beside its files that an entry may cost: its header, what fills up its last block, extensions.
    private static let overhead: Int64 = 4 << 10

    package init() {}

    /// Walks the archive, plain or compressed with gzip or zstd, in its own order.
    /// - Parameters:
    ///   - source: the archive's bytes.
    ///   - name: what the archive is called in errors.
    ///   - visit: gets each regular file's path and its size, and gives the sink for its bytes; nil skips it.
    ///   - other: is told of what is no regular file, and what it is instead.
    /// - Returns: how many bytes were unpacked for that.
    /// - Throws: `ArchiveError`, or what source, sink or `visit` threw.
    @discardableResult
    package func read(
        _ source: any ByteSource, name: String, visit: (String, Int64) throws -> (any ByteSink)?,
        other: (_ path: String, _ kind: String) -> Void = { _, _ in }
    ) throws -> Int64 {
        let reader = try ArchiveReader(source, name: name, what: "tar archive") { archive in
            archive_read_support_filter_gzip(archive)
            archive_read_support_filter_zstd(archive)
            archive_read_support_format_tar(archive)
            archive_read_support_format_gnutar(archive)
        }
        var entries = 0
        var total: Int64 = 0
        while let entry = try reader.next() {
            entries += 1
            guard entries <= maximumEntries else {
                throw ArchiveError(.tooLarge, "\(name) has more than \(maximumEntries) entries")
            }
            let size = max(0, archive_entry_size(entry))
            // Headers can be a bomb of their own: an entry may have many, each of a mebibyte.
            let mostWithHeaders = maximumBytes + (1 << 20) + Int64(entries) * Self.overhead
            guard size <= maximumBytes - total, reader.unpackedBytes <= mostWithHeaders else {
                throw ArchiveError(.tooLarge, "\(name) unpacks to more than \(maximumBytes) bytes")
            }
            guard let path = archive_entry_pathname(entry).map({ String(cString: $0) }) else { continue }
            // Links are no files: what they lead to is not asked for.
            if let kind = Self.otherKind(entry) {
                other(path, kind)
                continue
            }
            guard let sink = try visit(path, archive_entry_size(entry)) else {
                total += size
                continue
            }
            try reader.eachChunk { bytes in
                total += Int64(bytes.count)
                guard total <= maximumBytes else {
                    throw ArchiveError(.tooLarge, "\(name) unpacks to more than \(maximumBytes) bytes")
                }
                try sink.write(bytes)
            }
        }
        return reader.unpackedBytes
    }

    /// What an entry is, if it is no regular file.
    private static func otherKind(_ entry: OpaquePointer) -> String? {
        if archive_entry_hardlink(entry) != nil { return "a hard link" }
        return switch archive_entry_filetype(entry) & 0o170000 {
        case regularFile: nil
        case 0o120000: "a symbolic link"
        case 0o040000: "a folder"
        case 0o020000, 0o060000: "a device"
        default: "a pipe or a socket"
        }
    }
}
