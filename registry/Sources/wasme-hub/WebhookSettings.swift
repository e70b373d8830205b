// SPDX-License-Identifier: Apache-2.0

import CurlTransport
private import Diagnostics
private import Foundation
import Hub
import HubOutbound
import HubStorage
import Logging
import OCI
import OCIRegistry
import SystemPackage

/// A webhook as it is configured.
struct WebhookSettings: Hashable {
    let webhook: Webhook
    let location: WebLocation
    let secret: SecretPlace
    let authority: FilePath?
    let attempts: Int

    /// The webhook with its secret, which is read now.
    func endpoint(_ environment: [String: String]) throws -> WebhookEndpoint {
        let text: String
        do {
            text = try secret.read(environment)
            return WebhookEndpoint(
                webhook, location: location, key: try SigningSecret(text),
                trust: try Outbound.trust(RegistryHost(location.authority), authority, environment),
                attempts: attempts)
        } catch {
            throw HubError(
                .configuration, "webhook \"\(webhook.name)\" cannot be used", cause: error,
                hint: "see 'webhooks' in the configuration", category: .usage)
        }
    }
}

extension HubConfiguration {
    static let webhookList = ListSetting(
        key: "webhooks",
        meaning:
            "Who is told by HTTP when manifests are pushed, and tags or manifests deleted.",
        fields: [
            .init(name: "name", meaning: "What commands and logs call it.", isRequired: true),
            .init(
                name: "url",
                meaning: "Where events are sent; redirects are not followed.",
                isRequired: true),
            .init(name: "secret-file", meaning: "The file with the secret that signs events."),
            .init(name: "secret-variable", meaning: "Or the variable of the environment that holds it."),
            .init(
                name: "repositories", meaning: "Which repositories, as in acme/*.", standard: "\"*\"",
                isList: true),
            .init(
                name: "events", meaning: "Which events.",
                standard: ChangeEvent.Kind.allCases.map(\.rawValue).joined(separator: ", "), isList: true),
            .init(
                name: "attempts", meaning: "Attempts until a delivery is given up; 20 take eight hours.",
                standard: "20"),
            .init(name: "queue", meaning: "Deliveries that wait at most.", standard: "10000"),
            .init(name: "ca", meaning: "A file with the authority of the receiver's certificate."),
        ],
        add: { (hub, entry) throws(Problem) in
            let name = entry["name"] ?? ""
            try check(name: name)
            guard !hub.webhooks.contains(where: { $0.webhook.name == name }) else {
                throw Problem(text: "the name \"\(name)\" is there twice")
            }
            guard let location = WebLocation(entry["url"] ?? ""),
                (try? RegistryHost(location.authority)) != nil
            else {
                throw Problem(text: "the url is not an http or https URL")
            }
            try checkReachable(location.authority)
            let repositories = try repositoryPatterns(entry.all("repositories", default: ["*"]))
            var kinds: Set<ChangeEvent.Kind> = []
            for word in entry.all("events", default: ChangeEvent.Kind.allCases.map(\.rawValue)) {
                guard let kind = ChangeEvent.Kind(rawValue: word) else {
                    throw Problem(
                        text:
                            "\"\(word)\" is no event\(suggestion(word, ChangeEvent.Kind.allCases.map(\.rawValue)))"
                    )
                }
                kinds.insert(kind)
            }
            guard let secret = try SecretPlace(file: entry["secret-file"], variable: entry["secret-variable"])
            else { throw Problem(text: "one of secret-file and secret-variable is needed") }
            hub.webhooks.append(
                WebhookSettings(
                    webhook: Webhook(
                        name: name, origin: "\(location.scheme.rawValue)://\(location.authority)",
                        repositories: repositories, kinds: kinds,
                        queueLimit: try number(entry["queue"] ?? "10000", 1...1_000_000)),
                    location: location, secret: secret, authority: entry["ca"].map { DataOption.path($0) },
                    attempts: try number(entry["attempts"] ?? "20", 1...100)))
        },
        clear: { $0.webhooks = [] })

    /// Names are shown, and typed on command lines.
    static func check(name: String) throws(Problem) {
        guard (try? Tag(name)) == nil else { return }
        throw Problem(text: "\"\(name)\" is no name: use letters, digits, and . _ -")
    }

    /// Patterns of repositories: a name, `acme/*` or `*`.
    static func repositoryPatterns(_ texts: [String]) throws(Problem) -> [String] {
        for text in texts {
            do {
                _ = try PolicyScope(text)
            } catch {
                throw Problem(text: error.message)
            }
        }
        return texts
    }
}

extension WebhookCourier {
    /// The courier of a hub that starts: from now on events are kept for the webhooks of its configuration.
    ///
    /// `rules` are what holds of those that are set up by the API.
    init(
        _ settings: HubConfiguration, rules: AllowedReceivers, publicURL: String?, metadata: MetadataDatabase,
        transport: CurlTransport, logger: Logger
    ) async throws {
        let environment = ProcessInfo.processInfo.environment
        let store = metadata.acting(for: .host)
        try await store.setWebhooks(settings.webhooks.map(\.webhook))
        self.init(
            store, endpoints: try settings.webhooks.map { try $0.endpoint(environment) },
            endpoint: { managed in
                // Hosts may have been taken off the list since.
                _ = try rules.origin(of: managed.url, for: managed.owner)
                guard let location = WebLocation(managed.url) else {
                    throw HubError(.webhookInvalid, "the url is not an http or https URL")
                }
                return WebhookEndpoint(
                    managed.webhook, location: location, key: try SigningSecret(managed.secret),
                    trust: try Outbound.trust(RegistryHost(location.authority), nil, environment),
                    attempts: managed.attempts)
            },
            transport: transport, source: publicURL ?? "urn:wasme-hub", logger: logger,
            now: OpenHub.now)
    }
}
