// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import OCI

/// `/admin/webhooks` and `/organisations/<name>/webhooks`: who is told what happens, and how that goes.
struct WebhookPage: Sendable {
    private static let attemptsShown = 20
    private static let patternsShown = 5
    /// Bytes of a pattern in a list, and of why an attempt failed.
    private static let longestText = 120

    let renderer: PageRenderer
    /// Nil for a hub that tells nobody.
    let rules: (any WebhookRules)?
    /// Whose they are; nil for the hub's own.
    let owner: AccountName?
    let path: String

    func respond(_ parts: [String], _ form: RequestTarget?, _ visit: Visit) async throws -> Response {
        // Before anything is said of what there is.
        let all = try await visit.directory.store.webhooks(of: owner)
        switch (parts.count, form) {
        case (0, _): return try await list(all, form, visit)
        case (1, nil), (1...2, _?):
            guard let webhook = all.first(where: { $0.name == parts[0] }) else {
                return renderer.missing(visit)
            }
            guard let form else { return try await page(webhook, visit) }
            do {
                return seeOther(try await act(Array(parts.dropFirst()), webhook, form, visit))
            } catch let error as HubError where error.isForWhoeverAsks && error.code != .noSuchPath {
                return try await page(webhook, visit, problem: error)
            }
        default: return renderer.missing(visit)
        }
    }

    /// Does what a form says, and tells where to go on.
    private func act(
        _ parts: [String], _ webhook: WebhookDescription, _ form: RequestTarget, _ visit: Visit
    ) async throws -> String {
        let store = visit.directory.store
        switch parts {
        case []:
            guard let rules else { throw HubError.sendsNoEvents }
            // An empty field of something that is not shown leaves it as it is.
            let typed = Fields(form)
            try await visit.directory.changeWebhook(
                webhook.name, of: owner,
                Directory.WebhookChangeRequest(
                    url: typed.url.isEmpty ? nil : typed.url,
                    secret: typed.secret.isEmpty ? nil : typed.secret, repositories: typed.repositories,
                    events: typed.events), by: rules)
        case ["ping"]: _ = try await store.pingWebhook(webhook.name, of: owner)
        case ["remove"]:
            try await store.removeWebhook(webhook.name, of: owner)
            return path
        default: throw HubError(.noSuchPath, "the hub has no such path")
        }
        return "\(path)/\(webhook.name)"
    }

    /// What somebody typed.
    private struct Fields {
        let name: String
        let url: String
        let secret: String
        let repositories: [String]
        let events: [String]

        init(_ form: RequestTarget) {
            func text(_ name: String) -> String { form.values(name).first ?? "" }
            name = text("name")
            url = text("url")
            secret = text("secret")
            repositories = text("repositories").split { " ,\r\n\t".contains($0) }.map(String.init)
            events = form.values("event")
        }
    }

    // MARK: - All of them

    private func list(
        _ all: [WebhookDescription], _ form: RequestTarget?, _ visit: Visit
    ) async throws -> Response {
        var all = all
        var made: [String: Any]?
        var problem: HubError?
        if let form {
            do {
                guard let rules else { throw HubError.sendsNoEvents }
                let typed = Fields(form)
                let secret = try await visit.directory.addWebhook(
                    Directory.WebhookRequest(
                        name: typed.name, url: typed.url, secret: typed.secret.isEmpty ? nil : typed.secret,
                        repositories: typed.repositories.isEmpty ? nil : typed.repositories,
                        events: typed.events), of: owner, by: rules)
                // Only what was drawn has to be shown, this once.
                guard let secret else { return seeOther("\(path)/\(typed.name)") }
                made = ["name": typed.name, "secret": secret]
                all = try await visit.directory.store.webhooks(of: owner)
            } catch let error as HubError where error.isForWhoeverAsks {
                problem = error
            }
        }
        let now = visit.registry.now()
        var values = frame()
        values["hasWebhooks"] = !all.isEmpty
        values["webhooks"] = all.map { webhook in
            var row: [String: Any] = [
                "webhook": webhook.name, "origin": webhook.webhook.origin, "isConfigured": !webhook.isManaged,
                "waiting": webhook.waiting, "dead": webhook.dead,
                "about": Self.shown(webhook.webhook.repositories),
            ]
            row["last"] = webhook.lastDeliveryAt.map { Moment($0, now).values }
            return row
        }
        values["isNew"] = true
        values["events"] = Self.events(Set(ChangeEvent.Kind.allCases))
        values["repositories"] = owner.map { "\($0)/*" } ?? "*"
        values["made"] = made
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "webhooks", title: "Webhooks", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }

    private static func shown(_ patterns: [String]) -> String {
        let shown = patterns.prefix(patternsShown).map { clipped($0, longestText) }.joined(separator: ", ")
        return patterns.count > patternsShown ? "\(shown) and \(patterns.count - patternsShown) more" : shown
    }

    private static func events(_ chosen: Set<ChangeEvent.Kind>) -> [[String: Any]] {
        ChangeEvent.Kind.allCases.map { kind in
            ["event": kind.rawValue, "words": kind.words, "isChosen": chosen.contains(kind)]
        }
    }

    /// What both pages show around what they are about.
    private func frame() -> [String: Any] {
        var values: [String: Any] = ["path": path, "inWebhooks": true, "isHubs": owner == nil]
        values["owner"] = owner?.description
        return values
    }

    // MARK: - One of them

    private func page(
        _ webhook: WebhookDescription, _ visit: Visit, problem: HubError? = nil
    ) async throws -> Response {
        let now = visit.registry.now()
        let attempts = try await visit.directory.store.attempts(
            of: webhook.name, of: owner, limit: Self.attemptsShown)
        var values = frame()
        values["name"] = webhook.name
        values["origin"] = webhook.webhook.origin
        values["waiting"] = webhook.waiting
        values["dead"] = webhook.dead
        values["isManaged"] = webhook.isManaged
        values["created"] = webhook.createdAt.map { Moment($0, now).values }
        values["by"] = webhook.createdBy
        values["last"] = webhook.lastDeliveryAt.map { Moment($0, now).values }
        values["events"] = Self.events(webhook.webhook.kinds)
        values["repositories"] = webhook.webhook.repositories.joined(separator: " ")
        values["about"] = Self.shown(webhook.webhook.repositories)
        values["kinds"] = webhook.webhook.kinds.map(\.rawValue).sorted().joined(separator: ", ")
        values["hasAttempts"] = !attempts.isEmpty
        values["attempts"] = attempts.map { attempt in
            var row: [String: Any] = [
                "when": Moment(attempt.time, now).values, "kind": attempt.kind, "number": attempt.attempt,
                "isDelivered": attempt.problem == nil,
            ]
            row["repository"] =
                attempt.repository.isEmpty ? nil : clipped(attempt.repository, Self.longestText)
            row["problem"] = attempt.problem.map { clipped($0, Self.longestText) }
            return row
        }
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "webhook", title: "Webhook \(webhook.name)", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}

extension ChangeEvent.Kind {
    /// What people call it.
    fileprivate var words: String {
        switch self {
        case .manifestPush: "pushes"
        case .tagDelete: "tags that go"
        case .manifestDelete: "manifests that go"
        }
    }
}
