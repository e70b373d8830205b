// SPDX-License-Identifier: Apache-2.0

/// The type of a value (core spec 3.0, 5.3.5 "Value Types").
package enum ValueType: Hashable, Sendable {
    case i32, i64, f32, f64, v128
    case reference(nullable: Bool, HeapType)

    /// What a reference points to (core spec 3.0, 5.3.3 "Heap Types").
    package enum HeapType: Hashable, Sendable {
        /// A kind of object that the specification names.
        case abstract(AbstractHeapType)
        /// A type of this module.
        case index(UInt32)
    }

    package static let funcref = ValueType.reference(nullable: true, .abstract(.function))
    package static let externref = ValueType.reference(nullable: true, .abstract(.external))
}

/// A kind of object that references can point to without naming a type of the module; the raw value is its code.
package enum AbstractHeapType: UInt8, Hashable, Sendable, CaseIterable {
    case exception = 0x69
    case array = 0x6a
    case structure = 0x6b
    case i31 = 0x6c
    case equatable = 0x6d
    case any = 0x6e
    case external = 0x6f
    case function = 0x70
    case none = 0x71
    case noExternal = 0x72
    case noFunction = 0x73
    case noException = 0x74
}

extension AbstractHeapType: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exception: "exn"
        case .array: "array"
        case .structure: "struct"
        case .i31: "i31"
        case .equatable: "eq"
        case .any: "any"
        case .external: "extern"
        case .function: "func"
        case .none: "none"
        case .noExternal: "noextern"
        case .noFunction: "nofunc"
        case .noException: "noexn"
        }
    }

    /// The short name of a nullable reference to it.
    var referenceName: String {
        switch self {
        case .none: "nullref"
        case .noExternal: "nullexternref"
        case .noFunction: "nullfuncref"
        case .noException: "nullexnref"
        default: "\(self)ref"
        }
    }
}

extension ValueType: CustomStringConvertible {
    package var description: String {
        switch self {
        case .i32: "i32"
        case .i64: "i64"
        case .f32: "f32"
        case .f64: "f64"
        case .v128: "v128"
        case .reference(true, .abstract(let kind)): kind.referenceName
        case .reference(false, .abstract(let kind)): "(ref \(kind))"
        case .reference(let nullable, .index(let index)): "(ref \(nullable ? "null " : "")\(index))"
        }
    }
}

/// What a function takes and gives (core spec 3.0, 5.3.8 "Composite Types").
package struct FunctionType: Hashable, Sendable, CustomStringConvertible {
    package let parameters: [ValueType]
    package let results: [ValueType]

    package init(_ parameters: [ValueType] = [], results: [ValueType] = []) {
        self.parameters = parameters
        self.results = results
    }

    /// The text that Envoy prints in its own messages, as in `i32 i32 -> i32`.
    package var description: String {
        let parts = [parameters, results].map { list in
            list.isEmpty ? "void" : list.map(\.description).joined(separator: " ")
        }
        return parts.joined(separator: " -> ")
    }
}

/// An entry of the type index space.
package enum DefinedType: Hashable, Sendable {
    case function(FunctionType)
    /// A structure with this many fields.
    case structure(fields: Int)
    case array
}

/// The size of a memory or a table (core spec 3.0, 5.3.12 "Limits").
package struct Limits: Hashable, Sendable {
    package let minimum: UInt64
    package let maximum: UInt64?
    package let isShared: Bool
    package let is64Bit: Bool
    /// The bytes of a page, as the power of two; nil where the module does not say and a page has 64 KiB.
    package let pageSizeLog2: UInt8?

    package init(
        minimum: UInt64, maximum: UInt64? = nil, isShared: Bool = false, is64Bit: Bool = false,
        pageSizeLog2: UInt8? = nil
    ) {
        self.minimum = minimum
        self.maximum = maximum
        self.isShared = isShared
        self.is64Bit = is64Bit
        self.pageSizeLog2 = pageSizeLog2
    }
}
