// SPDX-License-Identifier: Apache-2.0

/// Looks for features, first in the declarations, then instruction by instruction.
struct FeatureScan {
    let module: WasmModule
    /// Whether each memory has 64-bit addresses: the width of offsets follows from it.
    let memoryIs64Bit: [Bool]
    var uses = FeatureUses()

    init(module: WasmModule) {
        self.module = module
        memoryIs64Bit = module.memories.map(\.is64Bit)
    }

    // MARK: - Sections other than code

    /// Reads a section that was read before once more, this time for what it uses.
    mutating func declarations(
        _ section: Section, _ content: inout ByteReader
    ) throws(WasmBinaryError) {
        switch section.id {
        case .type: try types(&content)
        case .import: importsAndExports()
        case .table:
            for table in module.definedTables {
                note(table, at: section.offset)
                guard let initial = table.initial else { continue }
                uses.note(.functionReferences, at: initial.offset)
                try note(initial)
            }
            if module.tables.count > 1 { uses.note(.referenceTypes, at: section.offset) }
        case .memory:
            for memory in module.definedMemories { note(memory, at: section.offset) }
            if module.memories.count > 1 { uses.note(.multiMemory, at: section.offset) }
        case .tag: uses.note(.exceptions, at: section.offset)
        case .global:
            for global in module.definedGlobals {
                note(global.type, at: global.initial?.offset ?? section.offset)
                if let initial = global.initial { try note(initial) }
            }
        case .export: importsAndExports()
        case .element:
            for segment in module.elements { try note(segment) }
        case .dataCount: uses.note(.bulkMemory, at: section.offset)
        case .data:
            for segment in module.dataSegments { try note(segment) }
        case .function, .start, .custom, .code: break
        }
    }

    private mutating func types(_ content: inout ByteReader) throws(WasmBinaryError) {
        for _ in 0..<(try content.u32(.count)) {
            let code = try content.byte(of: .type)
            guard code == 0x4e else {
                try type(code, &content)
                continue
            }
            uses.note(.garbageCollection, at: content.offset - 1)
            for _ in 0..<(try content.u32(.count)) { try type(try content.byte(of: .type), &content) }
        }
    }

    private mutating func type(_ code: UInt8, _ content: inout ByteReader) throws(WasmBinaryError) {
        let start = content.offset - 1
        if code != 0x60 { uses.note(.garbageCollection, at: start) }
        guard case .function(let type) = try content.subtype(code: code) else { return }
        if type.results.count > 1 { uses.note(.multiValue, at: start) }
        for value in type.parameters + type.results { note(value, at: start) }
    }

    private mutating func importsAndExports() {
        for entry in module.imports {
            switch entry.item {
            case .function: break
            case .table(let table): note(table, at: entry.offset)
            case .memory(let limits): note(limits, at: entry.offset)
            case .global(let global):
                note(global.type, at: entry.offset)
                if global.isMutable { uses.note(.mutableGlobals, at: entry.offset) }
            case .tag: uses.note(.exceptions, at: entry.offset)
            }
        }
        for (kind, feature) in [(ExternalKind.memory, Feature.multiMemory), (.table, .referenceTypes)] {
            let entries = module.imports.filter { $0.kind == kind }
            if entries.count > 1 { uses.note(feature, at: entries[1].offset) }
        }
        let exported = module.exports.filter { $0.kind == .global }
        guard !exported.isEmpty else { return }
        let globals = module.globals
        for entry in exported where globals[Int(entry.index)].isMutable {
            uses.note(.mutableGlobals, at: entry.offset)
        }
    }

    // MARK: - Parts

    mutating func note(_ type: ValueType, at offset: Int) {
        switch type {
        case .i32, .i64, .f32, .f64: break
        case .v128: uses.note(.simd, at: offset)
        case .reference(let nullable, let heapType):
            note(heapType, at: offset)
            if !nullable { uses.note(.functionReferences, at: offset) }
        }
    }

