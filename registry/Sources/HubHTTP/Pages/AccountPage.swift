// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird

/// `/account`: somebody's own password, tokens and sessions.
struct AccountPage: Sendable {
    private static let sessionsShown = 20

    let renderer: PageRenderer
    let gatekeeper: Gatekeeper

    func respond(
        _ request: Request, _ path: ArraySlice<String>, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        try visit.requireAccount()
        guard visit.isSignedIn else { return renderer.missing(visit) }
        let name = try AccountName(visit.principal.name)
        let parts = Array(path)
        guard let form else {
            return parts.isEmpty ? try await page(name, visit) : renderer.missing(visit)
        }
        do {
            switch (parts.first, parts.count) {
            case ("password", 1): return try await changePassword(request, form, visit)
            case ("tokens", _):
                let made = try await TokenForms.act(Array(parts.dropFirst()), form, for: name, visit)
                guard let made else { return seeOther("/account") }
                return try await page(name, visit, made: made.secret)
            case ("sessions", 3) where parts[2] == "end":
                guard let id = TokenID(parts[1]) else { return renderer.missing(visit) }
                try await visit.directory.store.endSession(id, of: name)
                return seeOther("/account")
            default: return renderer.missing(visit)
            }
        } catch let error as HubError where error.isForWhoeverAsks {
            return try await page(name, visit, problem: error)
        }
    }

    /// All sessions end with the old password; this browser gets a new one.
    private func changePassword(
        _ request: Request, _ form: RequestTarget, _ visit: Visit
    ) async throws -> Response {
        let new = form.values("new").first ?? ""
        guard form.values("again") == [new] else {
            throw HubError(.passwordInvalid, "the new password was not typed the same way twice")
        }
        try await gatekeeper.changePassword(
            of: visit.principal, from: form.values("old").first ?? "", to: new)
        var response = seeOther("/account?done=password")
        if visit.session != nil {
            let secret = try await gatekeeper.beginSession(
                for: visit.principal, agent: request.headers[.userAgent] ?? "")
            response.headers.append(
                HTTPField(name: .setCookie, value: visit.cookies.setting(.session, to: secret.text)))
        }
        return response
    }

    private func page(
        _ name: AccountName, _ visit: Visit, made: String? = nil, problem: HubError? = nil
    ) async throws -> Response {
        let now = visit.registry.now()
        let sessions = try await visit.directory.store.sessions(of: name, at: now)
        var values = try await TokenForms.values(of: name, path: "/account", visit)
        values["name"] = name.description
        values["made"] = made
        values["problem"] = problem.map { sentence($0.text) }
        values["isChanged"] = visit.address.hasSuffix("?done=password")
        values["shortestPassword"] = Directory.shortestPassword
        let slice = try RowSlice(sessions, "sessions", on: "/account", visit, length: Self.sessionsShown)
        values["moreSessions"] = slice.next
        values["sessions"] = slice.rows.map { session in
            [
                "id": session.id.description,
                "agent": session.agent.isEmpty ? "unknown" : clipped(browserName(session.agent), 100),
                "agentText": clipped(session.agent, 200),
                "from": session.address ?? "unknown", "begun": Moment(session.createdAt, now).values,
                "used": Moment(session.lastUsedAt, now).values, "isCurrent": session.id == visit.session?.id,
            ] as [String: Any]
        }
        return renderer.page(
            "account", title: "Account", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}

extension HubError {
    /// Whether whoever filled in a form can mend it, so that it is shown again.
    var isForWhoeverAsks: Bool {
        [400, 403, 404, 409, 429].contains(code.status.code) && code != .unauthorized
    }

    /// The message, and what to do.
    var text: String { [message, hint].compactMap(\.self).joined(separator: "; ") }
}
