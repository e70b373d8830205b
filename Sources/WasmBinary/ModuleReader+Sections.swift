// SPDX-License-Identifier: Apache-2.0

// What stands in the sections (core spec 3.0, 5.5.3 to 5.5.15).
extension ModuleReader {
    /// The type section: single types, and groups of types that may name each other (core spec 3.0, 5.3.10).
    mutating func readTypes(_ content: inout ByteReader) throws(WasmBinaryError) {
        let entries = try content.count(.type, limit: EngineLimit.types, minimumEntrySize: 2)
        module.types.reserveCapacity(entries)
        var parts = 0
        for _ in 0..<entries {
            let group = content.next == 0x4e ? try groupCount(&content) : 1
            for _ in 0..<group {
                let offset = content.offset
                let type = try content.subtype(code: try content.byte(of: .type))
                module.types.append(type)
                if case .function(let function) = type {
                    parts += function.parameters.count + function.results.count
                }
                try Self.hold(module.types.count, to: EngineLimit.types, .type, at: offset)
                try Self.hold(parts, to: EngineLimit.signatureParts, .parameter, at: offset)
            }
        }
    }

    private func groupCount(_ content: inout ByteReader) throws(WasmBinaryError) -> Int {
        _ = try content.byte(of: .type)
        return try content.count(.type, limit: EngineLimit.types, minimumEntrySize: 2)
    }

    private static func hold(
        _ count: Int, to limit: Int, _ what: WasmBinaryError.Part, at offset: Int
    ) throws(WasmBinaryError) {
        guard count <= limit else {
            throw WasmBinaryError(.tooMany(what, count: count, limit: limit), at: offset)
        }
    }

    mutating func readImports(_ content: inout ByteReader) throws(WasmBinaryError) {
        let entries = try content.count(.importEntry, limit: EngineLimit.imports, minimumEntrySize: 4)
        module.imports.reserveCapacity(entries)
        for _ in 0..<entries {
            let offset = content.offset
            let moduleName = try content.name(.moduleName)
            let name = try content.name(.importName)
            let item: Import.Item =
                switch try content.externalKind(.importEntry) {
                case .function: .function(typeIndex: try functionTypeIndex(&content))
                case .table: .table(try content.tableType())
                case .memory: .memory(try content.limits(.memory))
                case .global: .global(try content.globalType())
                case .tag: .tag(typeIndex: try tagType(&content))
                }
            let entry = Import(module: moduleName, name: name, item: item, offset: offset)
            if case .function(let typeIndex) = item { module.importedFunctions.append(typeIndex) }
            spaces[entry.kind] += 1
            module.imports.append(entry)
        }
    }

    mutating func readFunctions(_ content: inout ByteReader) throws(WasmBinaryError) {
        let entries = try content.count(.function, limit: EngineLimit.functions)
        module.functions.reserveCapacity(entries)
        for _ in 0..<entries { module.functions.append(try functionTypeIndex(&content)) }
        spaces[.function] += entries
    }

    mutating func readTables(_ content: inout ByteReader) throws(WasmBinaryError) {
        for _ in 0..<(try content.count(.table, limit: EngineLimit.tables, minimumEntrySize: 3)) {
            // Two bytes that no reference type begins with announce a first value for every element.
            let hasInitial = content.next == 0x40
            if hasInitial {
                _ = try content.byte(of: .table)
                let offset = content.offset
                let reserved = try content.byte(of: .table)
                guard reserved == 0 else { throw WasmBinaryError(.unknownCode(.table, reserved), at: offset) }
            }
            let table = try content.tableType()
            let initial = hasInitial ? try constant(&content) : nil
            module.definedTables.append(Table(table.type, table.limits, initial: initial))
            spaces[.table] += 1
        }
    }

    mutating func readMemories(_ content: inout ByteReader) throws(WasmBinaryError) {
        for _ in 0..<(try content.count(.memory, limit: EngineLimit.memories, minimumEntrySize: 2)) {
            module.definedMemories.append(try content.limits(.memory))
            spaces[.memory] += 1
        }
    }

