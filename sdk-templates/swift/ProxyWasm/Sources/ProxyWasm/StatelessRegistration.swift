// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// Offers a filter without state to the host; it is all that the module offers.
///
/// It takes part under every root id, and there is no configuration it could refuse. A module that registers another
/// such filter, or a plugin, says so in the log and does not start.
public func register<F: StatelessHTTPFilter>(stateless filter: F.Type) {
    #if arch(wasm32)
        registerStateless(filter)
    #else
        module.register(stateless: filter)
    #endif
}

/// What a module offers to its host.
enum Offer {
    /// One or several.
    case plugins
    /// One, and nothing else.
    case statelessFilter

    /// Says that main.swift has registered something that does not go with what it has registered before.
    @inline(never)
    static func refuse() -> Never {
        Log.critical("a filter without state must be all that a module registers")
        // The author's mistake, met at the first start and not on traffic: a module that goes on would do half of it.
        fatalError()
    }
}

/// The callbacks, by the numbers that `proxy_wasm_exports.h` gives them.
enum StatelessCallback: UInt32 {
    case requestHeaders = 0
    case requestBody = 1
    case requestTrailers = 2
    case responseHeaders = 3
    case responseBody = 4
    case responseTrailers = 5
    case log = 6

    static func phase(of callback: UInt32) -> Phase {
        if callback == log.rawValue { return .log }
        return callback < responseHeaders.rawValue ? .request : .response
    }
}

/// Calls a callback for the stream; the numbers are those of its export.
typealias StatelessHandler = (_ callback: UInt32, _ id: UInt32, _ count: UInt32, _ end: UInt32) -> UInt32

extension StatelessHTTPFilter {
    /// Calls a callback; what the filter leaves out is known at compile time, and takes no code.
    static func handle(_ callback: UInt32, _ id: UInt32, _ count: UInt32, _ end: UInt32) -> UInt32 {
        let stream = HTTPStream(id: id)
        do throws(HostError) {
            if RequestHeadersResult.isHandled, callback == StatelessCallback.requestHeaders.rawValue {
                return try onRequestHeaders(HTTPRequest(stream: stream, isEndOfStream: end != 0)).actionValue
            }
            if RequestBodyResult.isHandled, callback == StatelessCallback.requestBody.rawValue {
                return try onRequestBody(stream.body(.requestBody, count, end)).actionValue
            }
            if RequestTrailersResult.isHandled, callback == StatelessCallback.requestTrailers.rawValue {
                let trailers = HTTPTrailers(stream: stream, fields: stream.requestTrailers)
                return try onRequestTrailers(trailers).actionValue
            }
            if ResponseHeadersResult.isHandled, callback == StatelessCallback.responseHeaders.rawValue {
                return try onResponseHeaders(HTTPResponse(stream: stream, isEndOfStream: end != 0))
                    .actionValue
            }
            if ResponseBodyResult.isHandled, callback == StatelessCallback.responseBody.rawValue {
                return try onResponseBody(stream.body(.responseBody, count, end)).actionValue
            }
            if ResponseTrailersResult.isHandled, callback == StatelessCallback.responseTrailers.rawValue {
                let trailers = HTTPTrailers(stream: stream, fields: stream.responseTrailers)
                return try onResponseTrailers(trailers).actionValue
            }
            if ProxyWasm.isHandled(LogResult.self), callback == StatelessCallback.log.rawValue {
                _ = try onLog(stream)
            }
            return 0
        } catch {
            if ProxyWasm.isHandled(LogResult.self), callback == StatelessCallback.log.rawValue {
                // The exchange is over: there is nothing left to answer.
                Log.error(error.message)
                return 0
            }
            return onError(error, in: stream).rawValue
        }
    }
}

extension HTTPStream {
    fileprivate func body(_ kind: BufferKind, _ size: UInt32, _ end: UInt32) -> HTTPBody {
        HTTPBody(
            stream: self, count: Int(clamping: size), isEndOfStream: end != 0, bufferType: kind.rawValue)
    }
}

