// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What proves to a registry who asks.
///
/// Its description never shows a secret.
package enum Credential: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// A user name with a password or an API token in its place.
    case password(username: String, password: String)
    /// A refresh token that a token service exchanges for access tokens.
    case identityToken(String)
    /// An access token that is sent as it is.
    case accessToken(String)

    package var description: String {
        switch self {
        case .password(let username, _): "password of \"\(username)\""
        case .identityToken: "identity token"
        case .accessToken: "access token"
        }
    }

    package var debugDescription: String { description }
}

extension Credential {
    /// The user name that says, to helpers and in `auths`, that the secret beside it is an identity token.
    static let tokenUser = "<token>"

    init(username: String, secret: String) {
        self =
            username == Self.tokenUser
            ? .identityToken(secret) : .password(username: username, password: secret)
    }
}

/// Knows credentials by registry.
package protocol CredentialProvider: Sendable {
    /// What is known for a registry; nil for nothing.
    /// - Parameters:
    ///   - host: the registry.
    ///   - repository: what is asked for there; some are known for a part of a registry only.
    /// - Returns: the credential.
    /// - Throws: `RegistryError` when what is kept cannot be read.
    func credential(for host: RegistryHost, _ repository: Repository?) async throws -> Credential?
}

/// Knows nothing: only what a registry gives to everybody is asked for.
package struct AnonymousCredentials: CredentialProvider {
    package init() {}
    package func credential(for host: RegistryHost, _ repository: Repository?) async throws -> Credential? {
        nil
    }
}

/// One credential for one registry, as given on a command line.
package struct FixedCredentials: CredentialProvider {
    private let host: RegistryHost
    private let credential: Credential

    package init(_ credential: Credential, for host: RegistryHost) {
        self.host = host
        self.credential = credential
    }

    package func credential(for host: RegistryHost, _ repository: Repository?) async throws -> Credential? {
        host == self.host ? credential : nil
    }
}
