// SPDX-License-Identifier: Apache-2.0

/// A Proxy-Wasm filter of about 250 bytes, assembled here so that tests need no compiler for WebAssembly.
///
/// It adds one header to every response. Flaws make it fail in the ways in which real modules fail.
package struct TinyFilter: Sendable {
    /// What to get wrong.
    package enum Flaw: Sendable, CaseIterable {
        case missingImport
        case wrongImportType
        case noABIVersion
        case noMalloc
        case wrongCallbackType
        case refusesToStart
        case refusesItsConfiguration
        case neverConfigured
    }

    package var header = "hello"
    package var value = "world"
    package var flaw: Flaw?
    /// Whether it traps with every response.
    package var traps = false

    package init(header: String = "hello", value: String = "world", flaw: Flaw? = nil) {
        self.header = header
        self.value = value
        self.flaw = flaw
    }

    private enum Code {
        static let i32: UInt8 = 0x7f
        static let constant: UInt8 = 0x41
        static let call: UInt8 = 0x10
        static let drop: UInt8 = 0x1a
        static let end: UInt8 = 0x0b
    }

    /// The module.
    package var bytes: [UInt8] {
        let callback = flaw == .wrongCallbackType ? 1 : 2
        // Types: ()->(), (i32)->i32, (i32 i32 i32)->i32, (5 × i32)->i32, (i32 i32)->i32.
        let types = [(0, 0), (1, 1), (3, 1), (5, 1), (2, 1)].map { parameters, results in
            [0x60] + Self.vector(Array(repeating: [Code.i32], count: parameters))
                + Self.vector(Array(repeating: [Code.i32], count: results))
        }
        let hostcall = flaw == .missingImport ? "no_such_hostcall" : "proxy_add_header_map_value"
        let imports = [
            Self.name("env") + Self.name(hostcall) + [0x00, flaw == .wrongImportType ? 1 : 3]
        ]
        // Functions 1…5; the import is function 0.
        let functions: [[UInt8]] = [[0], [1], [UInt8(callback)], [4], [4]]
        var exports: [[UInt8]] = [
            Self.name("memory") + [0x02, 0],
            Self.name("proxy_on_response_headers") + [0x00, 3],
            Self.name("proxy_on_vm_start") + [0x00, 4],
            Self.name("proxy_on_configure") + [0x00, 5],
        ]
        if flaw != .noABIVersion { exports.append(Self.name("proxy_abi_version_0_2_1") + [0x00, 1]) }
        if flaw != .noMalloc { exports.append(Self.name("malloc") + [0x00, 2]) }
        let strings = Array(header.utf8) + Array(value.utf8)
        let base = 64
        let headerLength = header.utf8.count
        var addHeader: [UInt8] = []
        // Map 2 holds the response headers.
        for number in [2, base, headerLength, base + headerLength, value.utf8.count] {
            addHeader += [Code.constant] + Self.signed(number)
        }
        let arguments = flaw == .wrongImportType ? 1 : 5
        addHeader += Array(repeating: Code.drop, count: 5 - arguments)
        addHeader += [Code.call, 0, Code.drop]
        let endless: [UInt8] = [0x03, 0x40, 0x0c, 0x00, Code.end]
        let bodies: [[UInt8]] = [
            [],
            [Code.constant] + Self.signed(1024),
            traps ? [0x00] : addHeader + [Code.constant, 0],
            [Code.constant, flaw == .refusesToStart ? 0 : 1],
            (flaw == .neverConfigured ? endless : []) + [
                Code.constant, flaw == .refusesItsConfiguration ? 0 : 1,
            ],
        ]
        return [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
            + Self.section(1, Self.vector(types))
            + Self.section(2, Self.vector(imports))
            + Self.section(3, Self.vector(functions))
            + Self.section(5, Self.vector([[0x00, 1]]))
            + Self.section(7, Self.vector(exports))
            + Self.section(10, Self.vector(bodies.map { Self.sized([0] + $0 + [Code.end]) }))
            + Self.section(
                11,
                Self.vector([[0x00, Code.constant] + Self.signed(base) + [Code.end] + Self.sized(strings)]))
    }

    private static func section(_ id: UInt8, _ content: [UInt8]) -> [UInt8] { [id] + sized(content) }
    private static func name(_ text: String) -> [UInt8] { sized(Array(text.utf8)) }
    private static func sized(_ bytes: [UInt8]) -> [UInt8] { unsigned(bytes.count) + bytes }
    private static func vector(_ items: [[UInt8]]) -> [UInt8] { unsigned(items.count) + items.joined() }

    private static func unsigned(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    private static func signed(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        while true {
            let byte = UInt8(truncatingIfNeeded: rest & 0x7f)
            rest >>= 7
            if (rest == 0 && byte & 0x40 == 0) || (rest == -1 && byte & 0x40 != 0) { return bytes + [byte] }
            bytes.append(byte | 0x80)
        }
    }
}
