// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird

/// `/admin`: storage and its collection, users, what everybody did, and the settings in effect.
struct AdminPage: Sendable {
    /// Owners in the chart of storage and below it, entries on a page of the audit log, and bytes of a text there.
    private static let ownersDrawn = 12
    private static let ownersShown = 50
    private static let entriesShown = 60
    private static let longestText = 200

    let renderer: PageRenderer
    let settings: [SettingInEffect]
    /// Nil for a hub that tells nobody.
    let webhookRules: (any WebhookRules)?

    func respond(
        _ path: ArraySlice<String>, _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        try await visit.directory.store.authorizeHub()
        let parts = Array(path)
        switch (parts.first, parts.count, form) {
        case (nil, 0, nil): return try await storage(visit)
        case ("collection", 1, _?):
            try await visit.directory.store.noteCollection()
            visit.registry.collections.request()
            return seeOther("/admin#collection")
        case ("users", 3, _) where parts[2] == "remove":
            let name = try AccountName(parts[1])
            guard try await visit.directory.store.account(name)?.kind == .user else {
                return renderer.missing(visit)
            }
            return try await RemovalPage(
                renderer: renderer, name: name,
                consequence: "The user's roles, tokens and sessions go too; repositories stay.",
                path: "/admin/users/\(name)/remove", back: "/admin/users"
            ).respond(form, visit)
        case ("users", 1...2, _):
            return try await UserPage(renderer: renderer).respond(
                parts.dropFirst().first, target, form, visit)
        case ("webhooks", _, _):
            return try await WebhookPage(
                renderer: renderer, rules: webhookRules, owner: nil, path: "/admin/webhooks"
            ).respond(Array(parts.dropFirst()), form, visit)
        case ("audit", 1, nil): return try await audit(target, visit)
        case ("settings", 1, nil):
            let rows = settings.map { setting in
                var row: [String: Any] = ["key": setting.key, "isSet": setting.isSet]
                row["value"] = setting.value
                return row
            }
            return renderer.page(
                "admin-settings", title: "Settings in effect", ["settings": rows, "inSettings": true], visit,
                using: ["people.css"])
        default: return renderer.missing(visit)
        }
    }

    private func storage(_ visit: Visit) async throws -> Response {
        let figures = try await visit.registry.figures()
        let holdings = try await visit.directory.store.holdings(limit: Self.ownersShown)
        let chart = Chart(
            id: "storage", title: "Storage by organisation", shape: .bars,
            points: holdings.prefix(Self.ownersDrawn).map { Chart.Point($0.owner, $0.bytes) },
            columns: ("Organisation", "Bytes"), text: { byteCount($0) })
        var values: [String: Any] = [
            "repositories": figures.repositories, "manifests": figures.manifests, "tags": figures.tags,
            "blobs": figures.blobs, "size": byteCount(figures.blobBytes),
            "free": byteCount(figures.freeBytes), "uploads": figures.openUploads, "chart": chart.html(),
            "hasOwners": !holdings.isEmpty, "inStorage": true,
            "owners": holdings.map { holding in
                var row: [String: Any] = [
                    "owner": holding.owner, "count": holding.repositories, "size": byteCount(holding.bytes),
                ]
                row["quota"] = holding.quota.map { QuotaBar(used: holding.bytes, quota: $0).values }
                return row
            },
        ]
        values.merge(collection(visit)) { $1 }
        return renderer.page(
            "admin", title: "Administration", values, visit, using: ["people.css", "people.js"], hasForm: true
        )
    }

    /// How far the collection of what nobody needs is.
    private func collection(_ visit: Visit) -> [String: Any] {
        let state = visit.registry.collections.state
        let now = visit.registry.now()
        var values: [String: Any] = [
            "step": CollectionBody(state).state, "isRunning": state.step != nil || state.isRequested,
            "hasFailed": state.hasFailed, "wasUploads": state.collected.uploads,
            "wasTags": state.collected.tags, "wasManifests": state.collected.manifests,
            "wasBlobs": state.collected.blobs, "wasBytes": byteCount(state.collected.bytes),
            "wasStrays": state.collected.strays,
        ]
        values["started"] = state.startedAt.map { Moment($0, now).values }
        values["ended"] = state.endedAt.map { Moment($0, now).values }
        return values
    }

    private func audit(_ target: RequestTarget, _ visit: Visit) async throws -> Response {
        let before = try target.value("before", orThrow: .pageInvalid).flatMap { decimal($0) }
        let entries = try await visit.directory.store.auditEntries(
            before: before, limit: Self.entriesShown + 1)
        let now = visit.registry.now()
        var values: [String: Any] = [
            "inAudit": true,
            "entries": entries.prefix(Self.entriesShown).map { entry in
                var row: [String: Any] = [
                    "when": Moment(entry.time, now).values, "actor": entry.actor, "action": entry.action,
                    "subject": clipped(entry.subject, Self.longestText),
                ]
                row["from"] = entry.address
                row["detail"] = entry.detail.map { clipped($0, Self.longestText) }
                return row
            },
        ]
        values["next"] = entries.count > Self.entriesShown ? entries[Self.entriesShown - 1].id : nil
        return renderer.page("admin-audit", title: "Audit log", values, visit, using: ["people.css"])
    }
}

/// `/admin/users`: who there is.
struct UserPage: Sendable {
    private static let usersShown = 30

    let renderer: PageRenderer

    func respond(
        _ name: String?, _ target: RequestTarget, _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        guard let form else {
            return name == nil ? try await page(target, visit) : renderer.missing(visit)
        }
        do {
            if let name {
                try await change(try AccountName(name), form, visit)
            } else {
                try await visit.directory.addUser(
                    try AccountName(form.values("name").first ?? ""),
                    password: form.values("password").first ?? "",
                    isAdmin: form.values("isAdmin") == ["true"])
            }
            return seeOther("/admin/users")
        } catch let error as HubError where error.isForWhoeverAsks {
            return try await page(target, visit, problem: error)
        }
    }

    private func change(_ name: AccountName, _ form: RequestTarget, _ visit: Visit) async throws {
        let store = visit.directory.store
        switch form.values("change").first {
        case "disable": try await store.changeAccount(name, .isDisabled(true))
        case "enable": try await store.changeAccount(name, .isDisabled(false))
        case "admin": try await store.changeAccount(name, .isAdmin(true))
        case "no-admin": try await store.changeAccount(name, .isAdmin(false))
        default: throw HubError(.unsupportedRequest, "the form does not say what is to change")
        }
    }

    private func page(
        _ target: RequestTarget, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let after = try target.value("last", orThrow: .pageInvalid) ?? ""
        let users = try await visit.directory.store.accounts(
            .user, after: after, limit: Self.usersShown + 1)
        let now = visit.registry.now()
        var values: [String: Any] = [
            "users": users.prefix(Self.usersShown).map { user in
                [
                    "user": user.name.description, "isKeeper": user.isAdmin, "isDisabled": user.isDisabled,
                    "since": Moment(user.createdAt, now).values,
                ] as [String: Any]
            }, "shortestPassword": Directory.shortestPassword, "inUsers": true,
        ]
        values["next"] = users.count > Self.usersShown ? users[Self.usersShown - 1].name.description : nil
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "admin-users", title: "Users", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}
