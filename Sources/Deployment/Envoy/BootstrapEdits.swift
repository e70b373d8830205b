// SPDX-License-Identifier: Apache-2.0

/// Changes of the text of a bootstrap, which leave every other byte as it is.
struct BootstrapEdits {
    let source: BootstrapSource
    /// By where they start and end: what an alias repeats is changed once.
    private var edits: [Range<Int>: String] = [:]

    init(_ source: BootstrapSource) { self.source = source }

    /// The text with the changes.
    func text() -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.bytes.count + edits.values.reduce(0) { $0 + $1.utf8.count })
        var done = 0
        for (range, text) in sorted where range.lowerBound >= done {
            bytes += source.bytes[done..<range.lowerBound]
            bytes += text.utf8
            done = range.upperBound
        }
        bytes += source.bytes[done...]
        return String(decoding: bytes, as: UTF8.self)
    }

    /// In the order of the text; what is put in at the place where something is taken away comes first.
    var sorted: [(range: Range<Int>, text: String)] {
        edits.map { (range: $0.key, text: $0.value) }.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
    }

    private mutating func replace(_ range: Range<Int>, _ text: String) { edits[range] = text }
    private mutating func insert(_ offset: Int, _ text: String) { edits[offset..<offset] = text }

    /// Changes a list.
    /// - Returns: whether the way in which it is written was understood.
    mutating func rewrite(
        list: BootstrapTree, _ change: BootstrapRewrite<BootstrapInsertion.Item>
    ) -> Bool {
        guard let place = list.place, let count = list.items?.count, let form = source.list(at: place) else {
            return false
        }
        switch form {
        case .block(let ranges, let column):
            guard ranges.count == count else { return false }
            for (index, step) in change.steps.enumerated() {
                switch step {
                case .keep: break
                case .remove:
                    guard let lines = source.lines(ranges[index]) else { return false }
                    replace(lines, "")
                case .replace(let item):
                    replace(ranges[index], blockText([item], column: column, at: ranges[index].lowerBound))
                }
            }
            for (index, items) in change.inserts {
                // A chain always ends with what was there before.
                guard index < count else { return false }
                let dash = ranges[index].lowerBound
                insert(
                    source.aboveComments(dash, column: column),
                    blockText(items, column: column, at: dash) + source.lineEnd(at: dash)
                        + String(repeating: " ", count: column))
            }
        case .flow(let ranges):
            guard ranges.count == count else { return false }
            for (index, step) in change.steps.enumerated() {
                switch step {
                case .keep: break
                case .remove:
                    guard let range = source.withComma(ranges[index]) else { return false }
                    replace(range, "")
                case .replace(let item):
                    replace(ranges[index], FlowStyle(like: ranges[index], in: source).text(item.value))
                }
            }
            for (index, items) in change.inserts {
                guard index < count else { return false }
                let style = FlowStyle(like: ranges[index], in: source)
                insert(
                    ranges[index].lowerBound,
                    items.map { style.text($0.value) + style.separator }.joined())
            }
        }
        return true
    }

    private func blockText(
        _ items: [BootstrapInsertion.Item], column: Int, at offset: Int
    ) -> String {
        let lines = items.flatMap { item in
            var lines = ConfigValue.list([item.value]).yamlLines
            if let comment = item.comment { lines.insert("  # \(comment)", at: 1) }
            return lines
        }
        return joined(lines, column: column, at: offset)
    }

    private func joined(_ lines: [String], column: Int, at offset: Int) -> String {
        let indentation = String(repeating: " ", count: column)
        return lines.enumerated().map { index, line in
            index == 0 || line.isEmpty ? line : indentation + line
        }.joined(separator: source.lineEnd(at: offset))
    }

    /// Changes the fields of a map; new ones come behind the first that is there or behind the last.
    /// - Returns: whether the way in which it is written was understood.
    mutating func rewrite(
        map: BootstrapTree, _ change: BootstrapRewrite<ConfigValue.Field>
    ) -> Bool {
        guard let form = source.map(map) else { return false }
        let new = change.inserts.values.flatMap { $0 }
        let isAtEnd = change.inserts[change.steps.count] != nil
        switch form {
        case .block(let ranges, let column):
            for (index, step) in change.steps.enumerated() {
                switch step {
                case .keep: break
                case .remove:
                    if let lines = source.lines(ranges[index]) {
                        replace(lines, "")
                    } else if index + 1 < ranges.count {
                        // Its key stands behind a dash, which stays.
                        replace(ranges[index].lowerBound..<ranges[index + 1].lowerBound, "")
                    } else {
                        return false
                    }
                case .replace(let field):
                    replace(
                        ranges[index],
                        joined(
                            ConfigValue.map([field]).yamlLines, column: column, at: ranges[index].lowerBound))
                }
            }
            guard !new.isEmpty else { break }
            let lines = ConfigValue.map(new).yamlLines
            let end = source.lineEnd(at: ranges[0].lowerBound)
            let indentation = String(repeating: " ", count: column)
            if isAtEnd {
                let place = ranges[ranges.count - 1].upperBound
                insert(place, end + indentation + joined(lines, column: column, at: ranges[0].lowerBound))
            } else {
                let place = source.aboveComments(ranges[1].lowerBound, column: column)
                insert(place, joined(lines, column: column, at: place) + end + indentation)
            }
        case .flow(let ranges, let open):
            steps: for (index, step) in change.steps.enumerated() {
                switch step {
                case .keep: break
                case .remove:
                    let rest = change.steps[index...]
                    let isInTail = rest.allSatisfy { if case .remove = $0 { true } else { false } }
                    if !isInTail {
                        guard let range = source.withComma(ranges[index]) else { return false }
                        replace(range, "")
                    } else if index > 0, let last = ranges.last {
                        // With the comma before it; the rest of the tail goes with it.
                        replace(ranges[index - 1].upperBound..<last.upperBound, "")
                        break steps
                    } else {
                        return false
                    }
                case .replace(let field):
                    replace(ranges[index], FlowStyle(like: ranges[index], in: source).text(field))
                }
            }
            guard !new.isEmpty else { break }
            guard let first = ranges.first else {
                insert(open + 1, FlowStyle.line.text(new))
                break
            }
            let before = isAtEnd ? ranges[ranges.count - 1] : first
            let style = FlowStyle(like: before, in: source)
            insert(before.upperBound, style.separator + style.text(new))
        }
        return true
    }
}

