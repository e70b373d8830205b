// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Asks a gRPC service whether requests may pass; made once for each configuration.
final class GRPCAuthorization: HTTPPlugin {
    static var rootID: Bytes { "grpc_authorization" }

    let target: GRPCService
    let timeoutMilliseconds: UInt32

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("cluster", "timeoutMilliseconds")
        target = .cluster(try json["cluster"].string())
        timeoutMilliseconds = UInt32(try json["timeoutMilliseconds"].integer(in: 1...60_000, default: 1000))
    }

    func makeFilter(for stream: HTTPStream) -> AuthorizationFilter {
        AuthorizationFilter(plugin: self)
    }
}

/// Holds one request until the service has answered.
final class AuthorizationFilter: HTTPFilter {
    private let plugin: GRPCAuthorization

    init(plugin: GRPCAuthorization) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        let stream = request.stream
        let question = CheckRequest(
            method: try request.method ?? "", path: try request.path ?? "",
            token: try request.headers.get("authorization") ?? "")
        // Only the service may say who the user is.
        try request.headers.remove("x-user")
        try stream.grpcCall(
            to: plugin.target, service: "example.Authorization", method: "Check",
            message: question.serialized,
            timeoutMilliseconds: plugin.timeoutMilliseconds
        ) { [self] (result) throws(HostError) in
            switch result {
            case .success(let message): try allow(stream, CheckResponse(message))
            case .failure(let failure): try refuse(stream, failure)
            }
        }
        return .pause
    }

    private func allow(_ stream: HTTPStream, _ answer: CheckResponse?) throws(HostError) {
        guard let answer else {
            Log.error("the authorization service has sent a message that cannot be read")
            try stream.respond(status: 503, details: "authorization_malformed")
            return
        }
        if !answer.user.isEmpty { try stream.requestHeaders.set("x-user", to: answer.user) }
        try stream.resumeRequest()
    }

    private func refuse(_ stream: HTTPStream, _ failure: GRPCFailure) throws(HostError) {
        // The reason is for the log: it may tell more than a client should know, and Envoy adds words of its own to it.
        Log.info("authorization has ended with status \(failure.status.rawValue): \(failure.message)")
        switch failure.status {
        case .unauthenticated:
            try stream.respond(
                status: 401, headers: [HeaderField("www-authenticate", "Bearer")], body: "who are you?\n",
                details: "authorization_required", grpcStatus: .unauthenticated)
        case .permissionDenied:
            try stream.respond(
                status: 403, body: "this is not for you\n", details: "authorization_denied",
                grpcStatus: .permissionDenied)
        default:
            // Not what the service has decided: it is missing, too slow or broken.
            try stream.respond(
                status: 503, body: "it cannot be found out now whether this is for you\n",
                details: "authorization_failed", grpcStatus: .unavailable)
        }
    }
}
