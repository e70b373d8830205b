// SPDX-License-Identifier: Apache-2.0

/// Finds the end of an HTTP/1.1 response (RFC 9112, section 6) without keeping its body.
struct AnswerReader {
    private enum State: Equatable {
        case head
        /// So many bytes are still to come.
        case body(Int)
        case chunkSize
        /// So many bytes of a chunk and its line end are still to come.
        case chunk(Int)
        /// After the last chunk, up to an empty line.
        case trailers
        /// The body ends with the connection.
        case untilClosed
    }

    private let hasBody: Bool
    private var state = State.head
    private var line: [UInt8] = []
    private var status = 0
    private var length: Int?
    private var isChunked = false
    /// Whether the connection ends with this answer.
    private(set) var closes = false

    /// Reads one answer.
    /// - Parameter hasBody: false for an answer to HEAD.
    init(hasBody: Bool = true) { self.hasBody = hasBody }

    /// The status, if the end of the connection is the end of the answer.
    var statusAtEnd: Int? { state == .untilClosed ? status : nil }

    /// Goes on with what has come.
    /// - Returns: the status once the answer is complete, nil before; 0 if it is no answer at all.
    mutating func read(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            switch state {
            case .body(let rest), .chunk(let rest):
                let count = min(rest, bytes.endIndex - index)
                index += count
                if case .body = state {
                    if rest == count { return status }
                    state = .body(rest - count)
                } else {
                    state = rest == count ? .chunkSize : .chunk(rest - count)
                }
            case .untilClosed:
                return nil
            case .head, .chunkSize, .trailers:
                let byte = bytes[index]
                index += 1
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    if line.count > 64 << 10 { return 0 }
                    continue
                }
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                defer { line.removeAll(keepingCapacity: true) }
                if let status = endOfLine() { return status }
            }
        }
        return nil
    }

    private mutating func endOfLine() -> Int? {
        switch state {
        case .chunkSize:
            let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0,
                size < 1 << 40
            else { return 0 }
            state = size == 0 ? .trailers : .chunk(size + 2)
            return nil
        case .trailers: return line.isEmpty ? status : nil
        default: return line.isEmpty ? endOfHead() : field()
        }
    }

    /// Reads the status line or a header.
    private mutating func field() -> Int? {
        let text = String(decoding: line, as: UTF8.self)
        if status == 0 {
            let parts = text.split(separator: " ", maxSplits: 2)
            guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let code = Int(parts[1]), code >= 100
            else { return 0 }
            status = code
            closes = parts[0] == "HTTP/1.0"
            return nil
        }
        guard let colon = text.firstIndex(of: ":") else { return 0 }
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        switch text[..<colon].lowercased() {
        case "content-length": length = Int(value)
        case "transfer-encoding": isChunked = value.lowercased().hasSuffix("chunked")
        case "connection": if value.lowercased() == "close" { closes = true }
        default: break
        }
        return nil
    }

    private mutating func endOfHead() -> Int? {
        guard status > 0 else { return 0 }
        if (100..<200).contains(status), status != 101 {
            // An interim response: the answer is still to come.
            (status, length, isChunked) = (0, nil, false)
            return nil
        }
        if !hasBody || status == 204 || status == 304 { return status }
        if isChunked {
            state = .chunkSize
        } else if let length {
            if length == 0 { return status }
            state = .body(length)
        } else {
            closes = true
            state = .untilClosed
        }
        return nil
    }
}
