// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a text, where the scanner has stopped.
enum JSONProblem: UInt8 {
    case none
    // Something else was expected.
    case value
    case end
    case memberName
    case colon
    case commaOrBrace
    case commaOrBracket
    case digit
    case hexadecimalDigit
    case character
    case endOfString
    // Something is wrong with what is there.
    case escape
    case surrogate
    case depth
    case members
    case duplicate
    case encoding

    fileprivate var text: Bytes {
        switch self {
        case .none: ""
        case .value: "a value"
        case .end: "the end"
        case .memberName: "a member name"
        case .colon: "\":\""
        case .commaOrBrace: "\",\" or \"}\""
        case .commaOrBracket: "\",\" or \"]\""
        case .digit: "a digit"
        case .hexadecimalDigit: "a hexadecimal digit"
        case .character: "a character of a string"
        case .endOfString: "the end of a string"
        case .escape: "expected an escape sequence, found another"
        case .surrogate: "expected a pair of surrogates, found half of one"
        case .depth: "nested more than 64 deep"
        case .members: "more than 1000 members in one object"
        case .duplicate: "duplicate member "
        case .encoding: "expected UTF-8 text, found other bytes"
        }
    }
}

/// Reads JSON (RFC 8259) strictly: valid UTF-8, no duplicate members, no lone surrogates, bounded depth.
struct JSONValidator: ~Copyable {
    private var scanner: JSONScanner
    private let text: JSONText
    private var names = NameStack()
    /// One bit for each array (0) or object (1) that is open.
    private var containers: UInt64 = 0
    private var depth = 0

    private init(_ text: JSONText) {
        self.text = text
        scanner = JSONScanner(text, 0)
    }

    @inline(never)
    static func check(_ text: JSONText) throws(ConfigurationError) {
        var validator = JSONValidator(text)
        let problem: JSONProblem
        if let offset = text.firstInvalidUTF8 {
            validator.scanner.offset = offset
            problem = .encoding
        } else {
            problem = validator.checkText()
        }
        guard problem != .none else { return }
        let offset = validator.scanner.offset
        var message = problem.text
        if problem == .duplicate {
            message = "\(message)\"\(text.string(at: offset))\""
        } else if problem.rawValue < JSONProblem.escape.rawValue {
            message = "expected \(message), found \(found(text, offset))"
        }
        throw text.error(message, path: "", at: offset)
    }

    private static func found(_ text: JSONText, _ offset: Int) -> Bytes {
        let byte = text[offset]
        if offset >= text.count { return "the end" }
        let isPrintable = byte > 0x20 && byte < 0x7F
        return isPrintable ? "\"\(text.byte(at: offset))\"" : "byte \(byte)"
    }

    private mutating func checkText() -> JSONProblem {
        while true {
            scanner.skipSpace()
            var problem = JSONProblem.none
            switch scanner.peek {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 64 { return .depth }
                open(isObject: scanner.peek == UInt8(ascii: "{"))
                if !skipClosing() {
                    problem = checkName()
                    if problem != .none { return problem }
                    continue
                }
            case UInt8(ascii: "\""): problem = scanner.string(into: nil)
            case UInt8(ascii: "t"): problem = scanner.word("true")
            case UInt8(ascii: "f"): problem = scanner.word("false")
            case UInt8(ascii: "n"): problem = scanner.word("null")
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): problem = scanner.number()
            default: problem = .value
            }
            if problem != .none { return problem }
            // Behind a value: the ends of what contains it, and a comma or the end of the text.
            repeat {
                scanner.skipSpace()
                if depth == 0 { return scanner.offset < text.count ? .end : .none }
            } while skipClosing()
            if !scanner.skip(UInt8(ascii: ",")) { return isObject ? .commaOrBrace : .commaOrBracket }
            scanner.skipSpace()
            problem = checkName()
            if problem != .none { return problem }
        }
    }

    private var isObject: Bool { containers & 1 != 0 }

    private mutating func open(isObject: Bool) {
        scanner.offset += 1
        scanner.skipSpace()
        depth += 1
        containers = containers << 1 | (isObject ? 1 : 0)
        if isObject { names.push(0, 0) }
    }

    private mutating func skipClosing() -> Bool {
        guard scanner.skip(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
        if isObject {
            while names.pop() != 0 {}
        }
        depth -= 1
        containers >>= 1
        return true
    }

    /// In an object, the name of a member and the colon behind it.
    private mutating func checkName() -> JSONProblem {
        guard isObject else { return .none }
        let start = scanner.offset
        guard scanner.peek == UInt8(ascii: "\"") else { return .memberName }
        let buffer = Buffer()
        let problem = scanner.string(into: buffer)
        if problem != .none { return problem }
        let name = Bytes(buffer)
        let hash = name.checksum
        var members = 0
        while let other = names.offset(members) {
            if names.hash(members) == hash, text.string(at: other) == name {
                scanner.offset = start
                return .duplicate
            }
            members += 1
        }
        if members == 1000 {
            scanner.offset = start
            return .members
        }
        names.push(hash, start)
        scanner.skipSpace()
        return scanner.skip(UInt8(ascii: ":")) ? .none : .colon
    }
}

/// The members of the objects that are open: a hash of each name and its offset, and a 0 where an object begins.
///
/// The hashes are for speed only; what an attacker gains by equal ones is bounded by the number of members.
private struct NameStack: ~Copyable {
    private let buffer = Buffer()

    mutating func push(_ hash: UInt32, _ offset: Int) {
        var entry = (hash, UInt32(truncatingIfNeeded: offset))
        withUnsafeBytes(of: &entry) {
            buffer.append($0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
        }
    }

    /// Removes the last entry, and gives its offset.
    mutating func pop() -> UInt32 {
        let offset = word(1)
        buffer.removeLast(8)
        return offset
    }

    /// The offset of a name by its distance from the last one of the same object.
    func offset(_ distance: Int) -> Int? {
        let offset = word(distance * 2 + 1)
        return offset == 0 ? nil : Int(offset)
    }

    func hash(_ distance: Int) -> UInt32 {
        word(distance * 2 + 2)
    }

    private func word(_ distance: Int) -> UInt32 {
        guard let start = buffer.start, distance * 4 <= buffer.count else { return 0 }
        return UnsafeRawPointer(start).load(fromByteOffset: buffer.count - distance * 4, as: UInt32.self)
    }
}

extension Bytes {
    /// A hash that is quick to compute (FNV-1a).
    fileprivate var checksum: UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in self {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
        return hash
    }
}
