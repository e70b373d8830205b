// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI

extension Directory {
    /// A webhook as somebody asks for it; what is nil is up to the hub.
    package struct WebhookRequest: Sendable {
        package var name: String
        package var url: String
        package var secret: String?
        /// A name, `acme/*` or `*`.
        package var repositories: [String]?
        package var events: [String]?
        package var attempts: Int?

        package init(
            name: String, url: String, secret: String? = nil, repositories: [String]? = nil,
            events: [String]? = nil, attempts: Int? = nil
        ) {
            self.name = name
            self.url = url
            self.secret = secret
            self.repositories = repositories
            self.events = events
            self.attempts = attempts
        }
    }

    private static let mostPatterns = 100
    /// Deliveries that wait for a webhook of the API at most, as for one of the configuration that does not say.
    private static let queueLimit = 10_000

    /// Sets up a webhook of the hub, or of an organisation, whose repositories alone it hears of.
    ///
    /// - Returns: the secret if it was drawn here; it is not to be had again.
    package func addWebhook(
        _ request: WebhookRequest, of owner: AccountName?, by rules: some WebhookRules
    ) async throws -> String? {
        guard request.name.utf8.count <= 64, (try? Tag(request.name)) != nil else {
            throw HubError.webhook("the name of a webhook has 1 to 64 letters, digits, and . _ -")
        }
        let kinds = try Self.kinds(request.events ?? ChangeEvent.Kind.allCases.map(\.rawValue))
        let repositories = try Self.patterns(
            request.repositories ?? [owner.map { "\($0)/*" } ?? "*"], of: owner)
        let attempts = try Self.attempts(request.attempts ?? 20)
        let origin = try rules.origin(of: request.url, for: owner)
        if let secret = request.secret { try rules.check(secret: secret) }
        let drawn = request.secret == nil ? rules.newSecret() : nil
        try await store.addWebhook(
            ManagedWebhook(
                webhook: Webhook(
                    name: Webhook.fullName(request.name, of: owner), origin: origin,
                    repositories: repositories, kinds: kinds, queueLimit: Self.queueLimit),
                owner: owner, url: request.url, secret: request.secret ?? drawn ?? "", attempts: attempts))
        return drawn
    }

    /// A change of a webhook as somebody asks for it; what is nil stays as it is.
    package struct WebhookChangeRequest: Sendable {
        package var url: String?
        package var secret: String?
        package var repositories: [String]?
        package var events: [String]?
        package var attempts: Int?

        package init(
            url: String? = nil, secret: String? = nil, repositories: [String]? = nil, events: [String]? = nil,
            attempts: Int? = nil
        ) {
            self.url = url
            self.secret = secret
            self.repositories = repositories
            self.events = events
            self.attempts = attempts
        }
    }

    /// Changes a webhook that was set up by the API; what waits for it goes where it leads then.
    package func changeWebhook(
        _ name: String, of owner: AccountName?, _ request: WebhookChangeRequest, by rules: some WebhookRules
    ) async throws {
        var change = WebhookChange()
        change.kinds = try request.events.map(Self.kinds)
        change.repositories = try request.repositories.map { try Self.patterns($0, of: owner) }
        change.attempts = try request.attempts.map(Self.attempts)
        change.url = request.url
        change.origin = try request.url.map { try rules.origin(of: $0, for: owner) }
        change.secret = request.secret
        if let secret = request.secret { try rules.check(secret: secret) }
        guard change != WebhookChange() else { throw HubError.webhook("nothing is to be changed") }
        try await store.changeWebhook(name, of: owner, change)
    }

    // MARK: - What a webhook may be like

    private static func kinds(_ words: [String]) throws(HubError) -> Set<ChangeEvent.Kind> {
        var kinds: Set<ChangeEvent.Kind> = []
        for word in words {
            guard let kind = ChangeEvent.Kind(rawValue: word) else {
                throw HubError.webhook("\"\(word.prefix(40))\" is no event")
            }
            kinds.insert(kind)
        }
        guard !kinds.isEmpty else { throw HubError.webhook("a webhook has at least one event") }
        return kinds
    }

    private static func patterns(_ patterns: [String], of owner: AccountName?) throws -> [String] {
        guard !patterns.isEmpty, patterns.count <= mostPatterns else {
            throw HubError.webhook("a webhook has 1 to \(mostPatterns) repositories")
        }
        for pattern in patterns {
            let scope = try PolicyScope(pattern)
            guard owner == nil || scope.owner == owner else {
                throw HubError.webhook(
                    "\"\(pattern)\" is not a repository of \"\(owner?.description ?? "")\"")
            }
        }
        return patterns
    }

    private static func attempts(_ number: Int) throws(HubError) -> Int {
        guard (1...100).contains(number) else { throw HubError.webhook("attempts is from 1 to 100") }
        return number
    }
}

extension HubError {
    fileprivate static func webhook(_ problem: String) -> HubError {
        HubError(.webhookInvalid, problem, category: .usage)
    }
}
