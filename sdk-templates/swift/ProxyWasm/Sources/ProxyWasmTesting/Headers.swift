// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// Headers in order, with names in lower case, as an emulated exchange has them.
public struct Headers: Hashable, Sendable {
    /// The header lines.
    public internal(set) var fields: [HeaderField]

    /// Puts headers together.
    public init(_ fields: [HeaderField]) {
        self.fields = fields.map { HeaderField($0.name.lowercasedASCII, $0.value) }
    }

    /// The value of a header, several joined by commas, or nil if there is none.
    public subscript(_ name: Bytes) -> Bytes? {
        let values = self.values(of: name)
        guard let first = values.first else { return nil }
        return values.dropFirst().reduce(first) { "\($0),\($1)" }
    }

    /// The values of all headers of a name.
    public func values(of name: Bytes) -> [Bytes] {
        fields.filter { $0.name.equalsIgnoringCase(name) }.map(\.value)
    }

    mutating func set(_ name: Bytes, to value: Bytes) {
        guard let index = fields.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else {
            return add(name, value)
        }
        fields[index] = HeaderField(fields[index].name, value)
        let following = fields[(index + 1)...].filter { !$0.name.equalsIgnoringCase(name) }
        fields.replaceSubrange((index + 1)..., with: following)
    }

    mutating func add(_ name: Bytes, _ value: Bytes) {
        fields.append(HeaderField(name.lowercasedASCII, value))
    }

    mutating func remove(_ name: Bytes) {
        fields.removeAll { $0.name.equalsIgnoringCase(name) }
    }
}

extension Headers: ExpressibleByDictionaryLiteral {
    /// Headers in the order of the literal; a name may come several times.
    public init(dictionaryLiteral elements: (Bytes, Bytes)...) {
        self.init(elements.map { HeaderField($0.0, $0.1) })
    }
}

extension Headers: CustomStringConvertible {
    /// The header lines as text.
    public var description: String {
        fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
    }
}
