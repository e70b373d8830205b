// SPDX-License-Identifier: Apache-2.0

package import Hub
package import Logging
private import Synchronization

/// What the operator of a hub sees of it and sets about it, apart from what it serves.
package final class HubOperation: Sendable {
    package let metrics: HubMetrics
    package let observer: RequestObserver
    /// Whether others than this machine and administrators may read `/metrics` on the hub's own address.
    let servesMetrics: Bool
    package let limits: ConnectionLimits
    package let proxies: TrustedProxies
    /// Whether READMEs show pictures from other hosts.
    let showsForeignPictures: Bool
    /// What is set, for administrators to see; nothing in it is secret.
    package let settings: [SettingInEffect]
    /// What webhooks must be like that are set up by the API; nil if nobody is told anything.
    let webhookRules: (any WebhookRules)?
    private let stopping = Atomic(false)

    /// `requestLog` gets a line for each request; `servesMetrics` is false if metrics have an address of their own.
    package init(
        metrics: HubMetrics = HubMetrics(), requestLog: Logger? = nil, servesMetrics: Bool = true,
        limits: ConnectionLimits = ConnectionLimits(), proxies: TrustedProxies = TrustedProxies(),
        showsForeignPictures: Bool = false, settings: [SettingInEffect] = [],
        webhookRules: (any WebhookRules)? = nil
    ) {
        self.webhookRules = webhookRules
        self.showsForeignPictures = showsForeignPictures
        self.settings = settings
        self.limits = limits
        self.proxies = proxies
        self.metrics = metrics
        observer = RequestObserver(metrics.requests, log: requestLog)
        self.servesMetrics = servesMetrics
    }

    /// Whether more requests are under way than the hub answers at once.
    package var isOverloaded: Bool { limits.requests > 0 && metrics.requests.inFlight > limits.requests }

    /// Whether it answers one request more than are under way.
    var takesAnother: Bool { limits.requests == 0 || metrics.requests.inFlight < limits.requests }

    /// Whether the hub is about to stop, so that nobody should send it more.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Notes that it is.
    package func stop() { stopping.store(true, ordering: .relaxed) }
}

/// A setting of the hub as it holds at this moment.
package struct SettingInEffect: Hashable, Sendable, Encodable {
    /// As in a configuration file, with a dot for each level.
    package let key: String
    /// As it is written there; nil if there is none.
    package let value: String?
    /// Whether somebody set it.
    package let isSet: Bool

    package init(key: String, value: String?, isSet: Bool) {
        self.key = key
        self.value = value
        self.isSet = isSet
    }
}
