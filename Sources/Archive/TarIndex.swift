// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Where the files of a plain tar archive lie in it, so that each can be read without the others.
///
/// Reads ustar, pax and GNU headers (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"). What is
/// no regular file is remembered as such and cannot be read; of two files with one name the later counts, as for tar.
package struct TarIndex: Sendable {
    /// Most entries of an archive.
    package static let maximumEntries = 50_000
    /// Most bytes of the headers that extend another.
    private static let maximumExtension: Int64 = 1 << 20

    /// A place in the archive.
    package enum Entry: Sendable, Hashable {
        case file(Range<Int64>)
        /// What it is instead, as in "a symbolic link".
        case other(String)
    }

    /// The entries by their paths, without a leading `./`.
    package private(set) var entries: [String: Entry] = [:]

    /// Reads the headers of an archive, and none of its files.
    /// - Parameters:
    ///   - source: the whole archive.
    ///   - name: what it is called in errors.
    /// - Throws: `ArchiveError`, or what the source threw.
    package init(_ source: any ByteSource, name: String) throws {
        var walk = Walk(source: source, name: name)
        var count = 0
        while let (path, entry) = try walk.next() {
            count += 1
            guard count <= Self.maximumEntries else {
                throw ArchiveError(.tooLarge, "\(name) has more than \(Self.maximumEntries) entries")
            }
            entries[Self.plain(path)] = entry
        }
    }

    private static func plain(_ path: String) -> String {
        var path = path[...]
        while path.hasPrefix("./") { path = path.dropFirst(2).drop { $0 == "/" } }
        return String(path)
    }

    /// Goes from header to header.
    private struct Walk {
        let source: any ByteSource
        let name: String
        private var position: Int64 = 0
        /// What an extension says of the next entry.
        private var longPath: String?
        private var longSize: Int64?

        init(source: any ByteSource, name: String) {
            self.source = source
            self.name = name
        }

        mutating func next() throws -> (String, Entry)? {
            while true {
                guard position < source.length else {
                    guard position > 0 else { throw damaged("it is empty") }
                    // Without the two blocks of zeros that end it, as some tools write it.
                    return nil
                }
                let header = try bytes(at: position, 512)
                if header.allSatisfy({ $0 == 0 }) { return nil }
                guard Self.checksumFits(header) else {
                    throw damaged("there is no header at byte \(position)")
                }
                let type = header[156]
                let size = longSize ?? number(header[124..<136])
                guard let size, size >= 0, size <= source.length - position - 512 else {
                    throw damaged("the entry at byte \(position) says that it is longer than the archive")
                }
                let start = position + 512
                position = start + (size + 511) / 512 * 512
                switch type {
                case UInt8(ascii: "x"): try readPax(at: start, size)
                case UInt8(ascii: "g"): continue
                case UInt8(ascii: "L"): longPath = text(try payload(at: start, size)[...])
                case UInt8(ascii: "K"): continue
                default:
                    defer { (longPath, longSize) = (nil, nil) }
                    return (longPath ?? path(header), Self.entry(type, start..<start + size))
                }
            }
        }

        private static func entry(_ type: UInt8, _ range: Range<Int64>) -> Entry {
            switch type {
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file(range)
            case UInt8(ascii: "1"): .other("a hard link")
            case UInt8(ascii: "2"): .other("a symbolic link")
            case UInt8(ascii: "5"): .other("a folder")
            case UInt8(ascii: "3"), UInt8(ascii: "4"): .other("a device")
            case UInt8(ascii: "S"): .other("a sparse file")
            default: .other("of an unknown kind")
            }
        }

        private func damaged(_ why: String) -> ArchiveError {
            ArchiveError(.damaged, "\(name) is not a readable tar archive: \(why)")
        }

        private func bytes(at offset: Int64, _ count: Int) throws -> [UInt8] {
            try source.seek(to: offset)
            var filled = 0
            let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                while filled < count {
                    let rest = UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                    let read = try source.read(into: rest)
                    if read == 0 { break }
                    filled += read
                }
                initialized = filled
            }
            guard filled == count else { throw damaged("it ends at byte \(offset + Int64(filled))") }
            return bytes
        }

        private func payload(at start: Int64, _ size: Int64) throws -> [UInt8] {
            guard size <= TarIndex.maximumExtension else {
                throw damaged("the header at byte \(start - 512) has \(size) bytes")
            }
            return try bytes(at: start, Int(size))
        }

        /// The sum of a header's bytes, its own field counted as blanks; some old tools added signed bytes.
        private static func checksumFits(_ header: [UInt8]) -> Bool {
            var unsigned = 8 * 0x20
            var signed = 8 * 0x20
            for (index, byte) in header.enumerated() where !(148..<156).contains(index) {
                unsigned += Int(byte)
                signed += Int(Int8(bitPattern: byte))
            }
            let stored = octal(header[148..<156])
            return stored == Int64(unsigned) || stored == Int64(signed)
        }

        /// A number in octal, or in base 256 if the first bit is set, as GNU has it.
        private func number(_ field: ArraySlice<UInt8>) -> Int64? {
            guard let first = field.first, first & 0x80 != 0 else { return Self.octal(field) }
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            return Int64(exactly: field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }

        private static func octal(_ field: ArraySlice<UInt8>) -> Int64? {
            let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
            return digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
        }

        private func text(_ field: ArraySlice<UInt8>) -> String {
            String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
        }

        private func path(_ header: [UInt8]) -> String {
            let name = text(header[0..<100])
            let isPOSIX = Array(header[257..<263]) == Array("ustar\0".utf8)
            let prefix = isPOSIX ? text(header[345..<500]) : ""
            return prefix.isEmpty ? name : "\(prefix)/\(name)"
        }

        /// Records of "<length> <key>=<value>\n".
        private mutating func readPax(at start: Int64, _ size: Int64) throws {
            var rest = try payload(at: start, size)[...]
            while !rest.isEmpty {
                guard let blank = rest.firstIndex(of: 0x20),
                    let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
                    length > blank - rest.startIndex + 1, length <= rest.count,
                    let equals = rest[blank...].firstIndex(of: UInt8(ascii: "=")),
                    equals < rest.startIndex + length
                else { throw damaged("the header at byte \(start - 512) is malformed") }
                let end = rest.startIndex + length
                let key = String(decoding: rest[(blank + 1)..<equals], as: UTF8.self)
                let value = String(decoding: rest[(equals + 1)..<(end - 1)], as: UTF8.self)
                switch key {
                case "path": longPath = value
                case "size":
                    guard let size = Int64(value), size >= 0 else {
                        throw damaged(
                            "the header at byte \(start - 512) has the size \"\(value.prefix(40))\"")
                    }
                    longSize = size
                case _ where key.hasPrefix("GNU.sparse."):
                    throw damaged("the entry after byte \(start) is a sparse file")
                default: break
                }
                rest = rest[end...]
            }
        }
    }
}
