// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Something that happened to a repository, as those are told who want to know.
///
/// The members are those of an event in distribution's notifications, so that who reads those finds them here.
package struct ChangeEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A manifest was stored, or tags were moved to it.
        case manifestPush = "manifest.push"
        /// A tag was removed.
        case tagDelete = "tag.delete"
        /// A manifest was removed, and its tags with it.
        case manifestDelete = "manifest.delete"
    }

    /// What it happened to.
    package struct Target: Hashable, Sendable, Codable {
        package var mediaType: String?
        package var digest: Digest?
        /// Bytes of the manifest.
        package var size: Int64?
        package var repository: String
        /// The first of `tags`.
        package var tag: String?
        /// The tags that were moved or removed.
        package var tags: [String]
    }

    package struct Actor: Hashable, Sendable, Codable {
        package var name: String
    }

    /// `push` or `delete`.
    package var action: String
    package var target: Target
    package var actor: Actor

    package init(
        _ kind: Kind, in repository: Repository, digest: Digest?, mediaType: MediaType? = nil,
        size: Int64? = nil, tags: [String], by principal: Principal
    ) {
        action = kind == .manifestPush ? "push" : "delete"
        target = Target(
            mediaType: mediaType?.rawValue, digest: digest, size: size, repository: repository.path,
            tag: tags.first, tags: tags)
        actor = Actor(name: principal.name)
    }

    /// The kind of an event that nothing happened for: somebody tries a webhook.
    package static let ping = "ping"

    package init(pingBy principal: Principal) {
        action = Self.ping
        target = Target(repository: "", tags: [])
        actor = Actor(name: principal.name)
    }
}

/// Somebody who wants to know what happens, without the address and the secret, which are shown to nobody.
package struct Webhook: Hashable, Sendable {
    /// What the configuration calls it, or `OWNER/NAME` for one of an organisation.
    package let name: String
    /// Scheme, host and port of its address; the rest may be a secret.
    package let origin: String
    /// Which repositories, as in `acme/*`.
    package let repositories: [String]
    package let kinds: Set<ChangeEvent.Kind>
    /// The most deliveries that wait at once; more are dead letters from the beginning.
    package let queueLimit: Int

    package init(
        name: String, origin: String, repositories: [String], kinds: Set<ChangeEvent.Kind>, queueLimit: Int
    ) {
        self.name = name
        self.origin = origin
        self.repositories = repositories
        self.kinds = kinds
        self.queueLimit = queueLimit
    }

    /// Whether it wants to know of something.
    package func wants(_ kind: ChangeEvent.Kind, in repository: Repository) -> Bool {
        kinds.contains(kind)
            && repositories.contains { Scope(repositories: $0, actions: []).covers(repository) }
    }
}

/// How a webhook fares.
package struct WebhookState: Hashable, Sendable, Encodable {
    package let name: String
    package let origin: String
    /// False for one that the configuration of the last start did not have.
    package let isConfigured: Bool
    /// Whether it was set up by the API.
    package let isManaged: Bool
    package let waiting: Int
    /// Deliveries that were given up.
    package let dead: Int
    /// Seconds since 1970 of the last delivery that was taken.
    package let lastDeliveryAt: Int64?

    package init(
        name: String, origin: String, isConfigured: Bool, isManaged: Bool, waiting: Int, dead: Int,
        lastDeliveryAt: Int64?
    ) {
        self.name = name
        self.origin = origin
        self.isConfigured = isConfigured
        self.isManaged = isManaged
        self.waiting = waiting
        self.dead = dead
        self.lastDeliveryAt = lastDeliveryAt
    }
}

/// An event on its way to a webhook.
package struct WebhookDelivery: Hashable, Sendable {
    /// The name of the webhook.
    package let webhook: String
    /// Where the event stands among all of the hub.
    package let sequence: Int64
    /// What tells the event from any other, of another hub too.
    package let eventID: String
    package let kind: String
    /// Seconds since 1970.
    package let time: Int64
    package let event: ChangeEvent
    package let isDead: Bool
    /// How often it was tried.
    package let attempts: Int
    /// When it is tried next, in seconds since 1970.
    package let dueAt: Int64
    /// What came of the last attempt.
    package let problem: String?

    package init(
        webhook: String, sequence: Int64, eventID: String, kind: String, time: Int64, event: ChangeEvent,
        isDead: Bool, attempts: Int, dueAt: Int64, problem: String?
    ) {
        self.webhook = webhook
        self.sequence = sequence
        self.eventID = eventID
        self.kind = kind
        self.time = time
        self.event = event
        self.isDead = isDead
        self.attempts = attempts
        self.dueAt = dueAt
        self.problem = problem
    }
}

/// Keeps events until everybody was told who wants to know.
///
/// An event is kept in the transaction of the change that it tells of: there is none without the other.
package protocol WebhookStore: Sendable {
    /// Makes these the webhooks of the configuration that events are kept for. What waits for others stays.
    func setWebhooks(_ webhooks: [Webhook]) async throws
    func webhooks() async throws -> [WebhookState]
    /// Those that were set up by the API.
    func managedWebhooks() async throws -> [ManagedWebhook]
    /// Comes whenever those have changed.
    func changesOfWebhooks() -> AsyncStream<Void>
    /// Deliveries whose time has come: of each repository the first one that waits, so that none overtakes another.
    func dueDeliveries(of webhook: String, limit: Int) async throws -> [WebhookDelivery]
    /// Notes what came of an attempt, and what the receiver answered, if it did.
    func settle(_ delivery: WebhookDelivery, _ outcome: WebhookOutcome, status: Int?) async throws
    /// Deliveries that wait or were given up, oldest first.
    func deliveries(of webhook: String?, after: Int64, limit: Int) async throws -> [WebhookDelivery]
    /// Makes deliveries due now, those that were given up too; one event's, or all of a webhook.
    /// - Returns: how many.
    func retryDeliveries(of webhook: String, sequence: Int64?) async throws -> Int
    /// Forgets a webhook and all that waits for it.
    func forgetWebhook(_ name: String) async throws
    /// Comes once for some events that were kept, as soon as they were.
    func arrivals() -> AsyncStream<Void>
}

/// What came of an attempt to deliver.
package enum WebhookOutcome: Hashable, Sendable {
    case delivered
    /// To be tried again, at a time in seconds since 1970.
    case failed(String, retryAt: Int64)
    /// Not to be tried again by itself.
    case givenUp(String)
}

extension HubError.Code {
    /// No webhook has that name, or no such delivery.
    package static let webhookUnknown = Self("UNKNOWN", kind: "webhook")
}
