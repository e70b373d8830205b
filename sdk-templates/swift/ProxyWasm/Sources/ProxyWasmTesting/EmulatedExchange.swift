// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// An exchange between an emulated client and server, with the filter in between.
public final class EmulatedExchange {
    /// A response that the filter has sent itself.
    public struct LocalResponse: Hashable, Sendable {
        /// The status code.
        public let status: UInt32
        /// The headers, ":status" among them.
        public let headers: Headers
        /// The body.
        public let body: Bytes
        /// What the access log would show as the response code details.
        public let details: Bytes
    }

    /// The headers of the request, as the filter left them.
    public internal(set) var requestHeaders: Headers = [:]

    /// The headers of the response, as the filter left them.
    public internal(set) var responseHeaders: Headers = [:]

    /// The response that the filter has sent itself, if it has.
    public internal(set) var localResponse: LocalResponse?

    let id: UInt32
    /// Which headers the module can reach at this point: as in Envoy, those of the callback it is in until it lets
    /// them pass, and all of them once the exchange is logged.
    var hasRequest = false
    var hasResponse = false
    private let host: HostEmulator

    init(id: UInt32, host: HostEmulator) {
        self.id = id
        self.host = host
    }

    /// Sends the headers of the request to the filter.
    @discardableResult
    public func sendRequestHeaders(_ headers: Headers, endOfStream: Bool = true) -> Action {
        requestHeaders = headers
        hasRequest = true
        let action = host.call(in: self) { host.module.requestHeaders(id, headers.fields.count, endOfStream) }
        hasRequest = action == .pause
        return action
    }

    /// Sends the headers of the response to the filter.
    @discardableResult
    public func sendResponseHeaders(_ headers: Headers, endOfStream: Bool = true) -> Action {
        responseHeaders = headers
        hasResponse = true
        let action = host.call(in: self) { host.module.responseHeaders(id, headers.fields.count, endOfStream) }
        hasResponse = action == .pause
        return action
    }

    /// Ends the exchange and releases the filter; returns false, and does not, if the filter wants to go on.
    @discardableResult
    public func end() -> Bool {
        host.call(in: self) {
            guard host.module.done(id) else { return false }
            (hasRequest, hasResponse) = (true, true)
            host.module.log(id)
            host.module.onDelete(id)
            return true
        }
    }

    /// What follows from the headers within reach, for `Property`; the parts of the path are joined by dots.
    func property(_ path: Bytes) -> Bytes? {
        if hasRequest {
            switch path {
            case "request.path": return requestHeaders[":path"]
            case "request.method": return requestHeaders[":method"]
            case "request.host": return requestHeaders[":authority"]
            case "request.scheme": return requestHeaders[":scheme"]
            default: break
            }
            if path.hasPrefix("request.headers.") { return requestHeaders[path.dropFirst(16)] }
        }
        if hasResponse, path.hasPrefix("response.headers.") {
            return responseHeaders[path.dropFirst(17)]
        }
        return nil
    }
}