/// How something is written in flow style: on as many lines as what is beside it.
private struct FlowStyle {
    /// What stands between two.
    let separator: String
    private let between: String
    private let unit: String?

    static let line = FlowStyle(separator: ", ", between: "", unit: nil)

    private init(separator: String, between: String, unit: String?) {
        self.separator = separator
        self.between = between
        self.unit = unit
    }

    init(like range: Range<Int>, in source: BootstrapSource) {
        let prefix = source.prefix(range.lowerBound)
        guard prefix.allSatisfy({ $0 == " " || $0 == "\t" }), !prefix.isEmpty else {
            self = .line
            return
        }
        let end = source.lineEnd(at: range.lowerBound)
        let lines = source.text(range).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        var unit: String?
        if lines.count > 1 {
            let inner = String(lines[1].prefix { $0 == " " || $0 == "\t" })
            unit = inner.hasPrefix(prefix) ? String(inner.dropFirst(prefix.count)) : ""
            if unit == "" { unit = prefix.contains("\t") ? "\t" : "  " }
        }
        self.init(separator: "," + end + prefix, between: end + prefix, unit: unit)
    }

    func text(_ value: ConfigValue) -> String {
        value.jsonLines(unit: unit).joined(separator: between)
    }

    func text(_ field: ConfigValue.Field) -> String {
        var lines = field.value.jsonLines(unit: unit)
        lines[0] = ConfigValue.string(field.key).jsonLines(unit: nil)[0] + ": " + lines[0]
        return lines.joined(separator: between)
    }

    func text(_ fields: [ConfigValue.Field]) -> String {
        fields.map { text($0) }.joined(separator: separator)
    }
}
