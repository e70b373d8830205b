// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The way to one value of a JSON document: the singular queries of RFC 9535, as in `$.user.roles[0]` or `$['a b']`.
package struct JSONPath: Hashable, Sendable, CustomStringConvertible {
    private enum Segment: Hashable, Sendable {
        case member(String)
        /// Negative numbers count from the end.
        case element(Int)
    }

    /// As it was written.
    package let description: String
    private let segments: [Segment]

    /// Reads a path.
    /// - Returns: nil if it is not a singular query.
    package init?(_ text: String) {
        description = text
        guard text.first == "$" else { return nil }
        var segments: [Segment] = []
        var rest = text.dropFirst()
        while let first = rest.first {
            rest = rest.dropFirst()
            switch first {
            case ".":
                let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                guard let start = name.first, !start.isNumber else { return nil }
                segments.append(.member(String(name)))
                rest = rest.dropFirst(name.count)
            case "[":
                guard let quote = rest.first else { return nil }
                if quote == "'" || quote == "\"" {
                    guard let (name, after) = Self.quoted(rest.dropFirst(), by: quote), after.first == "]"
                    else { return nil }
                    segments.append(.member(name))
                    rest = after.dropFirst()
                } else {
                    guard let end = rest.firstIndex(of: "]"), let index = Int(rest[..<end]) else {
                        return nil
                    }
                    segments.append(.element(index))
                    rest = rest[rest.index(after: end)...]
                }
            default: return nil
            }
        }
        self.segments = segments
    }

    private static func quoted(_ text: Substring, by quote: Character) -> (String, Substring)? {
        var name = ""
        var rest = text
        while let next = rest.popFirst() {
            if next == quote { return (name, rest) }
            if next == "\\" {
                guard let escaped = rest.popFirst(), escaped == quote || escaped == "\\" else { return nil }
                name.append(escaped)
            } else {
                name.append(next)
            }
        }
        return nil
    }

    /// The value at the path; nil if there is none.
    package func value(in document: JSONValue) -> JSONValue? {
        var value = document
        for segment in segments {
            switch segment {
            case .member(let name):
                guard let member = value.object?[name] else { return nil }
                value = member
            case .element(let index):
                guard let elements = value.array else { return nil }
                let position = index < 0 ? elements.count + index : index
                guard elements.indices.contains(position) else { return nil }
                value = elements[position]
            }
        }
        return value
    }
}
