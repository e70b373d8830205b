// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import HTTPTypes
package import Hub
package import Logging
private import OCI
package import OCIRegistry
private import Secrets
import ServiceLifecycle

/// Tells webhooks what happened, beside the server: events that are kept in the database, until each was taken or
/// given up.
///
/// Each event is told at least once, and those of one repository in their order. A receiver that is slow or gone
/// holds up nothing but its own deliveries.
package struct WebhookCourier: Service {
    private let store: any WebhookStore
    private let endpoints: [WebhookEndpoint]
    private let endpoint: @Sendable (ManagedWebhook) throws -> WebhookEndpoint
    private let transport: any HTTPTransport
    private let source: String
    private let logger: Logger
    private let now: @Sendable () -> Int64

    /// Deliveries of one webhook that are under way at once, each of another repository.
    private static let atOnce = 8
    /// Seconds of the longest wait between two attempts, of our own choice and of a receiver's.
    private static let longestDelay: Int64 = 3600
    private static let longestWish: Int64 = 24 * 3600

    /// - Parameters:
    ///   - store: where events are kept, as whoever runs the hub.
    ///   - endpoints: whom to tell, by the configuration.
    ///   - endpoint: how to reach a webhook that was set up by the API; throws if the hub sends nothing there.
    ///   - transport: what carries the requests.
    ///   - source: the hub's name in events, a URI.
    ///   - logger: for what fails.
    ///   - now: seconds since 1970.
    package init(
        _ store: any WebhookStore, endpoints: [WebhookEndpoint],
        endpoint: @escaping @Sendable (ManagedWebhook) throws -> WebhookEndpoint,
        transport: any HTTPTransport, source: String,
        logger: Logger, now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.endpoints = endpoints
        self.endpoint = endpoint
        self.transport = transport
        self.source = source
        self.logger = logger
        self.now = now
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                for endpoint in endpoints { group.addTask { await serve(endpoint) } }
                group.addTask { await serveManaged() }
            }
        }
    }

    /// Serves the webhooks that are set up by the API, each for as long as it is there.
    private func serveManaged() async {
        let changes = store.changesOfWebhooks()
        var served: [ManagedWebhook: Task<Void, Never>] = [:]
        await look(&served)
        for await _ in changes { await look(&served) }
        for task in served.values { task.cancel() }
        for task in served.values { await task.value }
    }

    /// Begins with what is new, and ends what is gone; one that was changed goes on when its last attempt has ended, so
    /// that no two are under way.
    private func look(_ served: inout [ManagedWebhook: Task<Void, Never>]) async {
        do {
            let managed = Set(try await store.managedWebhooks())
            var ended: [String: Task<Void, Never>] = [:]
            for (webhook, task) in served where !managed.contains(webhook) {
                task.cancel()
                served[webhook] = nil
                ended[webhook.webhook.name] = task
            }
            for webhook in managed where served[webhook] == nil {
                do {
                    let endpoint = try endpoint(webhook)
                    let before = ended[webhook.webhook.name]
                    served[webhook] = Task {
                        await before?.value
                        await serve(endpoint)
                    }
                } catch {
                    logger.warning(
                        "a webhook is told nothing: what it was allowed when it was set up is not allowed any more",
                        metadata: ["webhook": "\(webhook.webhook.name)", "error": "\(error)"])
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            logger.error("cannot look after webhooks", metadata: ["error": "\(error)"])
        }
    }

    private func serve(_ endpoint: WebhookEndpoint) async {
        await withTaskGroup { group in
            let (ticks, tick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            // What is due later, and what another process put back, is found by looking.
            group.addTask {
                repeat { tick.yield() } while (try? await Task.sleep(for: .seconds(1))) != nil
            }
            group.addTask { for await _ in store.arrivals() { tick.yield() } }
            for await _ in ticks {
                while !Task.isCancelled, await deliverDue(to: endpoint) {}
            }
            group.cancelAll()
        }
    }

    /// Tries what is due.
    /// - Returns: whether there may be more at once.
    private func deliverDue(to endpoint: WebhookEndpoint) async -> Bool {
        do {
            let due = try await store.dueDeliveries(of: endpoint.webhook.name, limit: Self.atOnce)
            guard !due.isEmpty else { return false }
            try await withThrowingTaskGroup { group in
                for delivery in due { group.addTask { try await deliver(delivery, to: endpoint) } }
                try await group.waitForAll()
            }
            return true
        } catch {
            guard !Task.isCancelled else { return false }
            logger.error(
                "cannot look after a webhook",
                metadata: ["webhook": "\(endpoint.webhook.name)", "error": "\(error)"])
            return false
        }
    }

    private func deliver(_ delivery: WebhookDelivery, to endpoint: WebhookEndpoint) async throws {
        let problem: String
        var wish: Duration?
        var status: Int?
        do {
            let answer = try await send(delivery, to: endpoint)
            guard answer.status.kind != .successful else {
                return try await store.settle(delivery, .delivered, status: answer.status.code)
            }
            status = answer.status.code
            problem = "the receiver answered \(answer.status.code)"
            wish = HTTPDelay.retryAfter(answer.headerFields, now: now())
        } catch let error as HTTPTransportError {
            problem = Self.reason(error)
        }
        let attempt = delivery.attempts + 1
        let isLast = attempt >= endpoint.attempts
        logger.warning(
            isLast ? "a webhook's delivery was given up" : "a webhook's delivery failed",
            metadata: [
                "webhook": "\(endpoint.webhook.name)", "event": "\(delivery.sequence)",
                "attempt": "\(attempt)", "problem": "\(problem)",
            ])
        guard !isLast else { return try await store.settle(delivery, .givenUp(problem), status: status) }
        let delay = Self.delay(after: attempt, wish: wish)
        try await store.settle(delivery, .failed(problem, retryAt: now() + delay), status: status)
    }

    /// Seconds until the next attempt: twice as long each time, spread so that receivers that come back are not overrun.
    ///
    /// A receiver that asks for more time (`wish`, RFC 9110 §10.2.3) has it, up to a day. One that asks for less has not:
    /// what stands before a receiver says so for hours, and the attempts would be used up.
    static func delay(after attempt: Int, wish: Duration? = nil) -> Int64 {
        let full = min(Int64(1) << min(Int64(attempt - 1), 20), longestDelay)
        let own = full - Int64.random(in: 0...full / 2)
        return max(own, min(wish?.components.seconds ?? 0, longestWish))
    }

    /// What the operator may read: the transport's own words hold the address, which may be a secret.
    private static func reason(_ error: HTTPTransportError) -> String {
        switch error.code {
        case .unknownHost: "the receiver's name has no address"
        case .refusedAddress: "the receiver's address is link-local, where the hub sends nothing"
        case .connectionRefused: "nothing answers at the receiver's address"
        case .timedOut, .stalled: "the receiver took too long"
        case .tls, .unknownAuthority, .expiredCertificate, .wrongHost, .clientCertificate:
            "the receiver's certificate is not trusted, or TLS failed (\(error.code))"
        case .proxy, .proxyUnauthorized: "the proxy refuses (\(error.code))"
        case .notHTTP: "the receiver does not speak HTTP"
        case .connectionLost, .other: "the connection broke"
        }
    }

    /// Sends an event, signed as Standard Webhooks 1.0 has it: over its id, the time of this attempt and the body.
    ///
    /// - Returns: the head of the answer. Redirects are not followed: what is configured is what is reached.
    private func send(
        _ delivery: WebhookDelivery, to endpoint: WebhookEndpoint
    ) async throws -> HTTPResponse {
        let body = try canonicalJSON(CloudEvent(delivery, source: source))
        let time = "\(now())"
        let signed = Array("\(delivery.eventID).\(time).".utf8) + body
        let signature = Data(hmacSHA256(signed, key: endpoint.key.bytes)).base64EncodedString()
        var request = HTTPRequest(
            method: .post, scheme: endpoint.location.scheme.rawValue, authority: endpoint.location.authority,
            path: endpoint.location.target)
        let fields = [
            ("content-type", CloudEvent.mediaType), ("user-agent", "wasme-hub"),
            ("webhook-id", delivery.eventID), ("webhook-timestamp", time),
            ("webhook-signature", "v1,\(signature)"),
        ]
        for (name, value) in fields {
            guard let name = HTTPField.Name(name) else { continue }
            request.headerFields[name] = value
        }
        var options = HTTPTransportOptions()
        options.trust = endpoint.trust
        options.stallTimeout = 30
        options.refusesLinkLocal = true
        return try await transport.send(request, body: HTTPBody(body), options: options) { _ in nil }
    }
}
