// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Limits how many requests a client may send; made once for each configuration.
final class RateLimit: HTTPPlugin {
    static var rootID: Bytes { "rate_limit" }

    let limiter: Limiter
    /// The header that tells clients apart; nil means that their addresses do.
    private let header: Bytes?

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("requests", "perSeconds", "burst", "header")
        let requests = try json["requests"].integer(in: 1...1_000_000)
        let seconds = try json["perSeconds"].integer(in: 1...86_400, default: 1)
        let burst = try json["burst"].integer(in: 1...1_000_000, default: requests)
        limiter = Limiter(interval: UInt64(seconds * 1_000_000_000 / requests), burst: UInt64(burst))
        header = json["header"].exists ? try json["header"].headerName() : nil
    }

    func makeFilter(for stream: HTTPStream) -> LimitingFilter {
        LimitingFilter(plugin: self)
    }

    /// Whose request it is.
    func client(of request: HTTPRequest) throws(HostError) -> Bytes {
        if let header { return try request.headers.get(header) ?? "" }
        let address = try request.stream.attribute(.sourceAddress) ?? ""
        // Without the port, which each connection has for itself.
        var end = address.endIndex
        while end > address.startIndex, address[end - 1] != UInt8(ascii: ":") { end -= 1 }
        return end > address.startIndex ? address[address.startIndex..<end - 1] : address
    }
}

/// Lets one request pass, or has it come back later.
final class LimitingFilter: HTTPFilter {
    private let plugin: RateLimit

    init(plugin: RateLimit) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        let client = try plugin.client(of: request)
        switch try plugin.limiter.take(for: client, at: HostClock.now) {
        case .granted:
            return .continue
        case .refused(let retryAfterSeconds):
            return try request.respond(
                status: 429, headers: [HeaderField("retry-after", "\(retryAfterSeconds)")],
                body: "too many requests\n", details: "rate_limited")
        }
    }

    /// A limiter protects the servers from too much; when it fails, that is no reason to give them nothing.
    func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        Log.error(error.message)
        return .continue
    }
}
