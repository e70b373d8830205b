// SPDX-License-Identifier: Apache-2.0

/// What a plugin does with one exchange; a new instance is made for each.
///
/// Every callback has a default that lets the exchange pass. A callback may throw what the host answered: see
/// ``onError(_:in:)``.
public protocol HTTPFilter: AnyObject {
    /// The headers of the request have arrived.
    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action

    /// The headers of the response have arrived.
    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action

    /// A callback has thrown. The default logs the error and answers with status 500, so that a filter that fails
    /// lets nothing pass; return `.continue` to let the exchange go on.
    func onError(_ error: HostError, in stream: HTTPStream) -> Action

    /// The exchange is over; return false to keep it open until later.
    func onDone(_ stream: HTTPStream) -> Bool

    /// The exchange is over and may be logged; headers can still be read.
    func onLog(_ stream: HTTPStream) throws(HostError)

    /// The last call: the filter is released after it.
    func onDelete(_ stream: HTTPStream)
}

extension HTTPFilter {
    /// Lets the request pass.
    public func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action { .continue }

    /// Lets the response pass.
    public func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action { .continue }

    /// Logs the error and answers with status 500.
    public func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        Log.error(error.message)
        do throws(HostError) {
            return try stream.respond(status: 500, details: "wasm_filter_error")
        } catch {
            Log.error(error.message)
            return .pause
        }
    }

    /// Agrees that the exchange is over.
    public func onDone(_ stream: HTTPStream) -> Bool { true }

    /// Logs nothing.
    public func onLog(_ stream: HTTPStream) throws(HostError) {}

    /// Does nothing.
    public func onDelete(_ stream: HTTPStream) {}
}