    mutating func readTags(_ content: inout ByteReader) throws(WasmBinaryError) {
        for _ in 0..<(try content.count(.tag, limit: EngineLimit.tags, minimumEntrySize: 2)) {
            module.definedTags.append(try tagType(&content))
            spaces[.tag] += 1
        }
    }

    mutating func readGlobals(_ content: inout ByteReader) throws(WasmBinaryError) {
        let entries = try content.count(.global, limit: EngineLimit.globals, minimumEntrySize: 4)
        module.definedGlobals.reserveCapacity(entries)
        for _ in 0..<entries {
            let type = try content.globalType()
            // The value may come from a global that stands before this one.
            let initial = try constant(&content)
            module.definedGlobals.append(Global(type.type, isMutable: type.isMutable, initial: initial))
            spaces[.global] += 1
        }
    }

    mutating func readExports(_ content: inout ByteReader) throws(WasmBinaryError) {
        let entries = try content.count(.exportEntry, limit: EngineLimit.exports, minimumEntrySize: 3)
        module.exports.reserveCapacity(entries)
        var names: Set<String> = []
        for _ in 0..<entries {
            let offset = content.offset
            let name = try content.name(.exportName)
            guard names.insert(name).inserted else {
                throw WasmBinaryError(.duplicateExport(name), at: offset)
            }
            let kind = try content.externalKind(.exportEntry)
            let index = try content.index(kind.indexPart, below: spaces[kind])
            module.exports.append(Export(name: name, kind: kind, index: index, offset: offset))
        }
    }

    mutating func readStart(_ content: inout ByteReader) throws(WasmBinaryError) {
        let offset = content.offset
        let index = try content.index(.functionIndex, below: spaces[.function])
        if let type = module.functionType(at: index), type != FunctionType() {
            throw WasmBinaryError(.wrongStartType(type), at: offset)
        }
        module.start = index
    }

    mutating func readElements(_ content: inout ByteReader) throws(WasmBinaryError) {
        let limit = EngineLimit.elementSegments
        for _ in 0..<(try content.count(.elementSegment, limit: limit, minimumEntrySize: 3)) {
            module.elements.append(try elementSegment(&content))
        }
    }

    /// Bit 0: not active; bit 1: a table is named, or declarative; bit 2: expressions instead of function indices.
    private func elementSegment(_ content: inout ByteReader) throws(WasmBinaryError) -> ElementSegment {
        let offset = content.offset
        let flags = try content.u32(.elementSegment)
        guard flags <= 7 else {
            throw WasmBinaryError(
                .unknownCode(.elementSegment, UInt8(truncatingIfNeeded: flags)), at: offset)
        }
        var mode = flags & 2 == 0 ? ElementSegment.Mode.passive : .declarative
        if flags & 1 == 0 {
            let tablePlace = content.offset
            let table = flags & 2 != 0 ? try content.u32(.tableIndex) : 0
            guard Int(table) < spaces[.table] else {
                throw WasmBinaryError(
                    .indexOutOfRange(.tableIndex, index: table, count: spaces[.table]), at: tablePlace)
            }
            mode = .active(table: table, at: try constant(&content))
        }
        let hasExpressions = flags & 4 != 0
        var type = ValueType.funcref
        if flags & 3 != 0 {
            if hasExpressions {
                type = try content.referenceType(.elementSegment)
            } else {
                let place = content.offset
                let kind = try content.byte(of: .elementSegment)
                guard kind == 0 else { throw WasmBinaryError(.unknownCode(.element, kind), at: place) }
            }
        }
        let count = try content.count(
            .element, limit: EngineLimit.tableElements, minimumEntrySize: hasExpressions ? 2 : 1)
        for _ in 0..<count {
            if hasExpressions {
                _ = try constant(&content)
            } else {
                _ = try content.index(.functionIndex, below: spaces[.function])
            }
        }
        return ElementSegment(mode: mode, type: type, count: count, offset: offset)
    }

