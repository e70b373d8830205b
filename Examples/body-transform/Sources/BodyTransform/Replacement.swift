// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// What to look for in a body, what to put in its place, and when.
struct Replacement {
    enum Mode {
        /// Once the whole body is there.
        case buffered
        /// While the body passes.
        case streaming
    }

    let mode: Mode
    let find: Bytes
    let replacement: Bytes

    init(_ json: JSON) throws(ConfigurationError) {
        try json.allow("mode", "find", "replacement")
        let mode = try json["mode"].string(default: "buffered")
        switch mode {
        case "buffered": self.mode = .buffered
        case "streaming": self.mode = .streaming
        default: throw json["mode"].error("expected \"buffered\" or \"streaming\", found \"\(mode)\"")
        }
        find = try json["find"].string()
        guard !find.isEmpty else { throw json["find"].error("expected a text, found an empty one") }
        replacement = try json["replacement"].string(default: "")
    }

    /// The bytes with every occurrence replaced, or nil if there is none.
    func applied(to bytes: Bytes) -> Bytes? {
        guard var position = firstOccurrence(in: bytes, from: bytes.startIndex) else { return nil }
        var result = BytesBuilder(capacity: bytes.count)
        var copied = bytes.startIndex
        while true {
            result.append(bytes[copied..<position])
            result.append(replacement)
            copied = position + find.count
            guard let next = firstOccurrence(in: bytes, from: copied) else { break }
            position = next
        }
        result.append(bytes[copied..<bytes.endIndex])
        return result.finish()
    }

    /// Whether the bytes end with a beginning of the text.
    func mayContinue(after bytes: Bytes) -> Bool {
        var count = min(find.count - 1, bytes.count)
        while count > 0 {
            if bytes.hasSuffix(find[find.startIndex..<find.startIndex + count]) { return true }
            count -= 1
        }
        return false
    }

    private func firstOccurrence(in bytes: Bytes, from start: Int) -> Int? {
        var rest = bytes[start..<bytes.endIndex]
        while let candidate = rest.firstIndex(of: find[find.startIndex]) {
            rest = rest[candidate..<rest.endIndex]
            if rest.hasPrefix(find) { return candidate }
            rest = rest[candidate + 1..<rest.endIndex]
        }
        return nil
    }
}
