// SPDX-License-Identifier: Apache-2.0

/// What is accepted at most, all in one place.
///
/// Where a value is that of "Implementation-defined Limits" (JavaScript API of WebAssembly), nothing that an engine
/// could load is refused. The others are far above what compilers write, and keep the memory of a hostile file bounded:
/// a count is first held against its limit, then against the bytes that are left, and only then is room made for it.
enum EngineLimit {
    // From the JavaScript API.
    static let moduleSize = 1 << 30
    static let types = 1_000_000
    static let supertypes = 1
    static let functions = 1_000_000
    static let globals = 1_000_000
    static let tags = 1_000_000
    static let dataSegments = 100_000
    static let tables = 100_000
    static let tableElements = 10_000_000
    static let memories = 100
    static let parameters = 1000
    static let results = 1000
    static let fields = 10_000
    static let locals = 50_000

    // Our own.
    static let signatureParts = 2_000_000
    static let imports = 100_000
    static let exports = 100_000
    static let elementSegments = 100_000
    static let sections = 100_000
    static let nameLength = 100_000
    static let constantOperators = 10_000
    static let customEntries = 1_000_000

    /// Pages of 64 KiB that a memory of 32-bit addresses can have, and one of 64-bit addresses (core spec 3.0, 3.2.15).
    static let memoryBits = (narrow: 32, wide: 64)
}
