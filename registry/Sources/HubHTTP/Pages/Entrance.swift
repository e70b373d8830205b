// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird

/// How a request came in, and whom it speaks for.
struct Arrival: Sendable {
    let principal: Principal
    let cookies: PageCookies
    /// The session of a browser, if that is what the request rests on, and the secret in its cookie.
    var session: BrowserSession?
    var secret: String?
}

/// Lets requests in: by what their `Authorization` says, or by the cookie of somebody who signed in.
///
/// A cookie is sent by a browser whoever made it send the request. It counts for pages, whose forms carry a token, and
/// below `/api/v1` for scripts of the hub's own pages, which send the same token; the registry never looks at it.
struct Entrance: Sendable {
    let gatekeeper: Gatekeeper
    let forms: FormGuard

    func admit(
        _ request: Request, _ target: RequestTarget, from address: String?, isSecure: Bool
    ) async throws -> Arrival {
        let cookies = PageCookies(isSecure: isSecure)
        if request.headers[.authorization] == nil, let secret = cookies.value(.session, request),
            try takesCookies(request, target, secret),
            let found = try await gatekeeper.session(secret, from: address)
        {
            return Arrival(
                principal: found.principal, cookies: cookies, session: found.session, secret: secret)
        }
        let principal = try await gatekeeper.identify(
            try Credential(request), from: address, header: request.headers[values: .authorization].first)
        return Arrival(principal: principal, cookies: cookies)
    }

    private func takesCookies(
        _ request: Request, _ target: RequestTarget, _ secret: String
    ) throws -> Bool {
        if gatekeeper.policy.isOpen || target.segments.first == "assets" { return false }
        if Pages.answer(request) { return true }
        guard target.segments.starts(with: ["api", "v1"]), let token = request.headers[.formToken] else {
            return false
        }
        try forms.check(request, token, FormKey(secret))
        return true
    }
}
