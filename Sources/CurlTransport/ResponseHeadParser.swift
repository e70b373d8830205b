// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Puts the final response head together from the lines that libcurl passes on (RFC 9112 §4, §5).
///
/// Interim responses (1xx) and trailers are left out.
struct ResponseHeadParser {
    /// Bytes of all header lines that are accepted; libcurl itself limits one line only.
    private static let limit = 256 << 10

    /// The final head; nil until its blank line was seen.
    private(set) var response: HTTPResponse?
    private var current: HTTPResponse?
    private var size = 0

    /// Takes one line with its line ending.
    /// - Returns: false when there are too many bytes.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
        size += bytes.count
        guard size <= Self.limit else { return false }
        let line = String(decoding: bytes, as: UTF8.self)
        if let status = Self.status(of: line) {
            // A second head replaces the first: libcurl sent the request anew.
            current = HTTPResponse(status: status)
            response = nil
        } else if line.allSatisfy(\.isNewline) {
            if let current, current.status.kind != .informational { response = current }
            current = nil
        } else {
            addField(line)
        }
        return true
    }

    private mutating func addField(_ line: String) {
        guard current != nil, let colon = line.firstIndex(of: ":"),
            let name = HTTPField.Name(String(line[..<colon]))
        else { return }
        let value = line[line.index(after: colon)...]
        let trimmed = value.drop(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }.map(trimmed.index(after:)) ?? trimmed.startIndex
        current?.headerFields.append(HTTPField(name: name, value: String(trimmed[..<end])))
    }

    /// The status of a line such as `HTTP/1.1 200 OK` or `HTTP/2 200`.
    private static func status(of line: String) -> HTTPResponse.Status? {
        guard line.hasPrefix("HTTP/") else { return nil }
        let parts = line.split(maxSplits: 2, whereSeparator: \.isWhitespace)
        guard parts.count >= 2, parts[1].utf8.count == 3, let code = Int(parts[1]), code >= 100 else {
            return nil
        }
        let reason = parts.count == 3 ? parts[2].filter { !$0.isNewline } : ""
        return HTTPResponse.Status(code: code, reasonPhrase: reason)
    }
}
