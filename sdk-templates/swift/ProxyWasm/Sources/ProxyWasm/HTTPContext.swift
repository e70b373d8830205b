// SPDX-License-Identifier: Apache-2.0

/// The context of an HTTP exchange; what the filter leaves out is known at compile time, and takes no code.
class HTTPContext<Filter: HTTPFilter>: Context {
    private final let filter: Filter

    init(id: UInt32, filter: Filter) {
        self.filter = filter
        super.init(id: id)
    }

    private final var stream: HTTPStream { HTTPStream(id: id) }

    override func onRequestHeaders(_ count: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.RequestHeadersResult.isHandled else { return 0 }
        do throws(HostError) {
            let request = HTTPRequest(stream: stream, isEndOfStream: endOfStream)
            return try filter.onRequestHeaders(request).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onRequestBody(_ size: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.RequestBodyResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onRequestBody(body(.requestBody, size, endOfStream)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onRequestTrailers(_ count: Int) -> UInt32 {
        guard Filter.RequestTrailersResult.isHandled else { return 0 }
        do throws(HostError) {
            let trailers = HTTPTrailers(stream: stream, fields: stream.requestTrailers)
            return try filter.onRequestTrailers(trailers).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onRequestMetadata(_ count: Int) -> UInt32 {
        guard Filter.RequestMetadataResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onRequestMetadata(HTTPMetadata(stream: stream, count: count)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onResponseHeaders(_ count: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.ResponseHeadersResult.isHandled else { return 0 }
        do throws(HostError) {
            let response = HTTPResponse(stream: stream, isEndOfStream: endOfStream)
            return try filter.onResponseHeaders(response).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onResponseBody(_ size: Int, endOfStream: Bool) -> UInt32 {
        guard Filter.ResponseBodyResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onResponseBody(body(.responseBody, size, endOfStream)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onResponseTrailers(_ count: Int) -> UInt32 {
        guard Filter.ResponseTrailersResult.isHandled else { return 0 }
        do throws(HostError) {
            let trailers = HTTPTrailers(stream: stream, fields: stream.responseTrailers)
            return try filter.onResponseTrailers(trailers).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onResponseMetadata(_ count: Int) -> UInt32 {
        guard Filter.ResponseMetadataResult.isHandled else { return 0 }
        do throws(HostError) {
            return try filter.onResponseMetadata(HTTPMetadata(stream: stream, count: count)).actionValue
        } catch {
            return onError(error)
        }
    }

    override func onDone() -> Bool {
        filter.onDone(stream).isDone
    }

    override func onLog() {
        guard isHandled(Filter.LogResult.self) else { return }
        do throws(HostError) {
            _ = try filter.onLog(stream)
        } catch {
            // The exchange is over: there is nothing left to answer.
            Log.error(error.message)
        }
    }

    override func onDelete() {
        filter.onDelete(stream)
    }

    @discardableResult
    override func onError(_ error: HostError) -> UInt32 {
        filter.onError(error, in: stream).rawValue
    }

    private final func body(_ kind: BufferKind, _ size: Int, _ endOfStream: Bool) -> HTTPBody {
        HTTPBody(stream: stream, count: size, isEndOfStream: endOfStream, bufferType: kind.rawValue)
    }
}

/// The context of an HTTP exchange whose plugin counts its requests.
final class CountingHTTPContext<Filter: HTTPFilter>: HTTPContext<Filter> {
    private let requests: Counter?

    init(id: UInt32, filter: Filter, requests: Counter?) {
        self.requests = requests
        super.init(id: id, filter: filter)
    }

    override func onRequestHeaders(_ count: Int, endOfStream: Bool) -> UInt32 {
        do throws(HostError) {
            try requests?.increment()
        } catch {
            // What is only counted must not stop a request.
            Log.debug(error.message)
        }
        return super.onRequestHeaders(count, endOfStream: endOfStream)
    }
}
