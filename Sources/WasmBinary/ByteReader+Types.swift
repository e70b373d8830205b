// SPDX-License-Identifier: Apache-2.0

// The types of chapter 5.3 of the core specification.
extension ByteReader {
    // MARK: - Value types

    mutating func valueType(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> ValueType {
        try valueType(code: try byte(of: what))
    }

    /// Reads the rest of a value type whose first byte was taken.
    mutating func valueType(code: UInt8) throws(WasmBinaryError) -> ValueType {
        switch code {
        case 0x7f: return .i32
        case 0x7e: return .i64
        case 0x7d: return .f32
        case 0x7c: return .f64
        case 0x7b: return .v128
        case 0x63: return .reference(nullable: true, try heapType())
        case 0x64: return .reference(nullable: false, try heapType())
        default:
            guard let kind = AbstractHeapType(rawValue: code) else {
                throw WasmBinaryError(.unknownCode(.valueType, code), at: offset - 1)
            }
            return .reference(nullable: true, .abstract(kind))
        }
    }

    /// A value type that must be a reference, as tables and elements hold.
    mutating func referenceType(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> ValueType {
        let start = offset
        let code = try byte(of: what)
        let type = try valueType(code: code)
        guard case .reference = type else {
            throw WasmBinaryError(.unknownCode(.heapType, code), at: start)
        }
        return type
    }

    mutating func heapType() throws(WasmBinaryError) -> ValueType.HeapType {
        let start = offset
        let value = try signed(bits: 33, .heapType)
        if value >= 0 { return .index(UInt32(value)) }
        // A negative value is the one-byte code of an abstract type, read as a signed number.
        let code = UInt8(truncatingIfNeeded: value & 0x7f)
        guard value >= -64, let kind = AbstractHeapType(rawValue: code) else {
            throw WasmBinaryError(.unknownCode(.heapType, code), at: start)
        }
        return .abstract(kind)
    }

    private mutating func valueTypes(
        _ what: WasmBinaryError.Part, limit: Int
    ) throws(WasmBinaryError) -> [ValueType] {
        let count = try count(what, limit: limit)
        var types: [ValueType] = []
        types.reserveCapacity(count)
        for _ in 0..<count { types.append(try valueType(what)) }
        return types
    }

    // MARK: - Defined types

    /// A type with its optional supertypes (core spec 3.0, 5.3.9 "Sub Types").
    mutating func subtype(code: UInt8) throws(WasmBinaryError) -> DefinedType {
        guard code == 0x50 || code == 0x4f else { return try compositeType(code: code) }
        let supertypes = try count(.supertype, limit: EngineLimit.supertypes)
        for _ in 0..<supertypes { _ = try u32(.typeIndex) }
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

    // MARK: - External types

    mutating func externalKind(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> ExternalKind {
        let start = offset
        let code = try byte(of: what)
        guard let kind = ExternalKind(rawValue: code) else {
            throw WasmBinaryError(.unknownCode(what, code), at: start)
        }
        return kind
    }

    mutating func tableType() throws(WasmBinaryError) -> Table {
        let type = try referenceType(.table)
        return Table(type, try limits(.table))
    }

    mutating func globalType() throws(WasmBinaryError) -> Global {
        let type = try valueType(.global)
        return Global(type, isMutable: try flag(.global))
    }

    /// The limits of a memory or a table.
    ///
    /// Bit 0: there is a maximum; bit 1: shared between threads; bit 2: 64-bit addresses; bit 3: a page size of its own
    /// (custom-page-sizes proposal). The last two make no sense for tables.
    mutating func limits(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Limits {
        let start = offset
        let flags = try byte(of: .limits)
        guard flags <= (what == .memory ? 15 : 7), what == .memory || flags & 2 == 0 else {
            throw WasmBinaryError(.unknownCode(.limits, flags), at: start)
        }
        let is64Bit = flags & 4 != 0
        let minimum = is64Bit ? try u64(what) : UInt64(try u32(what))
        var maximum: UInt64?
        if flags & 1 != 0 { maximum = is64Bit ? try u64(what) : UInt64(try u32(what)) }
        var pageSize: UInt8?
        if flags & 8 != 0 {
            let offset = offset
            let exponent = try u32(.pageSize)
            guard exponent <= 16 else {
                throw WasmBinaryError(.limitsTooLarge(.pageSize, UInt64(exponent), limit: 16), at: offset)
            }
            pageSize = UInt8(exponent)
        }
        let limits = Limits(
            minimum: minimum, maximum: maximum, isShared: flags & 2 != 0, is64Bit: is64Bit,
            pageSizeLog2: pageSize)
        if let reason = limits.problem(of: what) { throw WasmBinaryError(reason, at: start) }
        return limits
    }
}

extension Limits {
    /// What makes these limits invalid (core spec 3.0, 3.2.15 "Limits").
    fileprivate func problem(of what: WasmBinaryError.Part) -> WasmBinaryError.Reason? {
        if let maximum, maximum < minimum {
            return .limitsReversed(what, minimum: minimum, maximum: maximum)
        }
        if isShared, maximum == nil { return .sharedWithoutMaximum }
        if what == .table {
            let limit = UInt64(EngineLimit.tableElements)
            return minimum > limit ? .limitsTooLarge(.table, minimum, limit: limit) : nil
        }
        let bits = is64Bit ? EngineLimit.memoryBits.wide : EngineLimit.memoryBits.narrow
        // Pages of one byte in 64-bit addresses: every number is below the limit.
        let pageBits = bits - Int(pageSizeLog2 ?? 16)
        guard pageBits < 64 else { return nil }
        let limit = UInt64(1) << UInt64(pageBits)
        let largest = maximum ?? minimum
        return largest > limit ? .limitsTooLarge(.memory, largest, limit: limit) : nil
    }
}
