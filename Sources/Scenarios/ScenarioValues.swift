// SPDX-License-Identifier: Apache-2.0

import FilterProject
import JSON
import YAML

/// How the values of a `tests.yaml` are written.
extension ScenarioFields {
    func text(_ node: YAMLNode) throws -> String {
        guard node.isScalar, let text = node.text else {
            throw error("expected a text, found \(node.phrase)", at: node)
        }
        return text
    }

    /// A text that is not empty.
    func words(_ node: YAMLNode) throws -> String {
        let text = try text(node)
        guard !text.isEmpty else { throw error("expected a text, found an empty one", at: node) }
        return text
    }

    func flag(_ node: YAMLNode) throws -> Bool {
        guard case .bool(let value) = node.content else {
            throw error("expected true or false, found \(node.phrase)", at: node)
        }
        return value
    }

    func integer(_ node: YAMLNode, in range: ClosedRange<Int>) throws -> Int {
        guard case .number(let number) = node.content, let integer = number.int else {
            throw error("expected an integer, found \(node.phrase)", at: node)
        }
        guard range.contains(integer) else {
            let bounds =
                range.upperBound == .max
                ? "from \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw error("expected an integer \(bounds), found \(integer)", at: node)
        }
        return integer
    }

    /// The longest time that a step may take.
    static let longestDuration = Duration.seconds(600)

    /// A duration such as `300ms`, `1.5s` or `2m`.
    func duration(_ node: YAMLNode) throws -> Duration {
        let text = node.isScalar ? node.text ?? "" : ""
        let units: [(suffix: String, unit: Duration)] = [
            ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)),
        ]
        for (suffix, unit) in units where text.hasSuffix(suffix) {
            let parts = text.dropLast(suffix.count).split(separator: ".", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count), parts.allSatisfy(Self.isDigits), let whole = Int(parts[0])
            else { break }
            var duration = unit * whole
            if parts.count == 2, let fraction = Int(parts[1]) {
                duration += unit * fraction / parts[1].reduce(1) { scale, _ in scale * 10 }
            }
            guard duration <= Self.longestDuration else {
                throw error("expected a duration of at most 10m, found \(text)", at: node)
            }
            return duration
        }
        throw error("expected a duration such as 300ms or 1.5s, found \(node.phrase)", at: node)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        (1...6).contains(text.count) && text.allSatisfy { ("0"..."9").contains($0) }
    }

    // MARK: Patterns

    /// A text to be equal to, null for none, or a mapping with one of `contains`, `matches` and `present`.
    func pattern(_ node: YAMLNode) throws -> TextPattern {
        if case .null = node.content { return .absent }
        guard case .map = node.content else { return .equal(try text(node)) }
        var fields = try ScenarioFields(node, in: file)
        let part = try fields.text("contains")
        let expression = fields.take("matches")
        let presence = try fields.flag("present")
        try fields.finish()
        switch (part, expression, presence) {
        case (.some(let part), nil, nil): return .contains(part)
        case (nil, .some(let expression), nil): return .matches(try regularExpression(expression))
        case (nil, nil, .some(let isThere)): return isThere ? .present : .absent
        default:
            throw fields.error("expected one of \"contains\", \"matches\" and \"present\"")
        }
    }

    /// What a body has to be like: as other patterns, or bytes as `{hex: …}` or `{base64: …}`.
    func bodyPattern(_ node: YAMLNode) throws -> TextPattern {
        guard case .map(let members) = node.content,
            members.contains(where: { ["hex", "base64"].contains($0.key.text) })
        else { return try pattern(node) }
        guard case .bytes(let bytes) = try bodyPart(node) else { return try pattern(node) }
        return .bytes(bytes)
    }

    private func regularExpression(_ node: YAMLNode) throws -> String {
        let text = try text(node)
        guard text.count <= 1000 else {
            throw error("a regular expression of more than 1000 characters", at: node)
        }
        do {
            _ = try Regex(text)
        } catch {
            throw self.error("\"\(text)\" is no regular expression: \(error)", at: node)
        }
        return text
    }

    /// What one value of a JSON document has to be like: as other patterns, and a list is compared as JSON.
    func jsonPattern(_ node: YAMLNode) throws -> TextPattern {
        if case .list = node.content { return .equal(node.json.description) }
        return try pattern(node)
    }

    // MARK: Bytes

    /// A text, or what is none as `{hex: …}` or `{base64: …}`.
    func bodyPart(_ node: YAMLNode) throws -> BodyPart {
        guard case .map = node.content else { return .text(try text(node)) }
        var fields = try ScenarioFields(node, in: file)
        let hex = fields.take("hex")
        let base64 = fields.take("base64")
        try fields.finish()
        switch (hex, base64) {
        case (.some(let node), nil): return .bytes(try bytes(hex: node))
        case (nil, .some(let node)): return .bytes(try bytes(base64: node))
        default: throw fields.error("expected a text, {hex: …} or {base64: …}")
        }
    }

    /// Parts one after the other, with pauses between them.
    func bodyParts(_ nodes: [YAMLNode]) throws -> [BodyPart] {
        try nodes.map { node in
            guard case .map(let members) = node.content, members.contains(where: { $0.key.text == "pause" })
            else { return try bodyPart(node) }
            var fields = try ScenarioFields(node, in: file)
            let pause = try fields.duration("pause") ?? .zero
            try fields.finish()
            return .pause(pause)
        }
    }

    private func bytes(hex node: YAMLNode) throws -> [UInt8] {
        let digits = try text(node).filter { !$0.isWhitespace }
        let values = digits.map { $0.isASCII ? $0.hexDigitValue : nil }
        guard digits.count.isMultiple(of: 2), !values.contains(nil) else {
            throw error("expected pairs of hexadecimal digits, found \(node.phrase)", at: node)
        }
        let numbers = values.compactMap(\.self)
        return stride(from: 0, to: numbers.count, by: 2).map { UInt8(numbers[$0] << 4 | numbers[$0 + 1]) }
    }

    /// RFC 4648, section 4.
    private func bytes(base64 node: YAMLNode) throws -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let text = Array(try text(node).utf8.filter { !" \n\r\t".utf8.contains($0) })
        let end = text.lastIndex { $0 != UInt8(ascii: "=") }.map { $0 + 1 } ?? 0
        let digits = text[..<end].map { alphabet.firstIndex(of: $0) }
        guard text.count.isMultiple(of: 4), text.count - end <= 2, end % 4 != 1, !digits.contains(nil) else {
            throw error("expected a text in Base64, found \(node.phrase)", at: node)
        }
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for digit in digits.compactMap(\.self) {
            bits = (bits << 6 | digit) & 0xffff
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(bits >> count & 0xff))
        }
        return bytes
    }
}
