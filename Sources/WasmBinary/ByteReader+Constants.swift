// SPDX-License-Identifier: Apache-2.0

/// The index spaces as far as they are known where a constant expression stands.
struct IndexSpaces {
    private var counts = SIMD8<Int>.zero

    subscript(kind: ExternalKind) -> Int {
        get { counts[Int(kind.rawValue)] }
        set { counts[Int(kind.rawValue)] = newValue }
    }
}

extension ByteReader {
    /// Reads the operators of a constant expression up to its end (core spec 3.0, 3.4.13 "Constant Expressions").
    ///
    /// The operators are known ones with whole immediates and indices that exist; whether their types fit together is
    /// the engine's to check.
    mutating func constantExpression(
        in spaces: IndexSpaces, types: Int
    ) throws(WasmBinaryError) -> ConstantExpression {
        let start = offset
        var value: ConstantExpression.Value?
        var operators = 0
        while true {
            let place = offset
            let code = try byte(of: .constant)
            if code == 0x0b { break }
            operators += 1
            guard operators <= EngineLimit.constantOperators else {
                throw WasmBinaryError(
                    .tooMany(.constant, count: operators, limit: EngineLimit.constantOperators), at: place)
            }
            value = try constantOperator(code, at: place, in: spaces, types: types)
        }
        if operators != 1 || value == nil { value = .computed(operators: operators) }
        guard operators > 0, let value else {
            throw WasmBinaryError(.truncated(.constant), at: start)
        }
        return ConstantExpression(value: value, offset: start)
    }

    /// Reads the immediates of one operator.
    /// - Returns: its value, if it makes one without operands.
    private mutating func constantOperator(
        _ code: UInt8, at place: Int, in spaces: IndexSpaces, types: Int
    ) throws(WasmBinaryError) -> ConstantExpression.Value? {
        switch code {
        case 0x41: return .i32(Int32(truncatingIfNeeded: try signed(bits: 32, .constant)))
        case 0x42: return .i64(try signed(bits: 64, .constant))
        case 0x43: return .f32(bits: UInt32(truncatingIfNeeded: try fixed(4, of: .constant)))
        case 0x44: return .f64(bits: try fixed(8, of: .constant))
        case 0x23: return .global(try index(.globalIndex, below: spaces[.global]))
        case 0xd0: return .null(try heapType())
        case 0xd2: return .function(try index(.functionIndex, below: spaces[.function]))
        // Extended constants: add, sub and mul of both integer types.
        case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: return nil
        case 0xfb:
            let sub = try u32(.constant)
            switch sub {
            // struct.new, struct.new_default, array.new, array.new_default
            case 0, 1, 6, 7: _ = try index(.typeIndex, below: types)
            // array.new_fixed
            case 8:
                _ = try index(.typeIndex, below: types)
                _ = try u32(.constant)
            // any.convert_extern, extern.convert_any, ref.i31
            case 26, 27, 28: break
            default: throw WasmBinaryError(.unknownOpcode(prefix: 0xfb, sub), at: place)
            }
            return nil
        case 0xfd:
            let sub = try u32(.constant)
            guard sub == 12 else { throw WasmBinaryError(.unknownOpcode(prefix: 0xfd, sub), at: place) }
            return .v128(low: try fixed(8, of: .constant), high: try fixed(8, of: .constant))
        default: throw WasmBinaryError(.unknownOpcode(prefix: nil, UInt32(code)), at: place)
        }
    }
}
