// SPDX-License-Identifier: Apache-2.0

/// A module drawn from its imports and exports, to be loaded by real hosts and held against what is known of them.
///
/// It is a sound filter as it stands; a test takes parts away or adds some.
package struct ModuleSketch: Sendable {
    /// A function's type in short: parameters, a colon, results, as in "iiI:i"; `i` is i32 and `I` is i64.
    package typealias Signature = String

    /// A function that is imported.
    package struct Import: Sendable, Hashable {
        package let module: String
        package let name: String
        package let signature: Signature

        package init(_ module: String, _ name: String, _ signature: Signature) {
            self.module = module
            self.name = name
            self.signature = signature
        }
    }

    /// A function that is exported.
    package struct Function: Sendable, Hashable {
        package let name: String
        package let signature: Signature
        /// Which of the imports to call with zeros; nil to do nothing.
        package let calls: Int?

        package init(_ name: String, _ signature: Signature, calls: Int? = nil) {
            self.name = name
            self.signature = signature
            self.calls = calls
        }
    }

    /// The suffix of the marker, as in "0_2_1"; nil for none.
    package var abi: String? = "0_2_1"
    package var imports: [Import] = []
    package var functions: [Function] = []
    /// The export of the allocator; nil for none.
    package var allocator: String? = "malloc"
    package var allocatorSignature: Signature = "i:i"
    /// The export of the memory; nil for none.
    package var memory: String? = "memory"
    /// Flags and sizes of the memory as they are in the file; empty for none.
    package var memoryLimits: [UInt8] = [0, 1]
    /// Whole import entries of other kinds.
    package var otherImports: [[UInt8]] = []
    /// Custom sections.
    package var custom: [(name: String, bytes: [UInt8])] = []

    package init(abi: String? = "0_2_1", imports: [Import] = [], functions: [Function] = []) {
        self.abi = abi
        self.imports = imports
        self.functions = functions
    }

    /// The module's bytes.
    package var bytes: [UInt8] {
        var all = functions
        if let abi { all.append(Function("proxy_abi_version_\(abi)", ":")) }
        if let allocator { all.append(Function(allocator, allocatorSignature)) }
        var types: [Signature] = []
        func type(_ signature: Signature) -> [UInt8] {
            if let index = types.firstIndex(of: signature) { return Self.unsigned(index) }
            types.append(signature)
            return Self.unsigned(types.count - 1)
        }
        let importEntries =
            imports.map { Self.name($0.module) + Self.name($0.name) + [0x00] + type($0.signature) }
            + otherImports
        let functionEntries = all.map { type($0.signature) }
        var exportEntries = all.enumerated().map { index, function in
            Self.name(function.name) + [0x00] + Self.unsigned(imports.count + index)
        }
        if let memory, !memoryLimits.isEmpty { exportEntries.append(Self.name(memory) + [0x02, 0x00]) }
        let bodies = all.map { Self.sized([0x00] + body($0) + [0x0b]) }
        return [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
            + Self.section(1, types.map(Self.functionType))
            + Self.section(2, importEntries)
            + Self.section(3, functionEntries)
            + Self.section(5, memoryLimits.isEmpty ? [] : [memoryLimits])
            + Self.section(7, exportEntries)
            + Self.section(10, bodies)
            + custom.flatMap { [0x00] + Self.sized(Self.name($0.name) + $0.bytes) }
    }

    private func body(_ function: Function) -> [UInt8] {
        var code: [UInt8] = []
        if let calls = function.calls, imports.indices.contains(calls) {
            let (parameters, results) = Self.halves(imports[calls].signature)
            code += parameters.flatMap(Self.constant) + [0x10] + Self.unsigned(calls)
            code += results.map { _ in 0x1a }
        }
        // Callbacks that give a number mean "true" or "continue" by one and zero; one is fine for both here.
        let isCallback = function.name.hasPrefix("proxy_on_") && function.name.contains("headers")
        return code
            + Self.halves(function.signature).results.flatMap {
                isCallback ? Self.constant($0) : Self.one($0)
            }
    }

    private static func halves(_ signature: Signature) -> (parameters: [Character], results: [Character]) {
        let halves = signature.split(separator: ":", omittingEmptySubsequences: false).map(Array.init)
        return (halves.first ?? [], halves.count > 1 ? halves[1] : [])
    }

    private static func functionType(_ signature: Signature) -> [UInt8] {
        let (parameters, results) = halves(signature)
        return [0x60] + unsigned(parameters.count) + parameters.map(code)
            + unsigned(results.count) + results.map(code)
    }

    private static func code(_ type: Character) -> UInt8 {
        switch type {
        case "I": 0x7e
        case "f": 0x7d
        case "F": 0x7c
        default: 0x7f
        }
    }

    private static func constant(_ type: Character) -> [UInt8] {
        switch type {
        case "I": [0x42, 0x00]
        case "f": [0x43, 0, 0, 0, 0]
        case "F": [0x44, 0, 0, 0, 0, 0, 0, 0, 0]
        default: [0x41, 0x00]
        }
    }

    private static func one(_ type: Character) -> [UInt8] {
        type == "i" ? [0x41, 0x01] : constant(type)
    }

    private static func section(_ id: UInt8, _ entries: [[UInt8]]) -> [UInt8] {
        entries.isEmpty ? [] : [id] + sized(unsigned(entries.count) + entries.joined())
    }

    /// A name or a vector of bytes with its length before it.
    package static func name(_ text: String) -> [UInt8] { sized(Array(text.utf8)) }

    private static func sized(_ bytes: [UInt8]) -> [UInt8] { unsigned(bytes.count) + bytes }

    private static func unsigned(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }
}
