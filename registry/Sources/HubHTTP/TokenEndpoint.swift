// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
import OCI

/// `/token`: session tokens for clients of the registry (distribution's token specification, and its OAuth2 form).
struct TokenEndpoint: Sendable {
    let gatekeeper: Gatekeeper

    private static let formLimit = 16 << 10

    private struct Answer: Encodable {
        let token: String
        let access_token: String
        let expires_in: Int64
        let issued_at: String
        let scope: String
        let refresh_token: String?
    }

    func respond(to request: Request, _ target: RequestTarget, from address: String?) async throws -> Response
    {
        switch request.method {
        case .get:
            let principal = try await gatekeeper.identify(try Credential(request), from: address)
            let wantsRefresh = target.values("offline_token").first.map { $0 == "true" || $0 == "1" } ?? false
            return try await answer(
                principal, target.values("scope"),
                refreshFor: wantsRefresh ? target.values("client_id").first ?? "client" : nil)
        case .post: return try await post(request, from: address)
        default: throw HubError(.unsupported, "\(request.method) is not supported here")
        }
    }

    private func post(_ request: Request, from address: String?) async throws -> Response {
        let bytes = try await RequestBytes(request).collect(upTo: Self.formLimit)
        let text = String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "+", with: "%20")
        let form = try RequestTarget("/?" + text)
        func field(_ name: String) throws -> String? { try form.value(name, orThrow: .unsupportedRequest) }
        let scopes = form.values("scope")
        switch try field("grant_type") {
        case "password":
            guard let name = try field("username"), let password = try field("password") else {
                throw HubError(.unsupportedRequest, "username or password is missing")
            }
            let principal = try await gatekeeper.identify(.basic(name, password), from: address)
            let wantsRefresh = try field("access_type") == "offline"
            return try await answer(
                principal, scopes, refreshFor: wantsRefresh ? try field("client_id") ?? "client" : nil)
        case "refresh_token":
            guard let token = try field("refresh_token") else {
                throw HubError(.unsupportedRequest, "refresh_token is missing")
            }
            let principal = try await gatekeeper.redeem(refreshToken: token, from: address)
            return try await answer(principal, scopes, refreshFor: nil, keeping: token)
        default:
            throw HubError(.unsupportedRequest, "grant_type is neither password nor refresh_token")
        }
    }

    private func answer(
        _ principal: Principal, _ scopes: [String], refreshFor client: String?, keeping token: String? = nil
    ) async throws -> Response {
        let session = try await gatekeeper.openSession(for: principal, scopes: scopes, refreshFor: client)
        let issued = Date(timeIntervalSince1970: TimeInterval(session.issuedAt))
        var response = try jsonResponse(
            Answer(
                token: session.token, access_token: session.token, expires_in: session.expiresIn,
                issued_at: issued.formatted(.iso8601), scope: session.scope,
                refresh_token: session.refreshToken ?? token))
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
