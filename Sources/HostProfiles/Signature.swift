// SPDX-License-Identifier: Apache-2.0

import WasmBinary

/// A function's type in the data's short form: parameters, a colon, results; `i` is i32, `I` i64, `f` f32, `F` f64.
struct Signature: Decodable, Hashable {
    let type: FunctionType

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let halves = text.split(separator: ":", omittingEmptySubsequences: false).map { half in
            half.map { Self.types[$0] }
        }
        guard halves.count == 2, !halves.joined().contains(nil) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a function's type")
        }
        type = FunctionType(halves[0].compactMap(\.self), results: halves[1].compactMap(\.self))
    }

    private static let types: [Character: ValueType] = ["i": .i32, "I": .i64, "f": .f32, "F": .f64]
}

/// The name of an import: the two parts that a host knows it by.
package struct ImportName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let module: String
    package let name: String

    package init(_ module: String, _ name: String) {
        self.module = module
        self.name = name
    }

    package var description: String { "\(module).\(name)" }

    package static func < (left: ImportName, right: ImportName) -> Bool {
        (left.module, left.name) < (right.module, right.name)
    }
}
