// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

/// What a registry made of credentials.
package enum LoginCheck: Hashable, Sendable {
    /// It accepts them; an identity token is what its token service gave to be kept in place of a password.
    case accepted(identityToken: String?)
    /// It did not want to know who asks, and so did not look at them.
    case notAsked
}

extension RegistryClient {
    /// Shows credentials to a registry (distribution-spec 1.1, "Determining Support").
    ///
    /// A Basic challenge is answered with them, a Bearer challenge by way of the token service; what the registry then
    /// says to `/v2/` decides.
    /// - Parameters:
    ///   - host: the registry.
    ///   - credential: what to show.
    ///   - transport: what carries the requests.
    ///   - options: scheme, trust, retries.
    /// - Returns: whether they were looked at, and what to keep in their place.
    /// - Throws: `RegistryError`; `unauthorized` if they are not accepted.
    package static func checkLogin(
        to host: RegistryHost, with credential: Credential, transport: any HTTPTransport,
        options: RegistryOptions
    ) async throws -> LoginCheck {
        var options = options
        options.wantsIdentityToken = true
        let client = RegistryClient(
            host: host, transport: transport, options: options,
            credentials: FixedCredentials(credential, for: host))
        let action = "log in to \"\(host)\""
        do {
            let answer = try await client.perform(
                Call(.get, client.location("/v2/"), action: action))
            guard answer.status == 200 else { throw RegistryError(action, host, answer) }
        } catch var error as RegistryError where error.code == .unauthorized {
            error.hint =
                "check the user name and the password; some registries want an access token in its place"
            throw error
        }
        guard await client.authenticator.wasAsked else { return .notAsked }
        return .accepted(identityToken: await client.authenticator.identityToken)
    }
}
