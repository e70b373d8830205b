// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

/// Speaks to one registry (distribution-spec 1.1) over any HTTP transport.
///
/// The scheme is plain HTTP or https as the options say. Left open, a loopback host is asked by plain HTTP, and by
/// https only if what answers there does not speak HTTP; every other host is asked by https alone. Passing trouble is
/// waited out within the bounds of `RetryPolicy`. Values are cheap to copy and share their tokens.
package struct RegistryClient: Sendable {
    package let host: RegistryHost
    package let options: RegistryOptions
    let transport: any HTTPTransport
    let authenticator: Authenticator
    let endpoint: Endpoint

    /// - Parameters:
    ///   - host: the registry.
    ///   - transport: what carries the requests.
    ///   - options: scheme, trust, retries.
    ///   - credentials: asked once, and only if the registry wants to know who asks.
    package init(
        host: RegistryHost, transport: any HTTPTransport, options: RegistryOptions = RegistryOptions(),
        credentials: any CredentialProvider = AnonymousCredentials()
    ) {
        self.host = host
        self.options = options
        self.transport = transport
        authenticator = Authenticator(
            host: host, provider: credentials, transport: transport, options: options)
        endpoint = Endpoint(host, options)
    }

    /// Asks whether a registry is there and lets this user in (distribution-spec 1.1, "Determining Support").
    package func ping() async throws {
        let action = "reach the registry \"\(host)\""
        let location = location("/v2/")
        let answer = try await perform(Call(.get, location, action: action))
        guard answer.status == 200 else { throw RegistryError(action, host, answer) }
    }

    /// The URL of a path of the registry; a scheme that is not known yet is settled when it is asked.
    func location(_ path: String) -> WebLocation {
        WebLocation(scheme: endpoint.scheme ?? .http, authority: endpoint.authority, target: path)
    }

    /// The URL of something in a repository.
    func location(_ repository: Repository, _ rest: String) -> WebLocation {
        location("/v2/\(endpoint.path(of: repository))/\(rest)")
    }

    /// A repository's name as people write it.
    func name(_ repository: Repository) -> String { "\(host)/\(repository)" }

    /// A thing's name as people write it.
    func name(_ repository: Repository, _ target: Reference.Target) -> String {
        switch target {
        case .tag: "\(name(repository)):\(target)"
        case .digest: "\(name(repository))@\(target)"
        }
    }
}
