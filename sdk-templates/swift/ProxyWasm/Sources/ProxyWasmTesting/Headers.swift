// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// Headers or trailers in order, with names in lower case, as a proxy has them.
public struct Headers: Hashable, Sendable {
    /// The header lines.
    public internal(set) var fields: [HeaderField]

    /// Puts headers together.
    public init(_ fields: [HeaderField] = []) {
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

    /// How many bytes the names and values have.
    var byteCount: Int {
        fields.reduce(0) { $0 + $1.name.count + $1.value.count }
    }

    /// What the host answers for a name: Envoy takes the first of several.
    func first(_ name: Bytes) -> Bytes? {
        fields.first { $0.name.equalsIgnoringCase(name) }?.value
    }

    /// Sets a header in place of all that have this name.
    public mutating func set(_ name: Bytes, to value: Bytes) {
        guard let index = fields.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else {
            return add(name, value)
        }
        fields[index] = HeaderField(fields[index].name, value)
        let following = fields[(index + 1)...].filter { !$0.name.equalsIgnoringCase(name) }
        fields.replaceSubrange((index + 1)..., with: following)
    }

    /// Adds a header beside any that has this name.
    public mutating func add(_ name: Bytes, _ value: Bytes) {
        let name = name.lowercasedASCII
        // Envoy keeps these in a place of their own, which holds one value.
        if Headers.single.contains(name), let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index] = HeaderField(name, "\(fields[index].value),\(value)")
            return
        }
        fields.append(HeaderField(name, value))
    }

    /// Removes every header that has this name.
    public mutating func remove(_ name: Bytes) {
        fields.removeAll { $0.name.equalsIgnoringCase(name) }
    }

    /// Headers of which Envoy joins several values by commas as soon as they are added.
    private static let single: Set<Bytes> = [
        ":authority", ":method", ":path", ":scheme", ":status", "connection", "content-length",
        "content-type",
        "date", "expect", "grpc-message", "grpc-status", "host", "keep-alive", "server", "te",
        "transfer-encoding", "upgrade", "user-agent", "via", "x-forwarded-for", "x-forwarded-proto",
        "x-request-id",
    ]
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
