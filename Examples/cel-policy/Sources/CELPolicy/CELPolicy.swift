// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Lets requests pass for which an expression is true; made once for each configuration.
final class CELPolicy: HTTPPlugin {
    static var rootID: Bytes { "cel_policy" }

    let expression: CELExpression
    /// What is answered where it is not.
    let status: UInt32
    let body: Bytes

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("expression", "status", "body")
        status = UInt32(try json["status"].integer(in: 400...599, default: 403))
        body = try json["body"].string(default: "the policy does not allow this request\n")
        let text = try json["expression"].string()
        do throws(HostError) {
            // Compiled here, so that a wrong expression is refused with the configuration and not with each request.
            expression = try CELExpression(text)
        } catch {
            throw json["expression"].error("the proxy cannot compile it: \(error.message)")
        }
    }

    func makeFilter(for stream: HTTPStream) -> PolicyFilter {
        PolicyFilter(plugin: self)
    }
}

/// Holds one request against the policy.
final class PolicyFilter: HTTPFilter {
    private let plugin: CELPolicy

    init(plugin: CELPolicy) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        if isAllowed(request.stream) { return .continue }
        return try request.respond(status: plugin.status, body: plugin.body, details: "cel_policy_refused")
    }

    /// Whether the expression is true.
    ///
    /// One that has no value, because it speaks of something that this request does not
    /// have, or whose value is not true or false, allows nothing.
    private func isAllowed(_ stream: HTTPStream) -> Bool {
        do throws(HostError) {
            if let isAllowed = try plugin.expression.evaluate(as: Bool.self, for: stream) { return isAllowed }
            Log.warning("the policy is neither true nor false for this request")
        } catch {
            Log.warning("the policy has no value for this request: \(error.message)")
        }
        return false
    }
}
