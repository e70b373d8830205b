// SPDX-License-Identifier: Apache-2.0

import WasmBinary

/// Why a module is not described: it declares more than any compiler writes, and everything that is declared is held
/// against every version of every host.
enum ModuleBounds: Error, CustomStringConvertible {
    case tooMany(String, Int, most: Int)
    case namesTooLong(Int)

    private static let imports = 150
    private static let exports = 10_000
    /// Exports by which a module and its host know each other: each is looked for among all there are.
    private static let callbacks = 100
    private static let customSections = 1000
    private static let memories = 100
    /// Bytes of all names together.
    private static let names = 1 << 20

    var description: String {
        switch self {
        case .tooMany(let what, let count, let most):
            "the module has \(count) \(what), of which the hub looks at no more than \(most)"
        case .namesTooLong(let count):
            "the names in the module have \(count) bytes, of which the hub looks at no more than \(Self.names)"
        }
    }

    static func check(_ module: WasmModule) throws(ModuleBounds) {
        for (what, count, most) in [
            ("imports", module.imports.count, imports), ("exports", module.exports.count, exports),
            ("callbacks", module.exports.count { $0.name.hasPrefix("proxy_") }, callbacks),
            ("custom sections", module.customSections.count, customSections),
            ("memories", module.memories.count, memories),
        ] where count > most {
            throw .tooMany(what, count, most: most)
        }
        let bytes =
            module.imports.reduce(0) { $0 + $1.module.utf8.count + $1.name.utf8.count }
            + module.exports.reduce(0) { $0 + $1.name.utf8.count }
            + module.customSections.reduce(0) { $0 + $1.name.utf8.count }
            + module.producers.reduce(0) { $0 + $1.name.utf8.count + $1.version.utf8.count }
        guard bytes <= names else { throw .namesTooLong(bytes) }
    }
}
