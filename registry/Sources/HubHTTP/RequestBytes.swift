// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird

/// The body of a request, which fails if it ends before it should.
///
/// The server underneath ends a body that was cut off as if it were complete; only the announced length tells.
struct RequestBytes: AsyncSequence, Sendable {
    /// Bytes the client announced; nil if it sends chunks of its own.
    let length: Int64?
    private let body: RequestBody
    private let trace = RequestTrace.current

    init(_ request: Request) {
        length = request.headers[.contentLength].flatMap { decimal($0) }
        body = request.body
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(body: body.makeAsyncIterator(), length: length, trace: trace)
    }

    struct Iterator: AsyncIteratorProtocol {
        var body: RequestBody.AsyncIterator
        let length: Int64?
        let trace: RequestTrace?
        var count: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let chunk: ByteBuffer?
            do {
                chunk = try await body.next()
            } catch is SlowRequest {
                throw HubError(.bodyTimedOut, "nothing came after \(count) bytes of the request for too long")
            } catch {
                throw HubError(.bodyCutShort, "the request broke off after \(count) bytes", cause: error)
            }
            count += Int64(chunk?.readableBytes ?? 0)
            trace?.received(chunk?.readableBytes ?? 0)
            if chunk == nil, let length, count < length {
                throw HubError(.bodyCutShort, "the request broke off after \(count) of \(length) bytes")
            }
            return chunk
        }
    }

    /// All bytes in memory, if there are not too many.
    func collect(upTo limit: Int) async throws -> [UInt8] {
        let tooLarge = HubError(.manifestTooLarge, "the manifest is larger than \(limit) bytes")
        guard length ?? 0 <= limit else { throw tooLarge }
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.readableBytes <= limit else { throw tooLarge }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }
}
