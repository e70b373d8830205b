// SPDX-License-Identifier: Apache-2.0

/// A WebAssembly core module, read but never run (core spec 3.0, chapter 5 "Binary Format").
///
/// What is read is what a host looks at before it instantiates a module. Beside the form, the references between the
/// sections are checked: indices exist, exports differ, the start function takes and gives nothing. Whether the types
/// inside functions and constant expressions fit is the engine's work. Function bodies are only measured; `features()`
/// walks them. Every count is held against a limit and the bytes that are there before anything is kept, so the memory
/// used is bounded by the size of the file; `bytes` is shared with the caller, not copied.
package struct WasmModule: Sendable {
    /// Bytes of the file.
    package let size: Int
    /// The whole file; empty if the module was read in parts.
    package let bytes: [UInt8]
    /// All sections in the order of the file.
    package internal(set) var sections: [Section] = []
    /// The type index space.
    package internal(set) var types: [DefinedType] = []
    package internal(set) var imports: [Import] = []
    /// For each function defined here, the index of its type; imported functions come before them in the index space.
    package internal(set) var functions: [UInt32] = []
    /// The tables defined here; see `tables` for all.
    package internal(set) var definedTables: [Table] = []
    /// The memories defined here; see `memories` for all.
    package internal(set) var definedMemories: [Limits] = []
    /// The globals defined here; see `globals` for all.
    package internal(set) var definedGlobals: [Global] = []
    /// For each exception tag defined here, the index of its type.
    package internal(set) var definedTags: [UInt32] = []
    package internal(set) var exports: [Export] = []
    /// The function that runs when the module is instantiated.
    package internal(set) var start: UInt32?
    package internal(set) var elements: [ElementSegment] = []
    /// How many data segments the data count section promises.
    package internal(set) var dataCount: UInt32?
    /// How many data segments there are.
    package internal(set) var dataSegmentCount = 0
    /// The data segments; empty if the module was read in parts.
    package internal(set) var dataSegments: [DataSegment] = []
    package internal(set) var customSections: [CustomSection] = []

    /// For each imported function, the index of its type.
    var importedFunctions: [UInt32] = []
    /// How many function bodies there are; as many as `functions`, once all is read.
    var bodyCount = 0

    /// A module of which nothing is known yet.
    init(size: Int, bytes: [UInt8]) {
        self.size = size
        self.bytes = bytes
    }

    /// Reads a module.
    package init(_ bytes: [UInt8]) throws(WasmBinaryError) {
        try ModuleReader.checkHeader(bytes, size: bytes.count)
        var reader = try ModuleReader(size: bytes.count, bytes: bytes)
        var rest = ByteReader(bytes[...], in: 8..<bytes.count)
        while !rest.isAtEnd {
            let section = try reader.header(from: &rest)
            var content = try rest.slice(section.size, of: .section)
            try reader.take(section, &content, keepsContent: true)
        }
        self = try reader.finish()
    }
}

// MARK: - Index spaces

extension WasmModule {
    /// All tables, imported ones first.
    package var tables: [Table] {
        imports.compactMap { if case .table(let table) = $0.item { table } else { nil } } + definedTables
    }

    /// All memories, imported ones first.
    package var memories: [Limits] {
        imports.compactMap { if case .memory(let limits) = $0.item { limits } else { nil } } + definedMemories
    }

    /// All globals, imported ones first.
    package var globals: [Global] {
        imports.compactMap { if case .global(let global) = $0.item { global } else { nil } } + definedGlobals
    }

    /// The types of all exception tags, imported ones first.
    package var tags: [FunctionType] {
        let imported = imports.compactMap { if case .tag(let index) = $0.item { index } else { nil } }
        return (imported + definedTags).compactMap(functionType(typeIndex:))
    }

    /// How many functions there are, imported ones included.
    package var functionCount: Int { importedFunctions.count + functions.count }

    /// The type of a function of the function index space, imported functions first.
    package func functionType(at index: UInt32) -> FunctionType? {
        let index = Int(index)
        if index < importedFunctions.count { return functionType(typeIndex: importedFunctions[index]) }
        guard index < functionCount else { return nil }
        return functionType(typeIndex: functions[index - importedFunctions.count])
    }

    func functionType(typeIndex: UInt32) -> FunctionType? {
        guard Int(typeIndex) < types.count, case .function(let type) = types[Int(typeIndex)] else {
            return nil
        }
        return type
    }
}

// MARK: - Imports and exports

extension WasmModule {
    /// The type that an imported function must have; nil for other imports.
    package func signature(of item: Import) -> FunctionType? {
        guard case .function(let typeIndex) = item.item else { return nil }
        return functionType(typeIndex: typeIndex)
    }

    /// The type of an exported function; nil for other exports.
    package func signature(of export: Export) -> FunctionType? {
        export.kind == .function ? functionType(at: export.index) : nil
    }

    /// The type of the exported function of this name.
    package func signature(ofExport name: String) -> FunctionType? {
        export(name).flatMap(signature(of:))
    }

    /// The export of this name and kind.
    package func export(_ name: String, kind: ExternalKind = .function) -> Export? {
        exports.first { $0.name == name && $0.kind == kind }
    }
}

// MARK: - Proxy-Wasm

extension WasmModule {
    /// Every ABI version the module says it was written for, in the order of its exports.
    ///
    /// A good module names exactly one.
    package var proxyABIVersions: [ProxyABIVersion] {
        exports.compactMap { $0.kind == .function ? ProxyABIVersion(exportName: $0.name) : nil }
    }

    /// The ABI version that a host takes: the first one exported.
    package var proxyABIVersion: ProxyABIVersion? { proxyABIVersions.first }

    /// The export through which a host gets memory inside the module, looked for in the order that hosts do.
    package var proxyAllocator: Export? { export("malloc") ?? export("proxy_on_memory_allocate") }
}
