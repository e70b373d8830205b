// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// The scaffold's filter with every callback of an HTTP exchange handled, so that all of them are exported.
final class AddHeader: HTTPPlugin {
    static var rootID: Bytes { "add_header" }

    let header: Bytes
    let value: Bytes

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        header = try json["header"].headerName(default: "hello")
        value = try json["value"].headerValue(default: "world")
    }

    func makeFilter(for stream: HTTPStream) -> ResponseFilter { ResponseFilter(plugin: self) }
}

final class ResponseFilter: HTTPFilter {
    let plugin: AddHeader

    init(plugin: AddHeader) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action { .continue }
    func onRequestBody(_ body: HTTPBody) throws(HostError) -> Action { .continue }
    func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action { .continue }
    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set(plugin.header, to: plugin.value)
        return .continue
    }
    func onResponseBody(_ body: HTTPBody) throws(HostError) -> Action { .continue }
    func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action { .continue }
    func onDone(_ stream: HTTPStream) -> Bool { true }
    func onLog(_ stream: HTTPStream) throws(HostError) {}
}
