// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import LoopbackServer
import Secrets
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A real HTTP server that webhooks are sent to, and answers as it is told.
final class WebhookReceiver: Sendable {
    /// What arrived.
    struct Request: Sendable {
        let headers: [String: String]
        let body: [UInt8]

        var message: Message {
            get throws { try JSONDecoder().decode(Message.self, from: Data(body)) }
        }

        /// Whether it is signed with a key, as Standard Webhooks has it.
        func isSigned(with secret: String) -> Bool {
            let signed = "\(headers["webhook-id"] ?? "").\(headers["webhook-timestamp"] ?? "")."
            let marker = "whsec_"
            let key =
                secret.hasPrefix(marker) ? Data(base64Encoded: String(secret.dropFirst(marker.count))) : nil
            let code = hmacSHA256(Array(signed.utf8) + body, key: Array(key ?? Data(secret.utf8)))
            return headers["webhook-signature"] == "v1,\(Data(code).base64EncodedString())"
        }
    }

    /// A CloudEvent, as a receiver of its own making would read it.
    struct Message: Decodable {
        struct Content: Decodable {
            struct Target: Decodable {
                let mediaType: String?
                let digest: String?
                let size: Int?
                let repository: String
                let tag: String?
                let tags: [String]
            }
            struct Actor: Decodable { let name: String }
            let action: String
            let target: Target
            let actor: Actor
        }
        let specversion: String
        let id: String
        let source: String
        let type: String
        let subject: String
        let time: String
        let datacontenttype: String
        let sequence: String
        let data: Content
    }

    private let server: LoopbackServer
    private let requests: AsyncStream<Request>
    /// Where it is.
    var url: String { "http://\(server.authority)/hidden-path?token=hidden-query" }
    var host: String { server.authority }
    let secret = "a secret of some length, never shown"
    let configuration: FilePath
    private let scratch: ScratchDirectory

    /// Starts it.
    ///
    /// `answer` gives the status for a request; nil leaves it without an answer until the other side goes away.
    /// `settings` are more lines of the webhook's configuration, `headers` go with every answer.
    init(
        settings: String = "", headers: [(String, String)] = [("Location", "/elsewhere")],
        answer: @escaping @Sendable (Request) -> Int? = { _ in 204 }
    ) throws {
        let (requests, arrived) = AsyncStream<Request>.makeStream()
        self.requests = requests
        server = try LoopbackServer { exchange in
            let received = exchange.request.headers.map { ($0.name.lowercased(), $0.value) }
            let request = Request(
                headers: Dictionary(received) { first, _ in first }, body: try exchange.body())
            let status = answer(request)
            arrived.yield(request)
            guard let status else { return exchange.waitForEnd() }
            try exchange.respond(status, headers: headers)
        }
        scratch = try ScratchDirectory("webhook")
        let file = try scratch.write("secret", secret + "\n")
        let lines = [
            "webhooks:", "- name: ci", "  url: http://\(server.authority)/hidden-path?token=hidden-query",
            "  secret-file: \(file)",
        ]
        let more = settings.split(separator: "\n").map { "  \($0)" }
        configuration = try scratch.write("hub.yaml", (lines + more).joined(separator: "\n") + "\n")
    }

    /// Waits until this many requests have come since the last time.
    func next(_ count: Int) async throws -> [Request] {
        var found: [Request] = []
        for await request in requests {
            found.append(request)
            if found.count == count { return found }
        }
        throw CancellationError()
    }
}
