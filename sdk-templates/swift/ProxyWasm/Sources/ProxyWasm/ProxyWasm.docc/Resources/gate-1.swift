import ProxyWasm

/// Lets only requests pass that carry a token.
final class Gate: HTTPPlugin {
    static var rootID: Bytes { "gate" }

    let token: Bytes

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("token")
        token = try json["token"].headerValue()
    }

    func makeFilter(for stream: HTTPStream) -> GateFilter {
        GateFilter(token: token)
    }
}

/// Sees one request and its response.
final class GateFilter: HTTPFilter {
    let token: Bytes

    init(token: Bytes) {
        self.token = token
    }
}
