// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird

/// `/signin` and `/signout`.
struct SignInPage: Sendable {
    let renderer: PageRenderer
    let gatekeeper: Gatekeeper

    /// The form, and what it does: a session that is always a new one, whatever cookie came along.
    func signIn(
        _ request: Request, _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws
        -> Response
    {
        guard visit.canSignIn else { return renderer.missing(visit) }
        let next = LocalPath((form ?? target).values("next").first ?? "")?.text ?? "/"
        guard let form else {
            return visit.session == nil ? page(visit, next: next) : seeOther(next)
        }
        let name = form.values("name").first ?? ""
        let secret: TokenSecret
        do {
            secret = try await gatekeeper.signIn(
                name, form.values("password").first ?? "", agent: request.headers[.userAgent] ?? "",
                from: visit.principal.address)
        } catch let error as HubError where error.code == .badCredentials {
            return page(
                visit, next: next, name: name, problem: "The name or the password is wrong.",
                status: .forbidden)
        } catch let error as HubError where error.code == .tooManyRequests {
            var response = page(
                visit, next: next, name: name, problem: sentence(error.message), status: .tooManyRequests)
            response.headers[.retryAfter] = error.detail
            return response
        }
        if let old = visit.session {
            try? await visit.directory.store.endSession(old.id, of: old.account.name)
        }
        var response = seeOther(next)
        response.headers.append(
            HTTPField(name: .setCookie, value: visit.cookies.setting(.session, to: secret.text)))
        return response
    }

    /// Ends the session; whoever has none is sent to the first page all the same.
    func signOut(_ visit: Visit) async throws -> Response {
        if let session = visit.session {
            try await visit.directory.store.endSession(session.id, of: session.account.name)
        }
        var response = seeOther("/")
        for kind in [PageCookies.Kind.session, .form] {
            response.headers.append(
                HTTPField(name: .setCookie, value: visit.cookies.setting(kind, to: nil)))
        }
        return response
    }

    private func page(
        _ visit: Visit, next: String, name: String = "", problem: String? = nil,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var values: [String: Any] = ["next": next, "name": name]
        values["problem"] = problem
        return renderer.page("signin", title: "Sign in", values, visit, hasForm: true, status: status)
    }
}
