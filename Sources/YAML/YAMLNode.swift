// SPDX-License-Identifier: Apache-2.0

package import JSON
private import Yams

/// A value of a YAML text with the place where it was written.
///
/// Only what JSON has is accepted, read by the core schema of YAML 1.2: `on` and `yes` are strings, numbers stay exact.
package struct YAMLNode: Sendable {
    /// What was written.
    package enum Content: Sendable {
        case null
        case bool(Bool)
        case number(JSONNumber)
        case string(String)
        case list([YAMLNode])
        case map([(key: YAMLNode, value: YAMLNode)])
    }

    package let content: Content
    /// A scalar's text as it was written: `0.10` is a number, and as a version it is "0.10".
    package let text: String?
    /// From one.
    package let line: Int
    /// From one, in characters.
    package let column: Int

    /// The file is read as a whole; this is far more than a project's file needs.
    package static let maximumSize = 256 << 10
    /// Values in a file, at most: aliases could make a small file a huge one.
    package static let maximumCount = 20_000
    fileprivate static let maximumDepth = 64

    /// Reads a text with one YAML document.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: what errors call it.
    /// - Returns: the document's value.
    /// - Throws: `YAMLError` that names file, line and column.
    package static func document(_ yaml: String, file: String) throws(YAMLError) -> YAMLNode {
        try checkSize(yaml, maximumSize, file: file)
        let root: Node?
        do {
            // Without rules of its own for plain scalars: those of YAML 1.1 make "on" a boolean.
            root = try Yams.compose(yaml: yaml, .basic)
        } catch let error as YamlError {
            throw failure(error, file: file)
        } catch {
            throw YAMLError("\"\(file)\" cannot be read", cause: error)
        }
        guard let root else { throw YAMLError("\"\(file)\" is empty") }
        var count = 0
        return try convert(root, file: file, depth: 0, count: &count)
    }

    /// Reads a text with any number of YAML documents; those that hold nothing are left out.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: what errors call it.
    ///   - limit: bytes of the text at most.
    ///   - maximumCount: values in it at most.
    /// - Returns: the values of the documents, in order.
    /// - Throws: `YAMLError` that names file, line and column.
    package static func documents(
        _ yaml: String, file: String, limit: Int = maximumSize, maximumCount: Int = maximumCount
    ) throws(YAMLError) -> [YAMLNode] {
        try checkSize(yaml, limit, file: file)
        var documents: [YAMLNode] = []
        var count = 0
        do {
            let parser = try Parser(yaml: yaml, resolver: .basic, encoding: .utf8)
            while let root = try parser.nextRoot() {
                let node = try convert(root, file: file, depth: 0, count: &count, maximumCount)
                if case .null = node.content { continue }
                documents.append(node)
            }
        } catch let error as YamlError {
            throw failure(error, file: file)
        } catch let error as YAMLError {
            throw error
        } catch {
            throw YAMLError("\"\(file)\" cannot be read", cause: error)
        }
        return documents
    }

    private static func checkSize(_ yaml: String, _ limit: Int, file: String) throws(YAMLError) {
        guard yaml.utf8.count <= limit else {
            throw YAMLError("\"\(file)\" is larger than \(limit >> 10) KiB")
        }
    }

    fileprivate init(_ content: Content, text: String? = nil, mark: Mark?) {
        self.content = content
        self.text = text
        line = mark?.line ?? 1
        column = mark?.column ?? 1
    }

    /// Another value at the same place.
    package func replacing(_ content: Content, text: String? = nil) -> YAMLNode {
        YAMLNode(content, text: text, line: line, column: column)
    }

    private init(_ content: Content, text: String?, line: Int, column: Int) {
        self.content = content
        self.text = text
        self.line = line
        self.column = column
    }

    /// The value as JSON; the order of members is kept.
    package var json: JSONValue {
        switch content {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let number): return .number(number)
        case .string(let text): return .string(text)
        case .list(let elements): return .array(elements.map(\.json))
        case .map(let members):
            var object = JSONObject()
            for member in members { object[member.key.text ?? ""] = member.value.json }
            return .object(object)
        }
    }

    /// What this is, for sentences.
    package var phrase: String {
        switch content {
        case .null: "nothing"
        case .bool, .number: text ?? "a number"
        case .string(let text): quoted(text)
        case .list: "a list"
        case .map: "a mapping"
        }
    }
}

private func failure(_ error: YamlError, file: String) -> YAMLError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        // libyaml says "(…):" where an excerpt would follow.
        let text = problem.hasSuffix(":") ? String(problem.dropLast()) : problem
        return YAMLError("\(file):\(mark.line):\(mark.column): \(text)")
    case .duplicatedKeysInMapping(let keys, let context):
        let list = keys.map(quoted).joined(separator: ", ")
        return YAMLError(
            "\(file):\(context.mark.line):\(context.mark.column): \(keys.count == 1 ? "the key \(list) is" : "the keys \(list) are") there twice"
        )
    case .reader(let problem, _, _, _):
        return YAMLError("\"\(file)\" is not a text: \(problem)")
    default:
        return YAMLError("\"\(file)\" cannot be read", cause: error)
    }
}

