// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import HTTPTypes
import OCI

/// Answers a registry's challenges and remembers the answers: Basic (RFC 7617), and Bearer with a token service
/// (the distribution project's token specification).
///
/// Its answers are for the registry itself; whoever sends them must not send them to another origin.
actor Authenticator {
    private struct Token {
        let value: String
        let expiry: Duration
    }

    private let host: RegistryHost
    private let provider: any CredentialProvider
    private let transport: any HTTPTransport
    private let options: RegistryOptions
    /// By repository; nil for requests that belong to none.
    private var credentials: [Repository?: Credential?] = [:]
    /// The `Authorization` that goes with every request once the registry asked for Basic or got a ready token.
    private var fixed: [Repository?: String] = [:]
    /// By scope; nil for requests that belong to no repository.
    private var tokens: [Scope?: Token] = [:]
    /// Scopes that a token is being fetched for, and who waits for that.
    private var fetching: Set<Scope?> = []
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Whether the registry wanted to know who asks.
    private(set) var wasAsked = false
    /// What a token service gave to be used in place of the password from now on.
    private(set) var identityToken: String?

    init(
        host: RegistryHost, provider: any CredentialProvider, transport: any HTTPTransport,
        options: RegistryOptions
    ) {
        self.host = host
        self.provider = provider
        self.transport = transport
        self.options = options
    }

    /// The `Authorization` to send without being asked; nil for none.
    func authorization(for scope: Scope?) -> String? {
        fixed[scope?.repository] ?? token(for: scope).map { "Bearer \($0)" }
    }

    /// The `Authorization` that answers a 401; nil when nothing better is known.
    /// - Parameters:
    ///   - challenges: what the 401 asks for.
    ///   - scope: what the refused request wants.
    ///   - rejected: the `Authorization` that was refused, if there was one.
    ///   - origin: the registry's scheme, host and port.
    /// - Returns: the header's value, which differs from the refused one.
    /// - Throws: `RegistryError` when the token service refuses, or what the credential provider threw.
    func answer(
        _ challenges: [Challenge], for scope: Scope?, rejected: String?, from origin: WebLocation.Origin
    ) async throws -> String? {
        wasAsked = true
        // Another request may have got a better answer meanwhile.
        if let known = authorization(for: scope), known != rejected { return known }
        forget(rejected)
        let credential = try await storedCredential(for: scope?.repository)
        let bearer = challenges.first { $0.scheme == "bearer" }
        let takesBasic = challenges.contains { $0.scheme == "basic" }
        if let bearer, bearer.parameters["realm"] != nil || !takesBasic {
            if case .accessToken(let token) = credential {
                return keep("Bearer \(token)", for: scope, unless: rejected)
            }
            return try await fetchOnce(bearer, scope, rejected, credential, origin)
        }
        if takesBasic, case .password(let username, let password) = credential {
            return keep(Self.basic(username, password), for: scope, unless: rejected)
        }
        return nil
    }

    private func keep(_ authorization: String, for scope: Scope?, unless rejected: String?) -> String? {
        guard authorization != rejected else { return nil }
        fixed[scope?.repository] = authorization
        return authorization
    }

    private func forget(_ rejected: String?) {
        guard let rejected else { return }
        fixed = fixed.filter { $0.value != rejected }
        tokens = tokens.filter { "Bearer \($0.value.value)" != rejected }
    }

    private func token(for scope: Scope?) -> String? {
        let now = options.clock.now()
        let match = tokens.first { key, token in
            guard token.expiry > now else { return false }
            guard let scope else { return key == nil }
            return key?.covers(scope) ?? false
        }
        return match?.value.value
    }

    private func storedCredential(for repository: Repository?) async throws -> Credential? {
        if let known = credentials[repository] { return known }
        let found = try await provider.credential(for: host, repository)
        credentials[repository] = .some(found)
        return found
    }

    static func basic(_ username: String, _ password: String) -> String {
        "Basic \(Data("\(username):\(password)".utf8).base64EncodedString())"
    }
}

