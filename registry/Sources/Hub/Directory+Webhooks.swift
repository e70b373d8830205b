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
        func invalid(_ problem: String) -> HubError { HubError(.webhookInvalid, problem, category: .usage) }
        guard request.name.utf8.count <= 64, (try? Tag(request.name)) != nil else {
            throw invalid("the name of a webhook has 1 to 64 letters, digits, and . _ -")
        }
        let kinds = try Set(
            (request.events ?? ChangeEvent.Kind.allCases.map(\.rawValue)).map { word in
                guard let kind = ChangeEvent.Kind(rawValue: word) else {
                    throw invalid("\"\(word.prefix(40))\" is no event")
                }
                return kind
            })
        let repositories = request.repositories ?? [owner.map { "\($0)/*" } ?? "*"]
        guard !kinds.isEmpty, !repositories.isEmpty, repositories.count <= Self.mostPatterns else {
            throw invalid("a webhook has 1 to \(Self.mostPatterns) repositories, and at least one event")
        }
        for pattern in repositories {
            guard try owner == nil || PolicyScope(pattern).owner == owner else {
                throw invalid("\"\(pattern)\" is not a repository of \"\(owner?.description ?? "")\"")
            }
            _ = try PolicyScope(pattern)
        }
        let attempts = request.attempts ?? 20
        guard (1...100).contains(attempts) else { throw invalid("attempts is from 1 to 100") }
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
}
