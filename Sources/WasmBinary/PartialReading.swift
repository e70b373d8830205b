// SPDX-License-Identifier: Apache-2.0

/// Reads a module of which only parts are fetched: everything but code, data and custom sections that say nothing here.
///
/// It does no reading itself. It says which bytes it needs next, takes them, and at last gives the module, so that a file,
/// a mapping and a registry that answers range requests are read by the same code, blocking or not.
package struct SectionWalk: Sendable {
    /// What is asked for at once: small sections come together, and any name fits in.
    static let window = 128 << 10
    /// The same where bytes that come later cost more than another question.
    static let smallWindow = 16 << 10
    /// A custom section beyond this size is only named.
    static let largestCustomSection = 4 << 20

    /// How much of a module is wanted.
    package enum Extent: Hashable, Sendable {
        /// What stands before the code: all that a host looks at before it compiles a module.
        case declarations
        /// All sections, of code and data only how much there is.
        case sections
    }

    /// Bytes of the file.
    package let size: Int
    private let extent: Extent
    private let window: Int
    /// Whether the walk ended before the end of the file.
    private var endsEarly = false
    /// The bytes of the file to give next; nil when all is read.
    package private(set) var needed: Range<Int>?
    private var reader: ModuleReader

    /// Begins to read a file of this size.
    package init(size: Int, _ extent: Extent = .sections) throws(WasmBinaryError) {
        self.size = size
        self.extent = extent
        window = extent == .sections ? Self.window : Self.smallWindow
        reader = try ModuleReader(size: size, bytes: [])
        needed = 0..<min(size, window)
    }

    /// Takes the bytes that `needed` names.
    package mutating func take(_ bytes: [UInt8]) throws(WasmBinaryError) {
        guard let range = needed else { return }
        guard bytes.count == range.count else {
            throw WasmBinaryError(
                .overrun(.module, size: range.count, available: bytes.count), at: range.lowerBound)
        }
        var position = range.lowerBound
        if position == 0 {
            try ModuleReader.checkHeader(bytes, size: size)
            position = 8
        }
        while position < size {
            var content = ByteReader(bytes[...], at: range.lowerBound, in: position..<range.upperBound)
            // A header has six bytes at most.
            guard content.remaining >= min(6, size - position) else { return ask(from: position) }
            let section = try reader.header(from: &content)
            if extent == .declarations, section.id == .code || section.id == .data {
                endsEarly = true
                break
            }
            let wanted = try isWanted(section, content)
            let end = wanted ? section.content.upperBound : leadingEnd(of: section)
            guard end <= range.upperBound else { return ask(from: position, to: end) }
            var part = try content.slice(end - content.offset, of: .section)
            try reader.take(section, &part, keepsContent: wanted)
            position = section.content.upperBound
            // What was left out ends behind the window.
            if position >= range.upperBound, position < size { return ask(from: position) }
        }
        needed = nil
    }

    /// The module, once nothing more is needed.
    package func finish() throws(WasmBinaryError) -> WasmModule {
        if let needed { throw WasmBinaryError(.truncated(.module), at: needed.lowerBound) }
        return endsEarly ? reader.module : try reader.finish()
    }

    private mutating func ask(from position: Int, to end: Int = 0) {
        needed = position..<min(size, max(end, position + window))
    }

    /// As much of a section as says how many entries it has or what its name is.
    private func leadingEnd(of section: Section) -> Int {
        let most = section.id == .custom ? EngineLimit.nameLength + 5 : 5
        return min(section.content.upperBound, section.content.lowerBound + most)
    }

    private func isWanted(_ section: Section, _ content: ByteReader) throws(WasmBinaryError) -> Bool {
        switch section.id {
        case .code, .data: return false
        case .custom:
            let end = leadingEnd(of: section)
            // Asked again when the name is there.
            guard section.size <= Self.largestCustomSection, end <= content.end else { return false }
            var start = content
            var name = try start.slice(end - content.offset, of: .customSection)
            return CustomSection.conventional.contains(try name.name(.customName))
        default: return true
        }
    }
}

extension WasmModule {
    /// Reads a module without its code and data.
    /// - Parameters:
    ///   - size: the size of the file.
    ///   - read: gives the bytes of a range of the file, all of them.
    /// - Returns: the module without `bytes`, `dataSegments` and the contents of custom sections that are not known here.
    /// - Throws: what `read` throws, or `WasmBinaryError`.
    package static func reading(
        size: Int, _ read: (Range<Int>) async throws -> [UInt8]
    ) async throws -> WasmModule {
        var walk = try SectionWalk(size: size)
        while let range = walk.needed { try walk.take(try await read(range)) }
        return try walk.finish()
    }
}
