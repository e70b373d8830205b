// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FilterBench

/// The end of a response is found in every form that HTTP/1.1 has for it.
@Suite struct AnswerReaderTests {
    /// Reads a response in pieces of a size.
    private func status(_ text: String, pieces: Int, hasBody: Bool = true) -> (status: Int?, rest: Int) {
        var reader = AnswerReader(hasBody: hasBody)
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            let end = min(position + pieces, bytes.count)
            let found = bytes[position..<end].withUnsafeBytes { reader.read($0[...]) }
            if let found { return (found, bytes.count - end) }
            position = end
        }
        return (nil, 0)
    }

    @Test(
        arguments: [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length:5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=1\r\nhel\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        ], [1, 2, 7, 1000]) func `the last byte is the end`(text: String, pieces: Int)
    {
        let found = status(text, pieces: pieces)
        #expect(found.status == 200)
        #expect(found.rest == 0)
    }

    @Test(arguments: [1, 1000]) func `what has no body ends with its head`(pieces: Int) {
        #expect(status("HTTP/1.1 204 No Content\r\n\r\n", pieces: pieces).status == 204)
        #expect(
            status("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", pieces: pieces).status == 304)
        let head = status("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", pieces: pieces, hasBody: false)
        #expect(head.status == 200)
    }

    @Test func `a body without a length ends with the connection`() {
        var reader = AnswerReader()
        let bytes = Array("HTTP/1.1 503 Service Unavailable\r\n\r\nsorry".utf8)
        #expect(bytes.withUnsafeBytes { reader.read($0[...]) } == nil)
        #expect(reader.statusAtEnd == 503)
        #expect(reader.closes)
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    ]) func `what is no answer is told from one`(text: String) {
        #expect(status(text, pieces: 3).status == 0)
    }
}
