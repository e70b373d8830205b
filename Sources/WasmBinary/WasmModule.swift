// SPDX-License-Identifier: Apache-2.0

/// A WebAssembly core module, read but never run (core spec 3.0, chapter 5 "Binary Format").
///
/// What is read is what a host looks at before it instantiates a module: types, imports, exports, memories, the start
/// function and custom sections. The other sections are kept as ranges. Reading checks the form, not the validity:
/// that is the engine's work. Every count is held against the bytes that are there before anything is kept, so the
/// memory used is bounded by the size of the file.
package struct WasmModule: Sendable {
    /// The whole file.
    package let bytes: [UInt8]
    /// All sections in the order of the file.
    package internal(set) var sections: [Section] = []
    /// The type index space.
    package internal(set) var types: [DefinedType] = []
    package internal(set) var imports: [Import] = []
    /// For each function defined here, the index of its type; imported functions come before them in the index space.
    package internal(set) var functions: [UInt32] = []
    /// The memories defined here; see `memories` for all.
    package internal(set) var definedMemories: [Limits] = []
    package internal(set) var exports: [Export] = []
    /// The function that runs when the module is instantiated.
    package internal(set) var start: UInt32?
    package internal(set) var customSections: [CustomSection] = []

    /// Reads a module.
    package init(_ bytes: [UInt8]) throws(WasmBinaryError) {
        self.bytes = bytes
        try read()
    }

    /// Bytes of the file.
    package var size: Int { bytes.count }

    /// All memories, imported ones first.
    package var memories: [Limits] {
        imports.compactMap { if case .memory(let limits) = $0.item { limits } else { nil } } + definedMemories
    }

    /// The type of a function of the function index space, imported functions first.
    package func functionType(at index: UInt32) -> FunctionType? {
        let imported = imports.lazy.compactMap { item -> UInt32? in
            if case .function(let typeIndex) = item.item { typeIndex } else { nil }
        }
        let typeIndexes = Array(imported) + functions
        guard Int(index) < typeIndexes.count else { return nil }
        return functionType(typeIndex: typeIndexes[Int(index)])
    }

    /// The type that an imported function must have.
    package func functionType(of item: Import) -> FunctionType? {
        guard case .function(let typeIndex) = item.item else { return nil }
        return functionType(typeIndex: typeIndex)
    }

    private func functionType(typeIndex: UInt32) -> FunctionType? {
        guard Int(typeIndex) < types.count, case .function(let type) = types[Int(typeIndex)] else {
            return nil
        }
        return type
    }

    /// The export of this name and kind.
    package func export(_ name: String, kind: ExternalKind = .function) -> Export? {
        exports.first { $0.name == name && $0.kind == kind }
    }

    /// The bytes of the first custom section of this name.
    package func customSection(_ name: String) -> ArraySlice<UInt8>? {
        customSections.first { $0.name == name }.map { bytes[$0.content] }
    }

    /// The name that the compiler gave the module, from the custom section "name" (core spec 3.0, 7.4.1).
    ///
    /// A malformed "name" section counts as none: the specification lets no custom section spoil a module.
    package var moduleName: String? {
        guard let section = customSections.first(where: { $0.name == "name" }) else { return nil }
        var reader = ByteReader(bytes, in: section.content)
        do {
            guard try reader.byte(of: .subsection) == 0 else { return nil }
            var content = try reader.slice(Int(try reader.u32(.subsection)), of: .subsection)
            return try content.name(.moduleName)
        } catch {
            return nil
        }
    }

    /// Whether this is an object file for the linker, not a finished module (tool-conventions, Linking.md).
    package var isObjectFile: Bool { customSections.contains { $0.name == "linking" } }
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
