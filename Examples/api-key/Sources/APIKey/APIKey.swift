// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Asks a service whether an API key is good, and remembers the answer; made once for each configuration.
final class APIKey: HTTPPlugin {
    static var rootID: Bytes { "api_key" }

    /// The header with the key.
    let header: Bytes
    /// The header that tells the server behind the proxy whose key it was.
    let consumerHeader: Bytes
    /// Where the service is, and which path says whether a key is good.
    let cluster: Bytes
    let path: Bytes
    let timeoutMilliseconds: UInt32
    /// Whether requests pass while the service cannot be asked.
    let failsOpen: Bool
    let cache: VerdictCache

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow(
            "header", "consumerHeader", "cluster", "path", "timeoutMilliseconds", "ttlSeconds", "failOpen")
        header = try json["header"].headerName(default: "x-api-key")
        consumerHeader = try json["consumerHeader"].headerName(default: "x-consumer")
        cluster = try json["cluster"].string()
        path = try json["path"].headerValue(default: "/")
        timeoutMilliseconds = UInt32(try json["timeoutMilliseconds"].integer(in: 1...60_000, default: 1000))
        failsOpen = try json["failOpen"].boolean(default: false)
        let seconds = try json["ttlSeconds"].integer(in: 0...86_400, default: 60)
        cache = VerdictCache(timeToLive: UInt64(seconds) * 1_000_000_000)
    }

    func makeFilter(for stream: HTTPStream) -> KeyFilter {
        KeyFilter(plugin: self)
    }
}

/// Lets one request pass, or not.
final class KeyFilter: HTTPFilter {
    private let plugin: APIKey

    init(plugin: APIKey) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        // Only this filter may say who the client is.
        try request.headers.remove(plugin.consumerHeader)
        guard let key = try request.headers.get(plugin.header), !key.isEmpty else {
            return try request.respond(
                status: 401, headers: [HeaderField("www-authenticate", "ApiKey")],
                body: "an API key is required\n",
                details: "api_key_missing")
        }
        // The key is for this proxy; the server behind it has no need to know it.
        try request.headers.remove(plugin.header)
        if let consumer = try plugin.cache.consumer(of: key) {
            try request.headers.set(plugin.consumerHeader, to: consumer)
            return .continue
        }
        return try ask(about: key, for: request)
    }

    private func ask(about key: Bytes, for request: HTTPRequest) throws(HostError) -> Action {
        let stream = request.stream
        do throws(HostError) {
            try stream.httpCall(
                to: plugin.cluster,
                headers: [
                    HeaderField(":method", "GET"), HeaderField(":path", plugin.path),
                    HeaderField(":authority", plugin.cluster), HeaderField(plugin.header, key),
                ],
                timeoutMilliseconds: plugin.timeoutMilliseconds
            ) { [self] (result) throws(HostError) in
                try proceed(stream, with: result, for: key)
            }
            return .pause
        } catch {
            // There is no such cluster: the same to the client as a service that does not answer.
            Log.error(error.message)
            return plugin.failsOpen ? .continue : try refuse(stream, asUnavailable: "api_key_service_unknown")
        }
    }

    private func proceed(
        _ stream: HTTPStream, with result: Result<HTTPCallResponse, HTTPCallFailure>, for key: Bytes
    ) throws(HostError) {
        var status: UInt32?
        if case .success(let response) = result { status = try response.status }
        switch (status, result) {
        case (200, .success(let response)):
            let consumer = try response.headers.get(plugin.consumerHeader) ?? ""
            try plugin.cache.store(consumer, for: key)
            try stream.requestHeaders.set(plugin.consumerHeader, to: consumer)
            try stream.resumeRequest()
        case (401, _), (403, _):
            try stream.respond(status: 403, body: "the API key is not valid\n", details: "api_key_refused")
        case _ where plugin.failsOpen:
            Log.warning("the service for API keys has failed; the request passes")
            try stream.resumeRequest()
        default:
            try refuse(stream, asUnavailable: "api_key_service_failed")
        }
    }

    @discardableResult
    private func refuse(_ stream: HTTPStream, asUnavailable details: Bytes) throws(HostError) -> Action {
        try stream.respond(status: 503, body: "the API key cannot be checked now\n", details: details)
    }
}