// MARK: - Tokens

extension Authenticator {
    /// Fetches a token unless one is being fetched for the same scope: then that one is waited for.
    private func fetchOnce(
        _ challenge: Challenge, _ scope: Scope?, _ rejected: String?, _ credential: Credential?,
        _ origin: WebLocation.Origin
    ) async throws -> String? {
        while true {
            // While this call waited, for the credentials or for another's token, the answer may have come.
            if let known = authorization(for: scope), known != rejected { return known }
            guard fetching.contains(scope) else { break }
            await withCheckedContinuation { waiting.append($0) }
            try Task.checkCancellation()
        }
        fetching.insert(scope)
        defer {
            fetching.remove(scope)
            let woken = waiting
            waiting = []
            for continuation in woken { continuation.resume() }
        }
        let token = try await fetch(challenge, scope, credential, origin)
        tokens[scope] = token
        return "Bearer \(token.value)"
    }

    private func fetch(
        _ challenge: Challenge, _ scope: Scope?, _ credential: Credential?, _ origin: WebLocation.Origin
    ) async throws -> Token {
        let action = "get a token for \"\(host)\""
        let service = try tokenService(challenge, origin, action)
        if credential != nil { try checkTrust(in: service, origin, action) }
        let started = options.clock.now()
        let request = TokenRequest(
            service: service, items: items(challenge, scope), credential: credential,
            wantsIdentityToken: options.wantsIdentityToken, action: action)
        let answer = try await request.send(over: transport, options, host: host)
        guard answer.response.status.kind == .successful else {
            var error = RegistryError("\(action) from \"\(service)\"", host, answer)
            if error.code == .unauthorized, credential != nil {
                error.hint = "the credentials are not accepted; log in again with 'wasme login \(host)'"
            }
            throw error
        }
        let reply = try TokenReply(answer, action)
        identityToken = reply.identityToken ?? identityToken
        return Token(value: reply.token, expiry: started + .seconds(reply.life))
    }

    private func tokenService(
        _ challenge: Challenge, _ origin: WebLocation.Origin, _ action: String
    ) throws -> WebLocation {
        guard let realm = challenge.parameters["realm"], !realm.isEmpty else {
            throw RegistryError.badAnswer(action, "the registry's challenge names no token service")
        }
        guard let service = WebLocation(realm) else {
            throw RegistryError.badAnswer(
                action, "the registry's token service \"\(shownText(realm, limit: 100))\" is no http URL")
        }
        // A password must not leave in plain text because of what a server says.
        guard service.scheme == .https || origin.scheme == .http || isLoopback(service) else {
            throw RegistryError.badAnswer(action, "the registry wants \"\(service)\" asked in plain text")
        }
        return service
    }

    /// Refuses to send credentials to a token service that has nothing to do with the registry but for its word.
    private func checkTrust(
        in service: WebLocation, _ origin: WebLocation.Origin, _ action: String
    ) throws {
        guard options.bindsTokenService, options.tokenService != service.authority,
            !TokenServiceBounds.include(service.authority, of: origin.host)
        else { return }
        throw RegistryError(
            .denied,
            "cannot \(action): the registry sends credentials to \"\(shownText(service.authority, limit: 100))\", which is in another domain",
            hint: "if that is right, name it as the registry's token service", category: .denied)
    }

    private func isLoopback(_ service: WebLocation) -> Bool {
        do { return try RegistryHost(service.authority).isLoopback } catch { return false }
    }

    /// What the token is for: our own scope, and the registry's if it says otherwise.
    private func items(_ challenge: Challenge, _ scope: Scope?) -> [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        if let service = challenge.parameters["service"] { items.append(("service", service)) }
        var scopes = scope?.items ?? []
        let asked = challenge.parameters["scope"] ?? ""
        for other in asked.split(separator: " ") where !scopes.contains(String(other)) {
            scopes.append(String(other))
        }
        return items + scopes.map { ("scope", $0) }
    }
}
