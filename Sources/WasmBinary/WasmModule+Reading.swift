// SPDX-License-Identifier: Apache-2.0

/// What engines accept at most (JavaScript API of WebAssembly, "Implementation-defined Limits"), so that nothing a
/// host could load is refused here.
enum EngineLimit {
    static let types = 1_000_000
    static let functions = 1_000_000
    static let imports = 1_000_000
    static let exports = 1_000_000
    static let parameters = 1000
    static let results = 1000
    static let fields = 10_000
    static let memories = 100
}

extension WasmModule {
    mutating func read() throws(WasmBinaryError) {
        let kind = FileKind(bytes)
        guard kind == .coreModule || kind == .wasmOther else {
            throw WasmBinaryError(.notACoreModule(kind), at: 0)
        }
        guard bytes.count >= 8 else { throw WasmBinaryError(.truncated(.header), at: bytes.count) }
        guard kind == .coreModule else {
            let version = bytes[4..<8].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            throw WasmBinaryError(.unsupportedVersion(version), at: 4)
        }
        var reader = ByteReader(bytes, in: 8..<bytes.count)
        var lastRank = 0
        var seen: Set<Section.ID> = []
        var bodies = 0
        while !reader.isAtEnd {
            let offset = reader.offset
            let code = try reader.byte(of: .section)
            guard let id = Section.ID(rawValue: code) else {
                throw WasmBinaryError(.unknownSection(code), at: offset)
            }
            let size = Int(try reader.u32(.sectionSize))
            var content = try reader.slice(size, of: .section)
            if let rank = id.rank {
                guard seen.insert(id).inserted else {
                    throw WasmBinaryError(.sectionRepeated(id), at: offset)
                }
                guard rank > lastRank else { throw WasmBinaryError(.sectionOutOfOrder(id), at: offset) }
                lastRank = rank
            }
            sections.append(Section(id: id, offset: offset, content: content.offset..<content.end))
            if id == .code {
                bodies = try content.count(.functionBody, limit: EngineLimit.functions)
            } else if try read(id, from: &content), !content.isAtEnd {
                throw WasmBinaryError(.trailingBytes(id, content.remaining), at: content.offset)
            }
        }
        guard functions.count == bodies else {
            throw WasmBinaryError(
                .functionBodiesMissing(declared: functions.count, bodies: bodies), at: bytes.count)
        }
    }

    /// Reads one section's content.
    /// - Returns: whether the content was read to its end; false for sections that are kept as a range only.
    private mutating func read(
        _ id: Section.ID, from content: inout ByteReader
    ) throws(WasmBinaryError) -> Bool {
        switch id {
        case .custom:
            let name = try content.name(.customName)
            customSections.append(CustomSection(name: name, content: content.offset..<content.end))
            return false
        case .type:
            types = try Self.types(from: &content)
        case .import:
            for _ in 0..<(try content.count(.importEntry, limit: EngineLimit.imports, minimumEntrySize: 4)) {
                imports.append(try content.importEntry())
            }
        case .function:
            for _ in 0..<(try content.count(.function, limit: EngineLimit.functions)) {
                functions.append(try content.u32(.typeIndex))
            }
        case .memory:
            for _ in 0..<(try content.count(.memory, limit: EngineLimit.memories, minimumEntrySize: 2)) {
                definedMemories.append(try content.limits(.memory))
            }
        case .export:
            var names: Set<String> = []
            for _ in 0..<(try content.count(.exportEntry, limit: EngineLimit.exports, minimumEntrySize: 3)) {
                let export = try content.exportEntry()
                guard names.insert(export.name).inserted else {
                    throw WasmBinaryError(.duplicateExport(export.name), at: export.offset)
                }
                exports.append(export)
            }
        case .start:
            start = try content.u32(.start)
        case .table, .global, .element, .code, .data, .dataCount, .tag:
            return false
        }
        return true
    }

    /// The type section: single types, and groups of types that may name each other (core spec 3.0, 5.3.10).
    private static func types(from content: inout ByteReader) throws(WasmBinaryError) -> [DefinedType] {
        var types: [DefinedType] = []
        for _ in 0..<(try content.count(.type, limit: EngineLimit.types, minimumEntrySize: 2)) {
            let code = try content.byte(of: .type)
            guard code == 0x4e else {
                types.append(try content.subtype(code: code))
                continue
            }
            for _ in 0..<(try content.count(.type, limit: EngineLimit.types, minimumEntrySize: 2)) {
                types.append(try content.subtype(code: try content.byte(of: .type)))
            }
        }
        return types
    }
}

// MARK: - Entries

extension ByteReader {
    mutating func importEntry() throws(WasmBinaryError) -> Import {
        let offset = offset
        let module = try name(.moduleName)
        let name = try name(.importName)
        let item: Import.Item =
            switch try externalKind(.importEntry) {
            case .function: .function(typeIndex: try u32(.typeIndex))
            case .table: .table(try valueType(.table), try limits(.table))
            case .memory: .memory(try limits(.memory))
            case .global: .global(try valueType(.global), isMutable: try flag(.global))
            case .tag: try tag()
            }
        return Import(module: module, name: name, item: item, offset: offset)
    }