#if arch(wasm32)
    // Not in `Module`, which is for contexts and their plugins: that would be a good part of a small module.
    private nonisolated(unsafe) var offered: Offer?
    private nonisolated(unsafe) var handler: StatelessHandler?

    @_cdecl("proxy_wasm_stateless")
    func onStateless(callback: UInt32, id: UInt32, count: UInt32, end: UInt32) -> UInt32 {
        begin(id, StatelessCallback.phase(of: callback))
        return handler?(callback, id, count, end) ?? 0
    }

    func offer(_ offer: Offer) {
        if let offered, offered != .plugins || offer != .plugins { Offer.refuse() }
        offered = offer
    }

    // Specialised for the filter: what it leaves out is not exported.
    private func registerStateless<F: StatelessHTTPFilter>(_ filter: F.Type) {
        offer(.statelessFilter)
        if F.RequestHeadersResult.isHandled { proxy_wasm_export_stateless_on_request_headers() }
        if F.RequestBodyResult.isHandled { proxy_wasm_export_stateless_on_request_body() }
        if F.RequestTrailersResult.isHandled { proxy_wasm_export_stateless_on_request_trailers() }
        if F.ResponseHeadersResult.isHandled { proxy_wasm_export_stateless_on_response_headers() }
        if F.ResponseBodyResult.isHandled { proxy_wasm_export_stateless_on_response_body() }
        if F.ResponseTrailersResult.isHandled { proxy_wasm_export_stateless_on_response_trailers() }
        if isHandled(F.LogResult.self) { proxy_wasm_export_stateless_on_log() }
        handler = { callback, id, count, end in F.handle(callback, id, count, end) }
    }

    /// Makes sure that somebody can wait for the answer to a call: a filter without state cannot.
    func activateForCall(_ id: UInt32) throws(HostError) {
        if offered == .statelessFilter { throw HostError("wait for an answer without state", .unimplemented) }
        try activate(id)
    }
#else
    extension Module {
        package func register<F: StatelessHTTPFilter>(stateless filter: F.Type) {
            offer(.statelessFilter)
            stateless = { id in StatelessContext<F>(id: id) }
        }

        func offer(_ offer: Offer) {
            if let offered, offered != .plugins || offer != .plugins { Offer.refuse() }
            offered = offer
        }
    }

    /// Makes sure that somebody can wait for the answer to a call: a filter without state cannot.
    func activateForCall(_ id: UInt32) throws(HostError) {
        if module.stateless != nil { throw HostError("wait for an answer without state", .unimplemented) }
        try activate(id)
    }

    /// Stands for an exchange during one callback, where plugins have contexts.
    private final class StatelessContext<F: StatelessHTTPFilter>: Context {
        private func handle(_ callback: StatelessCallback, _ count: Int = 0, _ end: Bool = true) -> UInt32 {
            F.handle(callback.rawValue, id, UInt32(clamping: count), end ? 1 : 0)
        }

        override func onRequestHeaders(_ count: Int, endOfStream: Bool) -> UInt32 {
            handle(.requestHeaders, count, endOfStream)
        }

        override func onRequestBody(_ size: Int, endOfStream: Bool) -> UInt32 {
            handle(.requestBody, size, endOfStream)
        }

        override func onRequestTrailers(_ count: Int) -> UInt32 {
            handle(.requestTrailers, count)
        }

        override func onResponseHeaders(_ count: Int, endOfStream: Bool) -> UInt32 {
            handle(.responseHeaders, count, endOfStream)
        }

        override func onResponseBody(_ size: Int, endOfStream: Bool) -> UInt32 {
            handle(.responseBody, size, endOfStream)
        }

        override func onResponseTrailers(_ count: Int) -> UInt32 {
            handle(.responseTrailers, count)
        }

        override func onLog() {
            _ = handle(.log)
        }
    }
#endif
