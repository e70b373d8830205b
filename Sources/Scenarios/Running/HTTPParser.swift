// SPDX-License-Identifier: Apache-2.0

/// What is wrong with bytes that should have been HTTP/1.1.
struct HTTPSyntaxError: Error, CustomStringConvertible {
    let description: String
}

/// Reads messages of HTTP/1.1 from bytes as they come (RFC 9112).
struct HTTPParser: Sendable {
    enum Kind: Sendable, Hashable {
        case request
        /// `method` is that of the request.
        case response(method: String)
    }

    enum Event: Sendable {
        /// The words of the first line and the header fields.
        case head([String], HeaderList)
        case body(ArraySlice<UInt8>)
        case end(trailers: HeaderList)
    }

    private enum State: Sendable {
        case head
        case body(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case untilEnd
    }

    /// How long a head or a line may be, and how long a body, in bytes.
    static let headLimit = 1 << 20
    static let bodyLimit = 64 << 20

    private let kind: Kind
    private var state = State.head
    private var bytes: [UInt8] = []
    private var position = 0
    private var bodyLength = 0

    init(_ kind: Kind) { self.kind = kind }

    /// Takes bytes, and gives what they complete.
    mutating func feed(_ more: ArraySlice<UInt8>) throws(HTTPSyntaxError) -> [Event] {
        bytes.removeFirst(position)
        position = 0
        bytes += more
        var events: [Event] = []
        while try advance(&events) {}
        guard bytes.count - position <= Self.headLimit || isInBody else {
            throw HTTPSyntaxError(description: "a head of more than \(Self.headLimit) bytes")
        }
        return events
    }

    /// Takes that nothing more comes.
    /// - Returns: whether the last message is complete by that.
    func endsMessage() -> Bool {
        if case .untilEnd = state { true } else { false }
    }

    /// Whether nothing of a next message has come.
    var isBetweenMessages: Bool {
        if case .head = state { position == bytes.count } else { false }
    }

    private var isInBody: Bool {
        switch state {
        case .body, .chunk, .untilEnd: true
        default: false
        }
    }

    private mutating func advance(_ events: inout [Event]) throws(HTTPSyntaxError) -> Bool {
        switch state {
        case .head:
            guard let head = try lines() else { return false }
            try begin(head, &events)
        case .body(let left):
            guard let part = try take(left) else { return false }
            events.append(.body(part))
            if part.count == left { end([], &events) } else { state = .body(left: left - part.count) }
        case .untilEnd:
            guard let part = try take(.max) else { return false }
            events.append(.body(part))
        case .chunkSize:
            guard let line = line() else { return false }
            let digits = line.prefix { $0 != ";" && $0 != " " }
            guard let size = Int(digits, radix: 16), size >= 0 else {
                throw HTTPSyntaxError(description: "a chunk of size \"\(line.prefix(20))\"")
            }
            state = size == 0 ? .trailers : .chunk(left: size)
        case .chunk(let left):
            guard let part = try take(left) else { return false }
            events.append(.body(part))
            state = part.count == left ? .chunkEnd : .chunk(left: left - part.count)
        case .chunkEnd:
            guard let line = line() else { return false }
            guard line.isEmpty else { throw HTTPSyntaxError(description: "a chunk that is too long") }
            state = .chunkSize
        case .trailers:
            guard let fields = try lines() else { return false }
            end(try Self.fields(fields), &events)
        }
        return true
    }

    private mutating func begin(_ head: [String], _ events: inout [Event]) throws(HTTPSyntaxError) {
        guard let first = head.first else { return }
        let words = first.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(
            String.init)
        let headers = try Self.fields(Array(head.dropFirst()))
        let version = kind == .request ? words.last : words.first
        guard words.count >= 2, version?.hasPrefix("HTTP/1.") == true else {
            throw HTTPSyntaxError(description: "a first line \"\(first.prefix(80))\"")
        }
        bodyLength = 0
        events.append(.head(words, headers))
        var hasNoBody = false
        if case .response(let method) = kind {
            let status = Int(words[1]) ?? 0
            if (100..<200).contains(status), status != 101 {
                // Another one follows.
                events.removeLast()
                return
            }
            hasNoBody = method == "HEAD" || status == 204 || status == 304
        }
        if hasNoBody {
            end([], &events)
        } else if headers.joined("transfer-encoding")?.lowercased().hasSuffix("chunked") == true {
            state = .chunkSize
        } else if let length = headers.joined("content-length") {
            guard let length = Int(length), length >= 0 else {
                throw HTTPSyntaxError(description: "a length of \"\(length.prefix(40))\"")
            }
            if length == 0 { end([], &events) } else { state = .body(left: length) }
        } else if kind == .request {
            end([], &events)
        } else {
            state = .untilEnd
        }
    }

    private mutating func end(_ trailers: HeaderList, _ events: inout [Event]) {
        events.append(.end(trailers: trailers))
        state = .head
    }

    private mutating func take(_ limit: Int) throws(HTTPSyntaxError) -> ArraySlice<UInt8>? {
        let count = min(limit, bytes.count - position)
        guard count > 0 else { return nil }
        bodyLength += count
        guard bodyLength <= Self.bodyLimit else {
            throw HTTPSyntaxError(description: "a body of more than \(Self.bodyLimit) bytes")
        }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// The lines up to an empty one, without it; nil if that is still to come.
    private mutating func lines() throws(HTTPSyntaxError) -> [String]? {
        let start = position
        var lines: [String] = []
        while let line = line() {
            if line.isEmpty { return lines }
            lines.append(line)
        }
        position = start
        return nil
    }

    private mutating func line() -> String? {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        var line = bytes[position..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        position = end + 1
        return String(decoding: line, as: UTF8.self)
    }

    private static func fields(_ lines: [String]) throws(HTTPSyntaxError) -> HeaderList {
        var fields: HeaderList = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else {
                throw HTTPSyntaxError(description: "a field \"\(line.prefix(80))\"")
            }
            let value = line[line.index(after: colon)...]
            let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
            let trimmed = value.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
            fields.append((String(line[..<colon]), String(trimmed)))
        }
        return fields
    }
}
