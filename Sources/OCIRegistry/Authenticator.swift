// SPDX-License-Identifier: Apache-2.0

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
    private var credential: Credential??
    /// The `Authorization` that goes with every request once the registry asked for Basic or got a ready token.
    private var fixed: String?
    /// By scope; nil for requests that belong to no repository.
    private var tokens: [Scope?: Token] = [:]
    /// Scopes that a token is being fetched for, and who waits for that.
    private var fetching: Set<Scope?> = []
    private var waiting: [CheckedContinuation<Void, Never>] = []

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
    func authorization(for scope: Scope?) -> String? { fixed ?? token(for: scope).map { "Bearer \($0)" } }

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
        // Another request may have got a better answer meanwhile.
        if let known = authorization(for: scope), known != rejected { return known }
        forget(rejected)
        let credential = try await storedCredential()
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            if case .accessToken(let token) = credential { return keep("Bearer \(token)", unless: rejected) }
            return try await fetchOnce(bearer, scope, rejected, credential, origin)
        }
        if challenges.contains(where: { $0.scheme == "basic" }),
            case .password(let username, let password) = credential
        {
            return keep(Self.basic(username, password), unless: rejected)
        }
        return nil
    }

    private func keep(_ authorization: String, unless rejected: String?) -> String? {
        guard authorization != rejected else { return nil }
        fixed = authorization
        return authorization
    }

    private func forget(_ rejected: String?) {
        guard let rejected else { return }
        if fixed == rejected { fixed = nil }
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

    private func storedCredential() async throws -> Credential? {
        if let credential { return credential }
        let found = try await provider.credential(for: host)
        credential = .some(found)
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
        guard let realm = challenge.parameters["realm"], let service = WebLocation(realm) else {
            throw RegistryError.badAnswer(action, "the registry's challenge names no token service")
        }
        // A password must not leave in plain text because of what a server says.
        guard service.scheme == .https || origin.scheme == .http || isLoopback(service) else {
            throw RegistryError.badAnswer(action, "the registry wants \"\(service)\" asked in plain text")
        }
        let started = options.clock.now()
        let answer = try await ask(service, items(challenge, scope), credential, action)
        guard answer.response.status.kind == .successful else {
            var error = RegistryError("\(action) from \"\(service)\"", host, answer)
            if error.code == .unauthorized, credential != nil {
                error.hint = "the credentials are not accepted; log in again with 'wasme login \(host)'"
            }
            throw error
        }
        let reply: TokenReply
        do {
            reply = try JSONDecoder().decode(TokenReply.self, from: Data(answer.body))
        } catch {
            throw RegistryError.badAnswer(action, "\"\(service)\" gave no token: \(decodingFailure(error))")
        }
        let secret = reply.token ?? reply.accessToken ?? ""
        guard !secret.isEmpty, secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw RegistryError.badAnswer(action, "\"\(service)\" gave no token")
        }
        // The specification's default and least is 60 seconds; a tenth is left for the way.
        let life = min(max(reply.expiresIn ?? 60, 60), 86400)
        return Token(value: secret, expiry: started + .seconds(life * 0.9))
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

    private func ask(
        _ service: WebLocation, _ items: [(name: String, value: String)], _ credential: Credential?,
        _ action: String
    ) async throws -> Answer {
        var call = Call(.get, service, action: action)
        call.limit = 1 << 20
        if case .identityToken(let token) = credential {
            let scopes = items.filter { $0.name == "scope" }.map(\.value).joined(separator: " ")
            let form =
                items.filter { $0.name != "scope" } + [
                    ("scope", scopes), ("grant_type", "refresh_token"), ("client_id", "wasme"),
                    ("refresh_token", token),
                ]
            let text = form.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
            call.method = .post
            call.headers[.contentType] = "application/x-www-form-urlencoded"
            call.body = HTTPBody(Array(text.utf8))
        } else {
            call.location = service.adding(items)
        }
        var authorization: String?
        if case .password(let username, let password) = credential {
            authorization = Self.basic(username, password)
        }
        return try await call.send(over: transport, options, authorization: authorization, host: host)
    }
}

private struct TokenReply: Decodable {
    let token: String?
    let accessToken: String?
    let expiresIn: Double?

    enum CodingKeys: String, CodingKey {
        case token
        case accessToken = "access_token"
        case expiresIn = "expires_in"
    }
}
