// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import JSON
import OCI

/// A request to a token service, in the form that the credential asks for.
///
/// A password goes with GET as Basic (distribution's token specification), an identity token with POST as a form (its
/// OAuth2 specification). A service that does not know the one is asked the other way.
struct TokenRequest {
    let service: WebLocation
    /// Service and scopes, as the challenge and the request want them.
    let items: [(name: String, value: String)]
    let credential: Credential?
    /// Whether a token that can be kept in place of the password is wanted, too.
    let wantsIdentityToken: Bool
    let action: String

    /// Who we are to a token service.
    private static let client = (name: "client_id", value: "wasme")
    /// Bytes of an answer that are read.
    private static let limit = 1 << 20

    func send(
        over transport: any HTTPTransport, _ options: RegistryOptions, host: RegistryHost
    ) async throws -> Answer {
        let calls: [(call: Call, authorization: String?)] =
            if case .identityToken = credential { [form, query] } else { [query, form] }
        var answer: Answer?
        for (call, authorization) in calls {
            let next = try await call.send(
                over: transport, options, authorization: authorization, host: host)
            // The first answer says more about a place where no token service is.
            if let answer, !next.isSuccess { return answer }
            guard [404, 405].contains(next.status), credential != nil else { return next }
            answer = answer ?? next
        }
        return answer ?? Answer(response: HTTPResponse(status: .notFound), body: [], location: service)
    }

    private var query: (call: Call, authorization: String?) {
        var items = items
        var authorization: String?
        switch credential {
        case .password(let username, let password):
            items.append(("account", username))
            if wantsIdentityToken { items += [("offline_token", "true"), Self.client] }
            authorization = Authenticator.basic(username, password)
        case .identityToken(let token):
            authorization = Authenticator.basic(Credential.tokenUser, token)
        case .accessToken, nil: break
        }
        var call = Call(.get, service.adding(items), action: action)
        call.limit = Self.limit
        return (call, authorization)
    }

    private var form: (call: Call, authorization: String?) {
        let scopes = items.filter { $0.name == "scope" }.map(\.value).joined(separator: " ")
        var form = items.filter { $0.name != "scope" }
        if !scopes.isEmpty { form.append(("scope", scopes)) }
        form.append(Self.client)
        switch credential {
        case .password(let username, let password):
            form += [("grant_type", "password"), ("username", username), ("password", password)]
            if wantsIdentityToken { form.append(("access_type", "offline")) }
        case .identityToken(let token):
            form += [("grant_type", "refresh_token"), ("refresh_token", token)]
        case .accessToken, nil: break
        }
        let text = form.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
        var call = Call(.post, service, action: action)
        call.limit = Self.limit
        call.headers[.contentType] = "application/x-www-form-urlencoded"
        call.body = HTTPBody(Array(text.utf8))
        return (call, nil)
    }
}

/// What a token service gave.
struct TokenReply {
    let token: String
    /// A token that is exchanged for others like this one.
    let identityToken: String?
    /// Seconds that it is used for.
    let life: Double

    init(_ answer: Answer, _ action: String) throws {
        guard let reply = (try? JSONValue(parsing: answer.body))?.object else {
            throw RegistryError.badAnswer(
                action,
                answer.isWebPage
                    ? "\"\(answer.location)\" answered with a web page; is there a token service?"
                    : "\"\(answer.location)\" gave no token: its answer is not JSON")
        }
        // Both names are in use, sometimes both in one answer, one of them empty.
        let token = ["token", "access_token"].lazy.compactMap { reply[$0]?.string }.first { !$0.isEmpty }
        guard let token, Self.isPrintable(token) else {
            throw RegistryError.badAnswer(action, "\"\(answer.location)\" gave no token")
        }
        self.token = token
        identityToken = reply["refresh_token"]?.string.flatMap { Self.isPrintable($0) ? $0 : nil }
        // The specification's default and least is 60 seconds; a tenth is left for the way.
        var seconds = 60.0
        if case .number(let number)? = reply["expires_in"] { seconds = Double(number.description) ?? 60 }
        if let text = reply["expires_in"]?.string { seconds = Double(text) ?? 60 }
        life = seconds.isFinite ? min(max(seconds, 60), 86400) * 0.9 : 54
    }

    private static func isPrintable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
}
