// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Reads single files out of a foreign zip archive, as Python's wheels are (PKWARE APPNOTE 6.3.10, sections 4.3.6 to 4.3.16).
///
/// Files are stored or deflated, as nearly all are; archives of more than 4 GiB, and encrypted ones, are not read.
package struct ZipReader {
    /// A file of the archive.
    package struct Entry: Hashable, Sendable {
        package let path: String
        /// Bytes of the file itself.
        package let size: Int64
        let method: UInt16
        let compressedSize: Int64
        /// Where its local header begins.
        let offset: Int64
        let checksum: [UInt8]
        let isEncrypted: Bool
    }

    /// In the order of the archive's directory.
    package let entries: [Entry]
    private let source: any ByteSource
    private let name: String

    private static let endSize = 22
    private static let longestComment = 0xffff
    private static let largestDirectory = 16 << 20

    /// Reads the archive's directory.
    /// - Parameters:
    ///   - source: the archive's bytes.
    ///   - name: what the archive is called in errors.
    /// - Throws: `ArchiveError`, or what the source threw.
    package init(_ source: any ByteSource, name: String) throws {
        self.source = source
        self.name = name
        func damaged(_ reason: String) -> ArchiveError {
            ArchiveError(.damaged, "\(name) is not a readable zip archive: \(reason)")
        }
        let tailSize = min(source.length, Int64(Self.endSize + Self.longestComment))
        let tail = try Self.bytes(source, at: source.length - tailSize, count: Int(tailSize))
        let places = stride(from: tail.count - Self.endSize, through: 0, by: -1)
        guard let end = places.first(where: { tail[$0...].starts(with: [0x50, 0x4b, 5, 6]) }) else {
            throw damaged("it has no directory")
        }
        let count = Self.number(tail, end + 10, 2)
        let size = Self.number(tail, end + 12, 4)
        let offset = Self.number(tail, end + 16, 4)
        guard size <= Self.largestDirectory, Int64(offset) + Int64(size) <= source.length else {
            throw damaged("its directory is not where it should be")
        }
        let directory = try Self.bytes(source, at: Int64(offset), count: size)
        var entries: [Entry] = []
        var place = 0
        for _ in 0..<count {
            guard place + 46 <= directory.count, directory[place...].starts(with: [0x50, 0x4b, 1, 2]) else {
                throw damaged("its directory is cut off")
            }
            let nameEnd = place + 46 + Self.number(directory, place + 28, 2)
            guard nameEnd <= directory.count else { throw damaged("its directory is cut off") }
            entries.append(
                Entry(
                    path: String(decoding: directory[(place + 46)..<nameEnd], as: UTF8.self),
                    size: Int64(Self.number(directory, place + 24, 4)),
                    method: UInt16(Self.number(directory, place + 10, 2)),
                    compressedSize: Int64(Self.number(directory, place + 20, 4)),
                    offset: Int64(Self.number(directory, place + 42, 4)),
                    checksum: Array(directory[(place + 16)..<(place + 20)]),
                    isEncrypted: directory[place + 8] & 1 != 0))
            place = nameEnd + Self.number(directory, place + 30, 2) + Self.number(directory, place + 32, 2)
        }
        self.entries = entries
    }

    /// Unpacks a file.
    /// - Parameters:
    ///   - entry: the file.
    ///   - sink: gets its bytes.
    ///   - limit: the most bytes that it may have.
    /// - Throws: `ArchiveError`, or what source and sink threw.
    package func unpack(_ entry: Entry, to sink: any ByteSink, limit: Int64) throws {
        func damaged(_ reason: String) -> ArchiveError {
            ArchiveError(.damaged, "\"\(entry.path)\" in \(name) cannot be read: \(reason)")
        }
        guard entry.size <= limit else {
            throw ArchiveError(.tooLarge, "\"\(entry.path)\" in \(name) has more than \(limit) bytes")
        }
        guard !entry.isEncrypted, entry.method == 0 || entry.method == 8 else {
            throw damaged("it is encrypted, or packed in a way that is not known here")
        }
        let header = try Self.bytes(source, at: entry.offset, count: 30)
        guard header.count == 30, header.starts(with: [0x50, 0x4b, 3, 4]) else {
            throw damaged("it is not where it should be")
        }
        let start = entry.offset + 30 + Int64(Self.number(header, 26, 2) + Self.number(header, 28, 2))
        guard start + entry.compressedSize <= source.length else { throw damaged("it is cut off") }
        try source.seek(to: start)
        let counted = CountingSink(sink)
        if entry.method == 0 {
            try copy(Member(source, entry, isDeflated: false), to: counted)
        } else {
            try Decompressor.unpack(
                Member(source, entry, isDeflated: true), to: counted, limit: entry.size,
                name: "\"\(entry.path)\" in \(name)")
        }
        guard counted.count == entry.size else {
            throw damaged("it has \(counted.count) bytes, not \(entry.size)")
        }
    }

    private static func bytes(_ source: any ByteSource, at offset: Int64, count: Int) throws -> [UInt8] {
        guard offset >= 0, offset <= source.length else { return [] }
        try source.seek(to: offset)
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = try bytes.withUnsafeMutableBytes {
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
            }
            if more == 0 { break }
            filled += more
        }
        return Array(bytes.prefix(filled))
    }

    /// A number of some bytes, the lowest first; they are there.
    private static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
}

/// The packed bytes of a file; deflated ones between the head and the tail of a gzip stream (RFC 1952 §2.2), which is the
/// same but for these.
private final class Member: ByteSource {
    private let source: any ByteSource
    private let head: [UInt8]
    private let tail: [UInt8]
    private let middle: Int64
    private var position: Int64 = 0

    /// The source stands at the first byte.
    init(_ source: any ByteSource, _ entry: ZipReader.Entry, isDeflated: Bool) {
        self.source = source
        middle = entry.compressedSize
        head = isDeflated ? [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff] : []
        let size = UInt32(truncatingIfNeeded: entry.size)
        tail = isDeflated ? entry.checksum + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } : []
    }

    var length: Int64 { Int64(head.count + tail.count) + middle }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let beforeTail = Int64(head.count) + middle
        var count: Int
        if position < head.count {
            count = fill(buffer, head, from: Int(position))
        } else if position < beforeTail {
            let wanted = Int(min(Int64(buffer.count), beforeTail - position))
            count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        } else {
            count = fill(buffer, tail, from: Int(position - beforeTail))
        }
        position += Int64(count)
        return count
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer, _ bytes: [UInt8], from start: Int) -> Int {
        let part = bytes[start...].prefix(buffer.count)
        buffer.copyBytes(from: part)
        return part.count
    }

    /// Nobody starts over in the middle of an archive.
    func seek(to offset: Int64) throws {
        throw ArchiveError(.damaged, "a file of a zip archive is read once, from its start")
    }
}

private final class CountingSink: ByteSink {
    private let sink: any ByteSink
    private(set) var count: Int64 = 0

    init(_ sink: any ByteSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        count += Int64(bytes.count)
        try sink.write(bytes)
    }
}
