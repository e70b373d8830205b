// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub
import HubStorage
private import OCI
import SystemPackage

/// `wasme-hub webhook`: what waits to be told, and what was given up.
struct WebhookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "See what webhooks wait for, and try again.",
        discussion: """
            Webhooks are set up in the configuration ('webhooks') and by the API ('/api/v1/webhooks'). What happens is kept until the receiver took it; what \
            was given up stays for you to see and to try again.

            EXAMPLES
              wasme-hub webhook list
              wasme-hub webhook deliveries ci
              wasme-hub webhook retry ci
              wasme-hub webhook retry ci --event 42
              wasme-hub webhook forget ci
            """, subcommands: [List.self, Deliveries.self, Retry.self, Forget.self])

    /// Works on the database of a folder as whoever runs the hub, whether or not a hub serves it.
    private static func manage<Result>(
        _ path: FilePath, _ work: (any WebhookStore) async throws -> Result
    ) async throws -> Result {
        let database = try await HubFolder.database(path)
        defer { try? database.leave() }
        return try await work(database.acting(for: .host))
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List webhooks and how they fare.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let webhooks = try await manage(try data.folder()) { try await $0.webhooks() }
                if webhooks.isEmpty, output.format == .text { return Output.note("note: no webhooks") }
                try Output.result(
                    webhooks, output.format,
                    text: webhooks.map { webhook in
                        [
                            webhook.name, webhook.origin,
                            webhook.isManaged
                                ? "made by the API"
                                : webhook.isConfigured ? "configured" : "not configured any more",
                            "\(webhook.waiting) waiting", "\(webhook.dead) given up",
                            webhook.lastDeliveryAt.map { "last taken \(time($0))" } ?? "none taken yet",
                        ].joined(separator: "\t")
                    }.joined(separator: "\n"))
            }
        }
    }

    struct Deliveries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List deliveries that wait or were given up, oldest first.")
        @OptionGroup var data: DataOption
        @Argument(help: "The webhook. (default: all)")
        var webhook: String?
        @Option(help: "Only events after this one.")
        var after: Int64 = 0
        @Option(help: "How many to show.")
        var first = 50
        @OptionGroup var output: FormatOption

        func run() async throws {
            try await Output.reporting {
                let found = try await manage(try data.folder()) {
                    try await $0.deliveries(of: webhook, after: after, limit: max(0, first))
                }.map(DeliveryDescription.init)
                if found.isEmpty, output.format == .text { return Output.note("note: nothing waits") }
                try Output.result(
                    found, output.format,
                    text: found.map { delivery in
                        [
                            "\(delivery.event)", delivery.webhook, delivery.kind, delivery.subject,
                            delivery.state, "\(delivery.attempts) attempts", delivery.problem ?? "",
                        ].joined(separator: "\t")
                    }.joined(separator: "\n"))
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver now what waits or was given up; a hub that serves does it within a second.")
        @OptionGroup var data: DataOption
        @Argument(help: "The webhook.")
        var webhook: String
        @Option(help: "Only this event, as 'wasme-hub webhook deliveries' numbers it.")
        var event: Int64?

        func run() async throws {
            try await Output.reporting {
                let count = try await manage(try data.folder()) {
                    try await $0.retryDeliveries(of: webhook, sequence: event)
                }
                Output.result("\(count) deliveries are due")
            }
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Forget a webhook that the API made or that is not configured any more, with all that waits for it."
        )
        @OptionGroup var data: DataOption
        @Argument(help: "The webhook.")
        var webhook: String

        func run() async throws {
            try await Output.reporting {
                try await manage(try data.folder()) { try await $0.forgetWebhook(webhook) }
            }
        }
    }

    fileprivate static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

/// A delivery as commands write it.
private struct DeliveryDescription: Encodable {
    let event: Int64
    let webhook: String
    let kind: String
    let subject: String
    let time: String
    let state: String
    let attempts: Int
    let problem: String?
    let dueAt: String?

    init(_ delivery: WebhookDelivery) {
        event = delivery.sequence
        webhook = delivery.webhook
        kind = delivery.kind
        let target = delivery.event.target
        subject = ([target.digest?.description] + target.tags).compactMap(\.self)
            .reduce(target.repository) { "\($0) \($1)" }
        time = WebhookCommand.time(delivery.time)
        state = delivery.isDead ? "given up" : "waiting"
        attempts = delivery.attempts
        problem = delivery.problem
        dueAt = delivery.isDead ? nil : WebhookCommand.time(delivery.dueAt)
    }
}