    mutating func exportEntry() throws(WasmBinaryError) -> Export {
        let offset = offset
        let name = try name(.exportName)
        let kind = try externalKind(.exportEntry)
        return Export(name: name, kind: kind, index: try u32(.index), offset: offset)
    }

    private mutating func externalKind(
        _ what: WasmBinaryError.Part
    ) throws(WasmBinaryError) -> ExternalKind {
        let start = offset
        let code = try byte(of: what)
        guard let kind = ExternalKind(rawValue: code) else {
            throw WasmBinaryError(.unknownCode(what, code), at: start)
        }
        return kind
    }

    private mutating func tag() throws(WasmBinaryError) -> Import.Item {
        let start = offset
        let attribute = try byte(of: .tag)
        guard attribute == 0 else { throw WasmBinaryError(.unknownCode(.tag, attribute), at: start) }
        return .tag(typeIndex: try u32(.typeIndex))
    }

    private mutating func flag(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Bool {
        let start = offset
        let code = try byte(of: what)
        guard code <= 1 else { throw WasmBinaryError(.unknownCode(what, code), at: start) }
        return code == 1
    }

    /// Bit 0: there is a maximum; bit 1: shared between threads; bit 2: 64-bit addresses.
    mutating func limits(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Limits {
        let start = offset
        let flags = try byte(of: .limits)
        guard flags <= 7 else { throw WasmBinaryError(.unknownCode(.limits, flags), at: start) }
        let is64Bit = flags & 4 != 0
        let minimum = is64Bit ? try u64(what) : UInt64(try u32(what))
        var maximum: UInt64?
        if flags & 1 != 0 { maximum = is64Bit ? try u64(what) : UInt64(try u32(what)) }
        return Limits(minimum: minimum, maximum: maximum, isShared: flags & 2 != 0, is64Bit: is64Bit)
    }

    /// A type with its optional supertypes (core spec 3.0, 5.3.9 "Sub Types").
    mutating func subtype(code: UInt8) throws(WasmBinaryError) -> DefinedType {
        guard code == 0x50 || code == 0x4f else { return try compositeType(code: code) }
        for _ in 0..<(try count(.typeIndex, limit: EngineLimit.types)) { _ = try u32(.typeIndex) }
        return try compositeType(code: try byte(of: .type))
    }

    private mutating func compositeType(code: UInt8) throws(WasmBinaryError) -> DefinedType {
        switch code {
        case 0x60:
            let parameters = try valueTypes(.parameter, limit: EngineLimit.parameters)
            let results = try valueTypes(.result, limit: EngineLimit.results)
            return .function(FunctionType(parameters, results: results))
        case 0x5f:
            let fields = try count(.field, limit: EngineLimit.fields, minimumEntrySize: 2)
            for _ in 0..<fields { try skipField() }
            return .structure(fields: fields)
        case 0x5e:
            try skipField()
            return .array
        default: throw WasmBinaryError(.unknownCode(.type, code), at: offset - 1)
        }
    }

    /// A field: a value type or one of the packed types, and whether it can change.
    private mutating func skipField() throws(WasmBinaryError) {
        let code = try byte(of: .field)
        if code != 0x78, code != 0x77 { _ = try valueType(code: code) }
        _ = try flag(.field)
    }

    private mutating func valueTypes(
        _ what: WasmBinaryError.Part, limit: Int
    ) throws(WasmBinaryError) -> [ValueType] {
        var types: [ValueType] = []
        for _ in 0..<(try count(what, limit: limit)) { types.append(try valueType(what)) }
        return types
    }

    mutating func valueType(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> ValueType {
        try valueType(code: try byte(of: what))
    }

    private mutating func valueType(code: UInt8) throws(WasmBinaryError) -> ValueType {
        switch code {
        case 0x7f: return .i32
        case 0x7e: return .i64
        case 0x7d: return .f32
        case 0x7c: return .f64
        case 0x7b: return .v128
        case 0x63: return .reference(nullable: true, try heapType())
        case 0x64: return .reference(nullable: false, try heapType())
        default:
            guard let name = Self.abstractHeapTypes[code] else {
                throw WasmBinaryError(.unknownCode(.valueType, code), at: offset - 1)
            }
            return .reference(nullable: true, .abstract(name))
        }
    }

    private mutating func heapType() throws(WasmBinaryError) -> ValueType.HeapType {
        let start = offset
        let value = try s33(.heapType)
        if value >= 0 { return .index(UInt32(value)) }
        // A negative value is the one-byte code of an abstract type, read as a signed number.
        let code = UInt8(truncatingIfNeeded: value & 0x7f)
        guard value >= -64, let name = Self.abstractHeapTypes[code] else {
            throw WasmBinaryError(.unknownCode(.heapType, code), at: start)
        }
        return .abstract(name)
    }

    private static let abstractHeapTypes: [UInt8: String] = [
        0x69: "exn", 0x6a: "array", 0x6b: "struct", 0x6c: "i31", 0x6d: "eq", 0x6e: "any", 0x6f: "extern",
        0x70: "func", 0x71: "none", 0x72: "noextern", 0x73: "nofunc", 0x74: "noexn",
    ]
}
