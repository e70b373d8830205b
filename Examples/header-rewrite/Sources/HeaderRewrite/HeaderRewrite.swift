// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Rewrites headers by rules; made once for each configuration.
final class HeaderRewrite: HTTPPlugin {
    static var rootID: Bytes { "header_rewrite" }

    let requestRules: [Rule]
    let responseRules: [Rule]

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("request", "response")
        requestRules = try Rule.list(json["request"])
        responseRules = try Rule.list(json["response"])
    }

    func makeFilter(for stream: HTTPStream) -> RewritingFilter {
        RewritingFilter(plugin: self)
    }
}

/// Rewrites the headers of one request and its response.
final class RewritingFilter: HTTPFilter {
    let plugin: HeaderRewrite

    init(plugin: HeaderRewrite) {
        self.plugin = plugin
    }

    // What a rule throws is not caught: `onError` answers with status 500. A rule may be there to keep something secret,
    // and a request that it could not be applied to must not pass.

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        for rule in plugin.requestRules {
            try rule.apply(to: request.headers, of: request.stream)
        }
        return .continue
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        for rule in plugin.responseRules {
            try rule.apply(to: response.headers, of: response.stream)
        }
        return .continue
    }
}

/// One thing to do with one header.
struct Rule {
    enum Change {
        case set(Template)
        case add(Template)
        case remove
    }

    let name: Bytes
    let change: Change

    /// Reads `{"set": NAME, "value": VALUE}`, `{"add": NAME, "value": VALUE}` or `{"remove": NAME}`.
    init(_ json: JSON) throws(ConfigurationError) {
        if json["remove"].exists {
            try json.allow("remove")
            name = try json["remove"].headerName()
            change = .remove
        } else if json["add"].exists {
            try json.allow("add", "value")
            name = try json["add"].headerName()
            change = .add(try Template(json["value"]))
        } else {
            try json.allow("set", "value")
            name = try json["set"].headerName()
            change = .set(try Template(json["value"]))
        }
    }

    static func list(_ json: JSON) throws(ConfigurationError) -> [Rule] {
        guard json.exists else { return [] }
        var rules: [Rule] = []
        for element in try json.elements() {
            rules.append(try Rule(element))
        }
        return rules
    }

    func apply(to headers: HeaderMap, of stream: HTTPStream) throws(HostError) {
        switch change {
        case .set(let template):
            if let value = try template.value(for: stream) { try headers.set(name, to: value) }
        case .add(let template):
            if let value = try template.value(for: stream) { try headers.add(name, value) }
        case .remove:
            try headers.remove(name)
        }
    }
}
