// SPDX-License-Identifier: Apache-2.0

/// A webhook that was set up by the API: it has its address and its secret with it.
package struct ManagedWebhook: Hashable, Sendable {
    package let webhook: Webhook
    /// Whose repositories it is about; nil for the hub's own.
    package let owner: AccountName?
    /// Where events are sent; may be a secret.
    package let url: String
    /// What they are signed with.
    package let secret: String
    /// After how many attempts a delivery is given up.
    package let attempts: Int

    package init(webhook: Webhook, owner: AccountName?, url: String, secret: String, attempts: Int) {
        self.webhook = webhook
        self.owner = owner
        self.url = url
        self.secret = secret
        self.attempts = attempts
    }
}

/// What is to be different about a webhook; what is nil stays as it is.
package struct WebhookChange: Hashable, Sendable {
    /// Where events are sent from now on, those that wait too.
    package var url: String?
    /// What may be shown of that.
    package var origin: String?
    package var secret: String?
    /// They and `kinds` are about what happens from now on.
    package var repositories: [String]?
    package var kinds: Set<ChangeEvent.Kind>?
    package var attempts: Int?

    package init() {}

    /// What the audit log says of it: never a secret.
    package var description: String {
        let parts = [
            origin.map { "url at \($0)" }, secret.map { _ in "secret" },
            repositories.map { _ in "repositories" },
            kinds.map { _ in "events" }, attempts.map { "attempts \($0)" },
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
}

/// A webhook as those see it who may change it: without its secret, and of its address no more than where it is.
package struct WebhookDescription: Hashable, Sendable {
    /// What it is called among those of its owner.
    package let name: String
    package let owner: AccountName?
    package let webhook: Webhook
    /// False for one of the configuration.
    package let isManaged: Bool
    package let attempts: Int
    /// Deliveries that wait, and those that were given up.
    package let waiting: Int
    package let dead: Int
    /// Seconds since 1970.
    package let lastDeliveryAt: Int64?
    package let createdAt: Int64?
    package let createdBy: String?

    package init(
        name: String, owner: AccountName?, webhook: Webhook, isManaged: Bool, attempts: Int, waiting: Int,
        dead: Int, lastDeliveryAt: Int64?, createdAt: Int64?, createdBy: String?
    ) {
        self.name = name
        self.owner = owner
        self.webhook = webhook
        self.isManaged = isManaged
        self.attempts = attempts
        self.waiting = waiting
        self.dead = dead
        self.lastDeliveryAt = lastDeliveryAt
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

/// One attempt to tell a webhook of an event.
package struct WebhookAttempt: Hashable, Sendable {
    /// Where the event stands among all of the hub.
    package let sequence: Int64
    /// What tells the event from any other.
    package let eventID: String
    package let kind: String
    /// Which repository it is about; empty for a ping.
    package let repository: String
    /// Seconds since 1970.
    package let time: Int64
    /// The first is 1.
    package let attempt: Int
    /// What the receiver answered; nil if it did not.
    package let status: Int?
    /// Why it does not count as delivered.
    package let problem: String?

    package init(
        sequence: Int64, eventID: String, kind: String, repository: String, time: Int64, attempt: Int,
        status: Int?, problem: String?
    ) {
        self.sequence = sequence
        self.eventID = eventID
        self.kind = kind
        self.repository = repository
        self.time = time
        self.attempt = attempt
        self.status = status
        self.problem = problem
    }
}

/// What an address and a secret of a webhook must be like.
package protocol WebhookRules: Sendable {
    /// What may be shown of an address: scheme, host and port.
    ///
    /// - Throws: `HubError` if the hub sends nothing there, for this owner or at all.
    func origin(of url: String, for owner: AccountName?) throws -> String
    /// - Throws: `HubError` for a secret that cannot sign.
    func check(secret: String) throws
    /// Draws a secret.
    func newSecret() -> String
}

/// Webhooks as the API manages them: the hub's own (no owner), and those of an organisation.
package protocol ManagedWebhookStore: Sendable {
    func webhooks(of owner: AccountName?) async throws -> [WebhookDescription]
    /// Keeps events for a webhook from now on; its name is that among all of the hub.
    func addWebhook(_ webhook: ManagedWebhook) async throws
    func changeWebhook(_ name: String, of owner: AccountName?, _ change: WebhookChange) async throws
    /// Forgets a webhook and all that waits for it.
    func removeWebhook(_ name: String, of owner: AccountName?) async throws
    /// The last attempts, newest first.
    func attempts(of webhook: String, of owner: AccountName?, limit: Int) async throws -> [WebhookAttempt]
    /// Tells a webhook, and nobody else, that somebody tries it.
    /// - Returns: the id of the event.
    func pingWebhook(_ name: String, of owner: AccountName?) async throws -> String
}

extension Webhook {
    /// What a webhook is called among all of the hub: names in a configuration hold no slash.
    package static func fullName(_ name: String, of owner: AccountName?) -> String {
        owner.map { "\($0)/\(name)" } ?? name
    }
}

extension HubError.Code {
    /// Something about a webhook is not as it must be.
    package static let webhookInvalid = Self("UNSUPPORTED", kind: "webhook invalid")
    /// There is a webhook of that name.
    package static let webhookExists = Self("DENIED", kind: "webhook exists")
}
