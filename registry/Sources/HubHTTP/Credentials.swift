// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
import NIOCore

/// A request's surroundings.
struct HubRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The other end of the connection, without its port.
    let address: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress
    }
}

extension Credential {
    /// Reads an `Authorization` header; one that is none of ours is as wrong as a wrong password.
    init?(_ request: Request) throws(HubError) {
        let headers = request.headers[values: .authorization]
        guard let header = headers.first else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard headers.count == 1, parts.count == 2 else { throw .badCredentials }
        let value = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer": self = .bearer(value)
        case "basic":
            guard let data = Data(base64Encoded: value), let text = String(validating: data, as: UTF8.self),
                let colon = text.firstIndex(of: ":")
            else { throw .badCredentials }
            self = .basic(String(text[..<colon]), String(text[text.index(after: colon)...]))
        default: throw .badCredentials
        }
    }
}

/// Where clients are sent that must say who they are.
struct Challenge: Sendable {
    /// The hub's address as clients know it, without a slash at its end; nil for the one that they used.
    let publicURL: String?
    let service: String
    /// What connections to the hub speak.
    var scheme = "http"

    /// The `WWW-Authenticate` for an error; nil for one that no credential would mend.
    ///
    /// Tools get a token service (RFC 6750, and distribution's token specification, "How to authenticate"); people with
    /// a browser, and scripts at our own API, are asked for a password (RFC 7617).
    ///
    /// `scheme` is the one that the client used, if that is known to be another than this connection's.
    func header(
        for error: HubError, _ request: Request, isRegistry: Bool, scheme: String? = nil
    ) -> String? {
        guard error.code.status == .unauthorized else { return nil }
        guard isRegistry else { return "Basic realm=\"wasme-hub\", charset=\"UTF-8\"" }
        var header = "Bearer realm=\"\(base(request, scheme))/token\",service=\"\(service)\""
        if let scope = error.detail { header += ",scope=\"\(scope)\"" }
        if error.code == .insufficientScope { header += ",error=\"insufficient_scope\"" }
        if error.code == .badCredentials { header += ",error=\"invalid_token\"" }
        return header
    }

    /// Where the hub is for whoever sent a request by a scheme; nil for that of its connections.
    func base(_ request: Request, _ scheme: String?) -> String {
        if let publicURL { return publicURL }
        let host = request.head.authority ?? "localhost"
        let isPlain = host.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        return "\(scheme ?? self.scheme)://\(isPlain ? host : "localhost")"
    }
}
