// SPDX-License-Identifier: Apache-2.0

/// Builds a module section by section, so that the whole file need not be there at once.
///
/// The order and the number of sections are checked here; what stands in them, in the extension.
struct ModuleReader {
    var module: WasmModule
    /// How many of each kind there are so far, imported ones included.
    var spaces = IndexSpaces()
    private var lastRank = 0
    private var seen: Set<Section.ID> = []

    init(size: Int, bytes: [UInt8]) throws(WasmBinaryError) {
        guard size <= EngineLimit.moduleSize else {
            throw WasmBinaryError(.tooLong(.module, size: size, limit: EngineLimit.moduleSize), at: 0)
        }
        module = WasmModule(size: size, bytes: bytes)
    }

    /// Checks the magic number and the version (core spec 3.0, 5.5.16 "Modules").
    /// - Parameters:
    ///   - start: the first bytes of the file; 4096 are enough to tell what it is.
    ///   - size: the size of the file.
    /// - Throws: `WasmBinaryError` that names what the file is instead.
    static func checkHeader(_ start: [UInt8], size: Int) throws(WasmBinaryError) {
        let kind = FileKind(start)
        switch kind {
        case .coreModule:
            guard size >= 8 else { throw WasmBinaryError(.truncated(.header), at: size) }
        case .wasmOther:
            let version = start[4..<8].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            throw WasmBinaryError(.unsupportedVersion(version), at: 4)
        default: throw WasmBinaryError(.notACoreModule(kind), at: 0)
        }
    }

    /// Reads a section's id and size, and holds the size against the file.
    func header(from reader: inout ByteReader) throws(WasmBinaryError) -> Section {
        let offset = reader.offset
        let code = try reader.byte(of: .section)
        guard let id = Section.ID(rawValue: code) else {
            throw WasmBinaryError(.unknownSection(code), at: offset)
        }
        let size = Int(try reader.u32(.sectionSize))
        guard size <= module.size - reader.offset else {
            throw WasmBinaryError(
                .overrun(.section, size: size, available: module.size - reader.offset), at: reader.offset)
        }
        return Section(id: id, offset: offset, content: reader.offset..<(reader.offset + size))
    }

    /// Takes a section into the module.
    /// - Parameters:
    ///   - section: what its header says.
    ///   - content: its bytes, or as many of them as `keepsContent` and the kind of section need.
    ///   - keepsContent: whether all bytes are there; if not, code and data are only counted and a custom section is only named.
    /// - Throws: `WasmBinaryError` for a section in the wrong place or with a malformed entry.
    mutating func take(
        _ section: Section, _ content: inout ByteReader, keepsContent: Bool
    ) throws(WasmBinaryError) {
        guard module.sections.count < EngineLimit.sections else {
            throw WasmBinaryError(
                .tooMany(.section, count: module.sections.count + 1, limit: EngineLimit.sections),
                at: section.offset)
        }
        if let rank = section.id.rank {
            guard seen.insert(section.id).inserted else {
                throw WasmBinaryError(.sectionRepeated(section.id), at: section.offset)
            }
            guard rank > lastRank else {
                throw WasmBinaryError(.sectionOutOfOrder(section.id), at: section.offset)
            }
            lastRank = rank
        }
        module.sections.append(section)
        switch section.id {
        case .custom: try readCustom(section, &content, keepsContent: keepsContent)
        case .type: try readTypes(&content)
        case .import: try readImports(&content)
        case .function: try readFunctions(&content)
        case .table: try readTables(&content)
        case .memory: try readMemories(&content)
        case .tag: try readTags(&content)
        case .global: try readGlobals(&content)
        case .export: try readExports(&content)
        case .start: try readStart(&content)
        case .element: try readElements(&content)
        case .dataCount: module.dataCount = try content.u32(.dataCount)
        case .code: try readCode(section, &content, keepsContent: keepsContent)
        case .data: try readData(section, &content, keepsContent: keepsContent)
        }
        if keepsContent || !section.id.canBeLeftOut, section.id != .custom, !content.isAtEnd {
            throw WasmBinaryError(.trailingBytes(section.id, content.remaining), at: content.offset)
        }
    }

    /// Holds against each other what only the whole module shows.
    func finish() throws(WasmBinaryError) -> WasmModule {
        guard module.functions.count == module.bodyCount else {
            throw WasmBinaryError(
                .functionBodiesMissing(declared: module.functions.count, bodies: module.bodyCount),
                at: module.sections.first { $0.id == .code }?.content.lowerBound ?? module.size)
        }
        if let declared = module.dataCount, Int(declared) != module.dataSegmentCount {
            throw WasmBinaryError(
                .dataSegmentsMissing(declared: Int(declared), segments: module.dataSegmentCount),
                at: module.sections.first { $0.id == .data }?.content.lowerBound ?? module.size)
        }
        return module
    }
}

extension Section.ID {
    /// Whether a module can be described without this section's bytes.
    var canBeLeftOut: Bool { self == .code || self == .data || self == .custom }
}
