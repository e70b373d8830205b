// SPDX-License-Identifier: Apache-2.0

private import CArchive
package import OCI

/// Unpacks a stream that is compressed with gzip or zstd; what is not compressed goes through as it is.
package enum Decompressor {
    /// Whether bytes are the beginning of a compressed stream (RFC 1952 §2.3.1; RFC 8878 §3.1.1).
    package static func isCompressed(_ beginning: [UInt8]) -> Bool {
        beginning.starts(with: [0x1f, 0x8b]) || beginning.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
    }

    /// - Parameters:
    ///   - source: the compressed bytes.
    ///   - sink: gets the others.
    ///   - limit: the most bytes that may come out: a bomb is small.
    ///   - name: what the stream is called in errors.
    /// - Throws: `ArchiveError`, or what source and sink threw.
    package static func unpack(
        _ source: any ByteSource, to sink: any ByteSink, limit: Int64, name: String
    ) throws {
        let reader = try ArchiveReader(source, name: name, what: "compressed stream") { archive in
            archive_read_support_filter_gzip(archive)
            archive_read_support_filter_zstd(archive)
            archive_read_support_format_raw(archive)
            // A stream of nothing is no error.
            archive_read_support_format_empty(archive)
        }
        guard try reader.next() != nil else { return }
        var total: Int64 = 0
        try reader.eachChunk { bytes in
            total += Int64(bytes.count)
            guard total <= limit else {
                throw ArchiveError(.tooLarge, "\(name) unpacks to more than \(limit) bytes")
            }
            try sink.write(bytes)
        }
    }
}