private func convert(
    _ node: Node, file: String, depth: Int, count: inout Int, _ maximumCount: Int = YAMLNode.maximumCount
) throws(YAMLError) -> YAMLNode {
    let mark = node.mark
    func refuse(_ reason: String) -> YAMLError {
        YAMLError("\(file):\(mark?.line ?? 1):\(mark?.column ?? 1): \(reason)")
    }
    count += 1
    guard count <= maximumCount else { throw refuse("more than \(maximumCount) values") }
    guard depth <= YAMLNode.maximumDepth else {
        throw refuse("more than \(YAMLNode.maximumDepth) lists and mappings inside each other")
    }
    switch node {
    case .scalar(let scalar): return try scalarNode(scalar, refuse)
    case .sequence(let sequence):
        var elements: [YAMLNode] = []
        for element in sequence {
            elements.append(try convert(element, file: file, depth: depth + 1, count: &count, maximumCount))
        }
        return YAMLNode(.list(elements), mark: mark)
    case .mapping(let mapping):
        var members: [(key: YAMLNode, value: YAMLNode)] = []
        var seen: Set<String> = []
        for (key, value) in mapping {
            let key = try convert(key, file: file, depth: depth + 1, count: &count, maximumCount)
            guard let name = key.text else {
                throw YAMLError(
                    "\(file):\(key.line):\(key.column): a key must be a plain text")
            }
            guard name != "<<" else {
                throw YAMLError(
                    "\(file):\(key.line):\(key.column): merge keys are not supported")
            }
            // Keys that differ in style only, as in a and "a", are told apart by the parser and are one in JSON.
            guard seen.insert(name).inserted else {
                throw YAMLError(
                    "\(file):\(key.line):\(key.column): the key \(quoted(name)) is there twice")
            }
            let value = try convert(value, file: file, depth: depth + 1, count: &count, maximumCount)
            members.append((key, value))
        }
        return YAMLNode(.map(members), mark: mark)
    case .alias:
        throw refuse("an alias to nothing")
    }
}

/// A value in quotes, shortened if it is long.
private func quoted(_ text: String) -> String {
    text.count > 80 ? "\"\(text.prefix(80))…\"" : "\"\(text)\""
}

/// Finds a scalar's type (YAML 1.2.2, 10.3.2 "Tag Resolution").
private func scalarNode(
    _ scalar: Node.Scalar, _ refuse: (String) -> YAMLError
) throws(YAMLError) -> YAMLNode {
    let text = scalar.string
    let tag = scalar.tag.rawValue
    func string() -> YAMLNode { YAMLNode(.string(text), text: text, mark: scalar.mark) }
    guard tag.isEmpty || tag == "!" || tag == Tag.Name.str.rawValue else {
        throw refuse("the tag \(quoted(tag)) is not supported")
    }
    guard scalar.style == .plain, tag.isEmpty else { return string() }
    switch text {
    case "", "~", "null", "Null", "NULL": return YAMLNode(.null, text: text, mark: scalar.mark)
    case "true", "True", "TRUE": return YAMLNode(.bool(true), text: text, mark: scalar.mark)
    case "false", "False", "FALSE": return YAMLNode(.bool(false), text: text, mark: scalar.mark)
    default: break
    }
    let plain = text.drop { $0 == "-" || $0 == "+" }.lowercased()
    if text.count - plain.count <= 1, plain == ".inf" || plain == ".nan" {
        throw refuse("\(quoted(text)) is a number that JSON does not have")
    }
    guard let number = number(text) else { return string() }
    return YAMLNode(.number(number), text: text, mark: scalar.mark)
}

/// Reads a number of the core schema: JSON's, and what is written `+1`, `.5`, `1.`, `007`, `0o17` or `0x1f`.
private func number(_ text: String) -> JSONNumber? {
    if let number = JSONNumber(text) { return number }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] where text.hasPrefix(prefix) {
        let digits = text.dropFirst(2)
        guard digits.first?.isHexDigit == true else { return nil }
        return Int(digits, radix: radix).map { JSONNumber($0) }
    }
    let isNegative = text.hasPrefix("-")
    let unsigned = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
    let mantissa = unsigned.prefix { $0 != "e" && $0 != "E" }
    let parts = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.contains(where: { !$0.isEmpty }) else { return nil }
    let fraction = parts.count > 1 ? parts[1] : ""
    let digits = whole.drop { $0 == "0" }
    return JSONNumber(
        (isNegative ? "-" : "") + (digits.isEmpty ? "0" : digits) + (fraction.isEmpty ? "" : ".\(fraction)")
            + unsigned.dropFirst(mantissa.count))
}
