// SPDX-License-Identifier: Apache-2.0

/// The type of a value (core spec 3.0, 5.3.5 "Value Types").
package enum ValueType: Hashable, Sendable {
    case i32, i64, f32, f64, v128
    case reference(nullable: Bool, HeapType)

    /// What a reference points to (core spec 3.0, 5.3.3 "Heap Types").
    package enum HeapType: Hashable, Sendable {
        /// A named kind of object: `func`, `extern`, `any`, …
        case abstract(String)
        /// A type of this module.
        case index(UInt32)
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
        case .reference(true, .abstract(let name)): "\(name)ref"
        case .reference(let nullable, .abstract(let name)): "(ref \(nullable ? "null " : "")\(name))"
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

    package init(minimum: UInt64, maximum: UInt64? = nil, isShared: Bool = false, is64Bit: Bool = false) {
        self.minimum = minimum
        self.maximum = maximum
        self.isShared = isShared
        self.is64Bit = is64Bit
    }
}

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
        case table(ValueType, Limits)
        case memory(Limits)
        case global(ValueType, isMutable: Bool)
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

/// A section as it lies in the file (core spec 3.0, 5.5.2 "Sections").
package struct Section: Hashable, Sendable {
    /// What a section holds.
    package enum ID: UInt8, Hashable, Sendable, CaseIterable {
        case custom = 0
        case type = 1
        case `import` = 2
        case function = 3
        case table = 4
        case memory = 5
        case global = 6
        case export = 7
        case start = 8
        case element = 9
        case code = 10
        case data = 11
        case dataCount = 12
        case tag = 13

        /// The place that the order of sections gives it; custom sections may stand anywhere.
        var rank: Int? {
            switch self {
            case .custom: nil
            case .type: 1
            case .import: 2
            case .function: 3
            case .table: 4
            case .memory: 5
            case .tag: 6
            case .global: 7
            case .export: 8
            case .start: 9
            case .element: 10
            case .dataCount: 11
            case .code: 12
            case .data: 13
            }
        }
    }

    package let id: ID
    /// Where the section begins in the file, its id included.
    package let offset: Int
    /// Where its content lies in the file.
    package let content: Range<Int>

    /// Bytes of the content.
    package var size: Int { content.count }
}

extension Section.ID: CustomStringConvertible {
    package var description: String {
        switch self {
        case .custom: "custom"
        case .type: "type"
        case .import: "import"
        case .function: "function"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        case .export: "export"
        case .start: "start"
        case .element: "element"
        case .code: "code"
        case .data: "data"
        case .dataCount: "data count"
        case .tag: "tag"
        }
    }
}

/// A custom section: a name and bytes that are not for the engine (core spec 3.0, 5.5.3).
package struct CustomSection: Hashable, Sendable {
    package let name: String
    /// Where the bytes behind the name lie in the file.
    package let content: Range<Int>
}
