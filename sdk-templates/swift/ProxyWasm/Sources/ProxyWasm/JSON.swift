// SPDX-License-Identifier: Apache-2.0

/// A JSON value of a configuration, with accessors that say what they expected, what they found and where.
///
/// Members are reached by subscript, whether they exist or not; it is the accessor at the end that throws:
/// `try json["retry"]["count"].integer(in: 0...10, default: 3)`. Nothing is kept but the text: each access looks for
/// what it wants there, so read a value once and keep what you have read.
public struct JSON: Sendable {
    /// The names that led on from a value to where nothing is.
    private final class Names: Sendable {
        let joined: Bytes

        init(_ joined: Bytes) {
            self.joined = joined
        }
    }

    private let text: JSONText
    /// Where the value begins, or the last one on the way to what is missing.
    private let offset: Int
    /// Nil for a value that is there.
    private let missing: Names?

    /// Reads a JSON text (RFC 8259); arrays and objects may be nested 64 deep.
    public init(_ text: Bytes) throws(ConfigurationError) {
        let text = JSONText(text)
        try JSONValidator.check(text)
        self.init(text, text.token(from: 0), nil)
    }

    private init(_ text: JSONText, _ offset: Int, _ missing: Names?) {
        self.text = text
        self.offset = offset
        self.missing = missing
    }

    // MARK: Structure

    /// The member of an object.
    public subscript(_ name: Bytes) -> JSON {
        if let missing { return JSON(text, offset, Names("\(missing.joined).\(name)")) }
        if text.kind(at: offset) == .object {
            var items = JSONItems(text, offset)
            while items.next() {
                if text.string(at: items.name) == name { return JSON(text, items.value, nil) }
            }
        }
        return JSON(text, offset, Names(name))
    }

    /// Whether the value is there; a null is.
    public var exists: Bool { missing == nil }

    /// Whether the value is there and null.
    public var isNull: Bool { missing == nil && text.kind(at: offset) == .null }

    /// The elements of an array.
    public func elements() throws(ConfigurationError) -> [JSON] {
        var items = try items(of: .array, "an array")
        var elements: [JSON] = []
        while items.next() {
            elements.append(JSON(text, items.value, nil))
        }
        return elements
    }

    /// The members of an object, in order.
    public func members() throws(ConfigurationError) -> [(name: Bytes, value: JSON)] {
        var items = try items(of: .object, "an object")
        var members: [(name: Bytes, value: JSON)] = []
        while items.next() {
            members.append((text.string(at: items.name), JSON(text, items.value, nil)))
        }
        return members
    }

    /// Throws if this is not an object, or has a member of another name.
    public func allow(_ names: Bytes...) throws(ConfigurationError) {
        var items = try items(of: .object, "an object")
        while items.next() {
            let name = text.string(at: items.name)
            guard !names.contains(name) else { continue }
            throw text.error("unknown member \"\(name)\"", path: text.path(to: offset), at: items.value)
        }
    }

    // MARK: Values

    /// The text of a string, or `fallback` if there is none.
    public func string(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        if let fallback, isMissing { return fallback }
        try require(.string, "a string")
        return text.string(at: offset)
    }

    /// True or false, or `fallback` if there is none.
    public func boolean(default fallback: Bool? = nil) throws(ConfigurationError) -> Bool {
        if let fallback, isMissing { return fallback }
        try require(.boolean, "true or false")
        return text[offset] == UInt8(ascii: "t")
    }

    /// A number without a fraction that lies in `range`, or `fallback` if there is none.
    public func integer(
        in range: ClosedRange<Int64> = Int64.min...Int64.max,
        default fallback: Int64? = nil
    ) throws(ConfigurationError) -> Int64 {
        if let fallback, isMissing { return fallback }
        try require(.number, "an integer")
        let literal = text.literal(at: offset)
        guard let value = JSONNumber(literal).integer else {
            throw error("expected an integer of 64 bits, found \(literal)")
        }
        guard range.contains(value) else {
            throw error(
                "expected an integer from \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        return value
    }

    /// A number, or `fallback` if there is none.
    public func number(default fallback: Double? = nil) throws(ConfigurationError) -> Double {
        if let fallback, isMissing { return fallback }
        try require(.number, "a number")
        let literal = text.literal(at: offset)
        guard let value = JSONNumber(literal).double else {
            throw error("expected a number within the range of a double, found \(literal)")
        }
        return value
    }

    /// A string that can be a header name, or `fallback` if there is none.
    public func headerName(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        let name = try string(default: fallback)
        guard HeaderField.isValidName(name) else { throw error("expected a header name, found \"\(name)\"") }
        return name
    }

    /// A string that can be a header value, or `fallback` if there is none.
    public func headerValue(default fallback: Bytes? = nil) throws(ConfigurationError) -> Bytes {
        let value = try string(default: fallback)
        guard HeaderField.isValidValue(value) else {
            throw error("expected a header value (no NUL, CR or LF)")
        }
        return value
    }

    /// An error about this value, such as one of the plugin's own checks.
    public func error(_ message: Bytes) -> ConfigurationError {
        let path = text.path(to: offset)
        guard let missing else { return text.error(message, path: path, at: offset) }
        return text.error(message, path: path.isEmpty ? missing.joined : "\(path).\(missing.joined)", at: nil)
    }

    // MARK: Errors

    /// Whether a default takes the place of this: not if the way here led through something that is not an object.
    private var isMissing: Bool {
        missing != nil && text.kind(at: offset) == .object
    }

    private func require(_ kind: JSONText.Kind, _ expected: Bytes) throws(ConfigurationError) {
        let found = text.kind(at: offset)
        if missing == nil, found == kind { return }
        if isMissing { throw error("expected \(expected), found nothing") }
        let expected = missing == nil ? expected : "an object"
        throw JSON(text, offset, nil).error("expected \(expected), found \(text.description(at: offset))")
    }

    private func items(of kind: JSONText.Kind, _ expected: Bytes) throws(ConfigurationError) -> JSONItems {
        try require(kind, expected)
        return JSONItems(text, offset)
    }
}
