// SPDX-License-Identifier: Apache-2.0

typealias HeaderList = [(name: String, value: String)]

extension HeaderList {
    /// All values of a field, joined as RFC 9110 5.3 allows; nil if there is none.
    func joined(_ name: String) -> String? {
        let values = self.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    func has(_ name: String) -> Bool { contains { $0.name.lowercased() == name.lowercased() } }
}

/// How a message of HTTP/1.1 is written (RFC 9112).
enum HTTPWriter {
    static func head(_ startLine: String, _ headers: HeaderList) -> [UInt8] {
        Array((startLine + "\r\n" + fields(headers) + "\r\n").utf8)
    }

    static func fields(_ fields: HeaderList) -> String {
        fields.map { "\($0.name): \($0.value)\r\n" }.joined()
    }

    static func chunk(_ content: [UInt8]) -> [UInt8] {
        // One without content would end the body.
        guard !content.isEmpty else { return [] }
        return Array("\(String(content.count, radix: 16))\r\n".utf8) + content + Array("\r\n".utf8)
    }

    static func lastChunk(_ trailers: HeaderList) -> [UInt8] {
        Array("0\r\n\(fields(trailers))\r\n".utf8)
    }

    /// A whole message, its body in chunks if it comes in several parts or trailers follow.
    /// - Parameters:
    ///   - startLine: without the end of the line.
    ///   - headers: what else the head has; lengths are added.
    ///   - body: what follows.
    ///   - trailers: what follows the last chunk.
    ///   - impliesLength: whether no `content-length` also means that there is no body, as in a request.
    ///   - lacksEnd: whether to leave out the end, which the head has promised.
    /// - Returns: what goes over the wire.
    static func message(
        _ startLine: String, _ headers: HeaderList, body: [BodyPart], trailers: HeaderList,
        impliesLength: Bool, lacksEnd: Bool = false
    ) -> [WirePiece] {
        var headers = headers
        let contents = body.compactMap(\.content)
        let length = contents.reduce(0) { $0 + $1.count }
        let hasCoding = headers.has("transfer-encoding")
        let isChunked =
            hasCoding
            || (!headers.has("content-length") && (contents.count > 1 || !trailers.isEmpty))
        if isChunked {
            if !hasCoding { headers.append(("transfer-encoding", "chunked")) }
        } else if !headers.has("content-length"), lacksEnd || !impliesLength || !contents.isEmpty {
            headers.append(("content-length", "\(lacksEnd ? length + 1 : length)"))
        }
        var pieces: [WirePiece] = [.bytes(head(startLine, headers))]
        pieces += body.pieces(isChunked ? chunk : { $0 })
        if isChunked, !lacksEnd { pieces.append(.bytes(lastChunk(trailers))) }
        return pieces
    }
}
