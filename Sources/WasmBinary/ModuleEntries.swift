// SPDX-License-Identifier: Apache-2.0

/// What an import or an export is (core spec 3.0, 5.3.16 "External Types").
package enum ExternalKind: UInt8, Hashable, Sendable, CustomStringConvertible {
    case function = 0
    case table = 1
    case memory = 2
    case global = 3
    case tag = 4

    package var description: String {
        switch self {
        case .function: "function"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        case .tag: "tag"
        }
    }
}

/// Something a module needs from its host.
package struct Import: Hashable, Sendable {
    /// What exactly is needed.
    package enum Item: Hashable, Sendable {
        /// A function of the type at this index.
        case function(typeIndex: UInt32)
        case table(Table)
        case memory(Limits)
        case global(Global)
        /// An exception tag of the type at this index.
        case tag(typeIndex: UInt32)
    }

    package let module: String
    package let name: String
    package let item: Item
    /// Where the entry begins in the file.
    package let offset: Int

    package var kind: ExternalKind {
        switch item {
        case .function: .function
        case .table: .table
        case .memory: .memory
        case .global: .global
        case .tag: .tag
        }
    }
}

/// Something a module offers to its host.
package struct Export: Hashable, Sendable {
    package let name: String
    package let kind: ExternalKind
    /// The place in the index space of its kind, imports first.
    package let index: UInt32
    /// Where the entry begins in the file.
    package let offset: Int
}

/// A table of references (core spec 3.0, 5.3.14 "Table Types").
package struct Table: Hashable, Sendable {
    package let type: ValueType
    package let limits: Limits
    /// What every element begins with, where that is not null.
    package let initial: ConstantExpression?

    package init(_ type: ValueType, _ limits: Limits, initial: ConstantExpression? = nil) {
        self.type = type
        self.limits = limits
        self.initial = initial
    }
}

/// A variable of the module (core spec 3.0, 5.3.13 "Global Types").
package struct Global: Hashable, Sendable {
    package let type: ValueType
    package let isMutable: Bool
    /// The value it begins with; nil for an imported one.
    package let initial: ConstantExpression?

    package init(_ type: ValueType, isMutable: Bool, initial: ConstantExpression? = nil) {
        self.type = type
        self.isMutable = isMutable
        self.initial = initial
    }
}

/// What is worked out when a module is instantiated (core spec 3.0, 3.4.13 "Constant Expressions").
package struct ConstantExpression: Hashable, Sendable {
    /// What the expression gives.
    package enum Value: Hashable, Sendable {
        case i32(Int32)
        case i64(Int64)
        case f32(bits: UInt32)
        case f64(bits: UInt64)
        case v128(low: UInt64, high: UInt64)
        /// The value of another global.
        case global(UInt32)
        /// A reference to a function.
        case function(UInt32)
        case null(ValueType.HeapType)
        /// The result of this many operators: extended constants, structures and arrays.
        case computed(operators: Int)
    }

    package let value: Value
    /// Where it begins in the file.
    package let offset: Int
}

/// References that a table is filled with (core spec 3.0, 5.5.12 "Element Section").
package struct ElementSegment: Hashable, Sendable {
    /// When the references go into a table.
    package enum Mode: Hashable, Sendable {
        case active(table: UInt32, at: ConstantExpression)
        case passive
        case declarative
    }

    package let mode: Mode
    package let type: ValueType
    /// How many references there are.
    package let count: Int
    /// Where it begins in the file.
    package let offset: Int
}

/// Bytes that a memory is filled with (core spec 3.0, 5.5.14 "Data Section").
package struct DataSegment: Hashable, Sendable {
    /// When the bytes go into a memory.
    package enum Mode: Hashable, Sendable {
        case active(memory: UInt32, at: ConstantExpression)
        case passive
    }

    package let mode: Mode
    /// Where the bytes lie in the file.
    package let content: Range<Int>
    /// Where the segment begins in the file.
    package let offset: Int
}
