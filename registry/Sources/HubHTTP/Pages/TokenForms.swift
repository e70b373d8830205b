// SPDX-License-Identifier: Apache-2.0

import Hub

/// The tokens of an account on a page: its own, or those of a robot.
enum TokenForms {
    /// Days until a token expires, as offered; the first is chosen.
    private static let lifetimes = ["90", "7", "30", "365", ""]

    private static let tokensShown = 25
    private static let scopesShown = 10

    /// Creates a token (`[]`) or revokes one (`[ID, "revoke"]`).
    /// - Returns: the token that was made; nil if none was.
    static func act(
        _ path: [String], _ form: RequestTarget, for name: AccountName, _ visit: Visit
    ) async throws -> Directory.NewToken? {
        if path.count == 2, path[1] == "revoke" {
            guard let id = TokenID(path[0]) else {
                throw HubError(.tokenUnknown, "no token has that id")
            }
            try await visit.directory.store.revokeToken(id, of: name)
            return nil
        }
        guard path.isEmpty else { throw HubError(.noSuchPath, "the hub has no such path") }
        let repositories = (form.values("repositories").first ?? "").split { " ,\r\n\t".contains($0) }
        let actions = form.values("action").joined(separator: ",")
        guard repositories.isEmpty || !actions.isEmpty else {
            throw HubError(.tokenInvalid, "choose what the token may do in these repositories")
        }
        let days = form.values("days").first ?? ""
        guard let lifetime = days.isEmpty ? 0 : Int64(days), (0...36500).contains(lifetime) else {
            throw HubError(.tokenInvalid, "the days are a number from 1 to 36500, or left out")
        }
        return try await visit.directory.createToken(
            for: name, label: form.values("name").first ?? "",
            scopes: repositories.isEmpty
                ? nil : try repositories.map { try Scope(parsing: "\($0):\(actions)") },
            lifetime: lifetime == 0 ? nil : lifetime * 86400)
    }

    private static func shown(_ scopes: [Scope]) -> [String] {
        scopes.prefix(scopesShown).map { clipped($0.text, 300) }
            + (scopes.count > scopesShown ? ["and \(scopes.count - scopesShown) more"] : [])
    }

    /// What the template `tokens` shows; `path` is the page that it is on.
    static func values(of name: AccountName, path: String, _ visit: Visit) async throws -> [String: Any] {
        let now = visit.registry.now()
        let tokens = try await visit.directory.store.tokens(of: name)
        let slice = try RowSlice(
            tokens.filter { $0.isValid(at: now) }, "tokens", on: path, visit, length: tokensShown)
        let rows = slice.rows.map { token in
            var row: [String: Any] = [
                "id": token.id.description, "label": token.name, "isLogIn": token.kind == .refresh,
                "scopes": Self.shown(token.scopes ?? []), "isWide": token.scopes == nil,
                "born": Moment(token.createdAt, now).values,
            ]
            row["used"] = token.lastUsedAt.map { Moment($0, now).values }
            row["expires"] = token.expiresAt.map { Moment($0, now).day }
            return row
        }
        return [
            "tokens": rows, "moreTokens": slice.next, "hasTokens": !rows.isEmpty, "tokensPath": path,
            "lifetimes": lifetimes.map { days in
                ["days": days, "text": days.isEmpty ? "never" : "in \(days) days"]
            },
        ]
    }
}

/// A time as pages show it.
struct Moment {
    private let time: Int64
    private let now: Int64

    /// Both in seconds since 1970.
    init(_ time: Int64, _ now: Int64) {
        self.time = time
        self.now = now
    }

    private var text: String { timestamp(time) }
    var day: String { String(text.prefix(10)) }
    /// `time` for machines, `age` for people.
    var values: [String: Any] { ["time": text, "age": age(seconds: now - time)] }
}
