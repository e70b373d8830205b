// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// One request of Hummingbird's on its way: notes when it ends.
struct RequestExchange: Sendable {
    let trace: RequestTrace
    let observer: RequestObserver
    let method: HTTPRequest.Method
    let address: String?
    private let path: Substring
    private let start = ContinuousClock.now

    /// Answers that are no longer than this are written in one piece: they have ended when they are handed over.
    private static let shortAnswer = 256 << 10

    init(_ request: Request, _ observer: RequestObserver, address: String?) {
        trace = RequestTrace(id: RequestID(accepting: request.headers[.xRequestID]))
        self.observer = observer
        self.address = address
        method = request.method
        path = (request.head.path ?? "").prefix { $0 != "?" }
        observer.begin()
    }

    /// The answer as it is to be sent, which is noted when it has been.
    func finish(
        _ response: Response, route: RouteClass, repository: String?, principal: String?
    ) -> Response {
        var response = response
        response.headers[.xRequestID] = trace.id.description
        let status = response.status.code
        @Sendable func end(_ sent: Int64) {
            let duration = (ContinuousClock.now - start).components
            let nanoseconds =
                UInt64(duration.seconds) * 1_000_000_000 + UInt64(duration.attoseconds / 1_000_000_000)
            observer.end(
                RequestOutcome(
                    route: route, method: method, status: status, nanoseconds: nanoseconds,
                    received: trace.received, sent: sent),
                RequestDetails(
                    id: trace.id, path: path, repository: repository, principal: principal, address: address))
        }
        let body = response.body
        if let length = body.contentLength, length <= Self.shortAnswer {
            end(Int64(length))
            return response
        }
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            let count = ByteCount()
            defer { end(count.value) }
            try await body.write(CountingWriter(base: writer, count: count))
        }
        return response
    }
}

/// Bytes that one task wrote.
private final class ByteCount {
    var value: Int64 = 0
}

/// Counts what is written.
private struct CountingWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let count: ByteCount

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await base.write(buffer)
        count.value += Int64(buffer.readableBytes)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await base.finish(trailingHeaders)
    }
}