    mutating func note(_ type: ValueType.HeapType, at offset: Int) {
        switch type {
        case .index: uses.note(.functionReferences, at: offset)
        case .abstract(.function), .abstract(.external): uses.note(.referenceTypes, at: offset)
        case .abstract(.exception), .abstract(.noException): uses.note(.exceptions, at: offset)
        case .abstract: uses.note(.garbageCollection, at: offset)
        }
    }

    private mutating func note(_ table: Table, at offset: Int) {
        // Tables of functions were there from the beginning.
        if table.type != .funcref { note(table.type, at: offset) }
        if table.limits.is64Bit { uses.note(.memory64, at: offset) }
    }

    private mutating func note(_ limits: Limits, at offset: Int) {
        if limits.is64Bit { uses.note(.memory64, at: offset) }
        if limits.isShared { uses.note(.threads, at: offset) }
        if limits.pageSizeLog2 != nil { uses.note(.customPageSizes, at: offset) }
    }

    private mutating func note(_ segment: ElementSegment) throws(WasmBinaryError) {
        switch segment.mode {
        case .active(let table, let offset):
            if table > 0 { uses.note(.referenceTypes, at: segment.offset) }
            try note(offset)
        case .passive: uses.note(.bulkMemory, at: segment.offset)
        case .declarative: uses.note(.referenceTypes, at: segment.offset)
        }
        if segment.type != .funcref { note(segment.type, at: segment.offset) }
    }

    private mutating func note(_ segment: DataSegment) throws(WasmBinaryError) {
        switch segment.mode {
        case .active(let memory, let offset):
            if memory > 0 { uses.note(.multiMemory, at: segment.offset) }
            try note(offset)
        case .passive: uses.note(.bulkMemory, at: segment.offset)
        }
    }

    /// Reads a constant expression once more, as instructions.
    private mutating func note(_ expression: ConstantExpression) throws(WasmBinaryError) {
        if case .computed = expression.value {
            // More than one operator is an extended constant or makes an object.
            var reader = ByteReader(module.bytes[...], in: expression.offset..<module.size)
            while true {
                let place = reader.offset
                let code = try reader.byte(of: .constant)
                if code == 0x0b { return }
                if (0x6a...0x7e).contains(code) { uses.note(.extendedConstants, at: place) }
                try instruction(code, at: place, &reader)
            }
        }
        switch expression.value {
        case .v128: uses.note(.simd, at: expression.offset)
        case .function: uses.note(.referenceTypes, at: expression.offset)
        case .null(let type):
            uses.note(.referenceTypes, at: expression.offset)
            note(type, at: expression.offset)
        default: break
        }
    }

    // MARK: - Code

    /// Walks the bodies of all functions.
    mutating func code(_ content: inout ByteReader) throws(WasmBinaryError) {
        for _ in 0..<(try content.u32(.count)) {
            var body = try content.sized(.functionBody)
            try locals(&body)
            try instructions(&body)
            guard body.isAtEnd else {
                throw WasmBinaryError(.bytesBehind(.functionBody, body.remaining), at: body.offset)
            }
        }
    }

    private mutating func locals(_ body: inout ByteReader) throws(WasmBinaryError) {
        var total = 0
        for _ in 0..<(try body.count(.local, limit: EngineLimit.locals, minimumEntrySize: 2)) {
            let offset = body.offset
            total += Int(try body.u32(.local))
            guard total <= EngineLimit.locals else {
                throw WasmBinaryError(
                    .tooMany(.local, count: total, limit: EngineLimit.locals), at: offset)
            }
            let place = body.offset
            note(try body.valueType(.local), at: place)
        }
    }

    /// Reads instructions up to the end that closes the function; nesting is counted, not followed.
    private mutating func instructions(_ body: inout ByteReader) throws(WasmBinaryError) {
        var depth = 1
        while depth > 0 {
            let place = body.offset
            let code = try body.byte(of: .instruction)
            switch code {
            // block, loop, if, try, try_table
            case 0x02, 0x03, 0x04, 0x06, 0x1f: depth += 1
            // end; delegate, which closes a try
            case 0x0b, 0x18: depth -= 1
            default: break
            }
            try instruction(code, at: place, &body)
        }
    }
}
