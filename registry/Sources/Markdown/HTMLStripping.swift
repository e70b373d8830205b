// SPDX-License-Identifier: Apache-2.0

/// What is left of a stranger's HTML: its words.
enum HTMLStripping {
    /// The text between tags; comments, scripts and styles say nothing.
    ///
    /// What remains is still to be escaped.
    static func text(of html: String) -> String {
        var text: [UInt8] = []
        var rest = Array(html.utf8)[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            text += rest[..<start]
            rest = rest[start...]
            let name = rest.prefix(9).map { $0 | 0x20 }
            let end: String
            if rest.starts(with: "<!--".utf8) {
                end = "-->"
            } else if name.starts(with: "<script".utf8) {
                end = "</script"
            } else if name.starts(with: "<style".utf8) {
                end = "</style"
            } else {
                end = ">"
            }
            guard let after = rest.end(of: end) else { return String(decoding: text, as: UTF8.self) }
            rest = rest[after...]
            if end.hasPrefix("</") { rest = rest.end(of: ">").map { rest[$0...] } ?? [] }
        }
        return String(decoding: text + rest, as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    /// Where the first occurrence of a text ends, letters of either case.
    fileprivate func end(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        for place in startIndex...(endIndex - wanted.count) {
            let isThere = wanted.indices.allSatisfy { offset in
                let byte = self[place + offset]
                return byte == wanted[offset]
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte | 0x20 == wanted[offset]
            }
            if isThere { return place + wanted.count }
        }
        return nil
    }
}