    /// The bodies are not read, only their sizes are held against the section.
    mutating func readCode(
        _ section: Section, _ content: inout ByteReader, keepsContent: Bool
    ) throws(WasmBinaryError) {
        // Two bytes at least: the number of locals and the end.
        module.bodyCount = try vectorCount(
            .functionBody, limit: EngineLimit.functions, minimumEntrySize: 3, section, &content)
        guard keepsContent else { return }
        for _ in 0..<module.bodyCount {
            let size = Int(try content.u32(.functionBody))
            try content.skip(size, of: .functionBody)
        }
    }

    mutating func readData(
        _ section: Section, _ content: inout ByteReader, keepsContent: Bool
    ) throws(WasmBinaryError) {
        module.dataSegmentCount = try vectorCount(
            .dataSegment, limit: EngineLimit.dataSegments, minimumEntrySize: 2, section, &content)
        guard keepsContent else { return }
        module.dataSegments.reserveCapacity(module.dataSegmentCount)
        for _ in 0..<module.dataSegmentCount {
            let offset = content.offset
            let flags = try content.u32(.dataSegment)
            guard flags <= 2 else {
                throw WasmBinaryError(
                    .unknownCode(.dataSegment, UInt8(truncatingIfNeeded: flags)), at: offset)
            }
            var mode = DataSegment.Mode.passive
            if flags != 1 {
                let place = content.offset
                let memory = flags == 2 ? try content.u32(.memoryIndex) : 0
                guard Int(memory) < spaces[.memory] else {
                    throw WasmBinaryError(
                        .indexOutOfRange(.memoryIndex, index: memory, count: spaces[.memory]), at: place)
                }
                mode = .active(memory: memory, at: try constant(&content))
            }
            let bytes = try content.sized(.dataSegment)
            module.dataSegments.append(
                DataSegment(mode: mode, content: bytes.offset..<bytes.end, offset: offset))
        }
    }

    mutating func readCustom(
        _ section: Section, _ content: inout ByteReader, keepsContent: Bool
    ) throws(WasmBinaryError) {
        let name = try content.name(.customName)
        module.customSections.append(
            CustomSection(
                name: name, offset: section.offset, content: content.offset..<section.content.upperBound,
                bytes: keepsContent ? content.rest : nil))
    }

    // MARK: - Parts of entries

    /// The length of a vector of which perhaps only the beginning is at hand.
    private func vectorCount(
        _ what: WasmBinaryError.Part, limit: Int, minimumEntrySize: Int, _ section: Section,
        _ content: inout ByteReader
    ) throws(WasmBinaryError) -> Int {
        let start = content.offset
        let count = Int(try content.u32(.count))
        guard count <= limit else {
            throw WasmBinaryError(.tooMany(what, count: count, limit: limit), at: start)
        }
        let available = section.content.upperBound - content.offset
        guard count <= available / minimumEntrySize else {
            throw WasmBinaryError(.overrun(what, size: count, available: available), at: start)
        }
        return count
    }

    private func constant(_ content: inout ByteReader) throws(WasmBinaryError) -> ConstantExpression {
        try content.constantExpression(in: spaces, types: module.types.count)
    }

    private func functionTypeIndex(_ content: inout ByteReader) throws(WasmBinaryError) -> UInt32 {
        let start = content.offset
        let index = try content.index(.typeIndex, below: module.types.count)
        guard case .function = module.types[Int(index)] else {
            throw WasmBinaryError(.notAFunctionType(index), at: start)
        }
        return index
    }

    private func tagType(_ content: inout ByteReader) throws(WasmBinaryError) -> UInt32 {
        let start = content.offset
        let attribute = try content.byte(of: .tag)
        guard attribute == 0 else { throw WasmBinaryError(.unknownCode(.tag, attribute), at: start) }
        return try functionTypeIndex(&content)
    }
}

extension ExternalKind {
    /// The name of its index space in errors.
    fileprivate var indexPart: WasmBinaryError.Part {
        switch self {
        case .function: .functionIndex
        case .table: .tableIndex
        case .memory: .memoryIndex
        case .global: .globalIndex
        case .tag: .tagIndex
        }
    }
}
