// SPDX-License-Identifier: Apache-2.0

/// A JSON value of a configuration, with accessors that say what they expected, what they found and where.
///
/// Members are reached by subscript, whether they exist or not; it is the accessor at the end that throws:
/// `try json["retry"]["count"].integer(in: 0...10, default: 3)`.
public struct JSON: Sendable {
    private enum State: Sendable {
        case found(JSONNode)
        case missing
        case unreachable(ConfigurationError)
    }

    private let source: Bytes
    private let path: Bytes
    private let state: State

    /// Reads a JSON text (RFC 8259); arrays and objects may be nested 64 deep.
    public init(_ text: Bytes) throws(ConfigurationError) {
        source = text
        path = ""
        state = .found(try JSONParser.parse(text))
    }

    private init(source: Bytes, path: Bytes, state: State) {
        self.source = source
        self.path = path
        self.state = state
    }

    // MARK: Structure

    /// The member of an object.
    public subscript(_ name: Bytes) -> JSON {
        let path: Bytes = self.path.isEmpty ? name : "\(self.path).\(name)"
        let state: State =
            switch self.state {
            case .missing, .unreachable: self.state
            case .found(let node):
                if case .object(let members) = node.value {
                    members.first { $0.name == name }.map { .found($0.node) } ?? .missing
                } else {
                    .unreachable(mismatch("an object", node))
                }
            }
        return JSON(source: source, path: path, state: state)
    }

    /// Whether the value is there; a null is.
    public var exists: Bool {
        if case .found = state { true } else { false }
    }

    /// Whether the value is there and null.
    public var isNull: Bool {
        if case .found(let node) = state, case .null = node.value { true } else { false }
    }

    /// The elements of an array.
    public func elements() throws(ConfigurationError) -> [JSON] {
        let node = try node("an array")
        guard case .array(let elements) = node.value else { throw mismatch("an array", node) }
        return elements.enumerated().map { index, element in
            JSON(source: source, path: "\(path)[\(index)]", state: .found(element))
        }
    }

    /// The members of an object, in order.
    public func members() throws(ConfigurationError) -> [(name: Bytes, value: JSON)] {
        let node = try node("an object")
        guard case .object(let members) = node.value else { throw mismatch("an object", node) }
        return members.map { ($0.name, self[$0.name]) }
    }

    /// Throws if this is not an object, or has a member of another name.
    public func allow(_ names: Bytes...) throws(ConfigurationError) {
        let node = try node("an object")
        guard case .object(let members) = node.value else { throw mismatch("an object", node) }
        for member in members where !names.contains(member.name) {
            throw error("unknown member \"\(member.name)\"", at: member.node.offset)
        }
    }

    // MARK: Values

    /// The text of a string, or `fallback` if there is none.
    public func string(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        if let fallback, isMissing { return fallback }
        let node = try node("a string")
        guard case .string(let text) = node.value else { throw mismatch("a string", node) }
        return text
    }

    /// True or false, or `fallback` if there is none.
    public func boolean(default fallback: Bool? = nil) throws(ConfigurationError) -> Bool {
        if let fallback, isMissing { return fallback }
        let node = try node("true or false")
        guard case .boolean(let value) = node.value else { throw mismatch("true or false", node) }
        return value
    }

    /// A number without a fraction that lies in `range`, or `fallback` if there is none.
    public func integer(
        in range: ClosedRange<Int64> = Int64.min...Int64.max,
        default fallback: Int64? = nil
    ) throws(ConfigurationError) -> Int64 {
        if let fallback, isMissing { return fallback }
        let node = try node("an integer")
        guard case .number(let literal) = node.value else { throw mismatch("an integer", node) }
        guard let value = JSONNumber(literal).integer else {
            throw error("expected an integer of 64 bits, found \(literal)", at: node.offset)
        }
        guard range.contains(value) else {
            let bounds: Bytes = "from \(range.lowerBound) to \(range.upperBound)"
            throw error("expected an integer \(bounds), found \(value)", at: node.offset)
        }
        return value
    }

    /// A number, or `fallback` if there is none.
    public func number(default fallback: Double? = nil) throws(ConfigurationError) -> Double {
        if let fallback, isMissing { return fallback }
        let node = try node("a number")
        guard case .number(let literal) = node.value else { throw mismatch("a number", node) }
        guard let value = JSONNumber(literal).double else {
            throw error("expected a number within the range of a double, found \(literal)", at: node.offset)
        }
        return value
    }

    /// A string that can be a header name, or `fallback` if there is none.
    public func headerName(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        let name = try string(default: fallback)
        guard HeaderField.isValidName(name) else { throw invalid("a header name", name) }
        return name
    }

    /// A string that can be a header value, or `fallback` if there is none.
    public func headerValue(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        let value = try string(default: fallback)
        guard HeaderField.isValidValue(value) else {
            throw invalid("a header value (no NUL, CR or LF)", "")
        }
        return value
    }

    /// An error about this value, such as one of the plugin's own checks.
    public func error(_ message: Bytes) -> ConfigurationError {
        if case .found(let node) = state { return error(message, at: node.offset) }
        return ConfigurationError(path.isEmpty ? message : "\(path): \(message)")
    }

    // MARK: Errors

    private var isMissing: Bool {
        if case .missing = state { true } else { false }
    }

    private func node(_ expected: Bytes) throws(ConfigurationError) -> JSONNode {
        switch state {
        case .found(let node): return node
        case .missing: throw ConfigurationError("\(path): expected \(expected), found nothing")
        case .unreachable(let error): throw error
        }
    }

    private func mismatch(_ expected: Bytes, _ node: JSONNode) -> ConfigurationError {
        error("expected \(expected), found \(node.kind)", at: node.offset)
    }

    private func invalid(_ expected: Bytes, _ found: Bytes) -> ConfigurationError {
        error(found.isEmpty ? "expected \(expected)" : "expected \(expected), found \"\(found)\"")
    }

    private func error(_ message: Bytes, at offset: Int) -> ConfigurationError {
        let place = JSONParser.place(of: offset, in: source)
        return ConfigurationError(path.isEmpty ? "\(message) (\(place))" : "\(path): \(message) (\(place))")
    }
}

/// A value as it was read, and where it began.
struct JSONNode: Sendable {
    enum Value: Sendable {
        case null
        case boolean(Bool)
        case number(Bytes)
        case string(Bytes)
        case array([JSONNode])
        case object([Member])
    }

    struct Member: Sendable {
        let name: Bytes
        let node: JSONNode
    }

    let offset: Int
    let value: Value

    /// What kind of value this is, in words.
    var kind: Bytes {
        switch value {
        case .null: "null"
        case .boolean(true): "true"
        case .boolean(false): "false"
        case .number(let literal): "the number \(literal)"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
