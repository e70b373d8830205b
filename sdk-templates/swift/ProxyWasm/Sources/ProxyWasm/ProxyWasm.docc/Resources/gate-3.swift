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

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        guard try request.headers.get("x-token") == token else {
            return try request.respond(status: 403, body: "no token, no entry\n")
        }
        try request.headers.remove("x-token")
        return .continue
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set("x-gate", to: "checked")
        return .continue
    }
}
