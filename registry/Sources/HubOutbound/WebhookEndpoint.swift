// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
package import Hub
package import OCIRegistry

/// A webhook with what is needed to reach it.
package struct WebhookEndpoint: Sendable {
    package let webhook: Webhook
    let location: WebLocation
    let key: SigningSecret
    let trust: TrustSettings
    /// After how many attempts a delivery is given up.
    let attempts: Int

    /// `trust` says whose certificates are accepted of the receiver.
    package init(
        _ webhook: Webhook, location: WebLocation, key: SigningSecret, trust: TrustSettings = TrustSettings(),
        attempts: Int = 20
    ) {
        self.webhook = webhook
        self.location = location
        self.key = key
        self.trust = trust
        self.attempts = attempts
    }
}

/// What a receiver knows us by; never shown.
package struct SigningSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    let bytes: [UInt8]

    /// Fewest bytes of a key.
    private static let shortest = 16

    /// Reads a secret as it is written: any text, or `whsec_` and Base64, as Standard Webhooks has it.
    ///
    /// - Throws: `HubError` for one that is too short to be a secret.
    package init(_ text: String) throws {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let marker = "whsec_"
        if text.hasPrefix(marker) {
            guard let data = Data(base64Encoded: String(text.dropFirst(marker.count))) else {
                throw HubError(
                    .webhookSecret, "the secret begins with \"\(marker)\", but what follows is not Base64",
                    category: .usage)
            }
            bytes = Array(data)
        } else {
            bytes = Array(text.utf8)
        }
        guard bytes.count >= Self.shortest else {
            throw HubError(
                .webhookSecret, "the secret has less than \(Self.shortest) bytes",
                hint: "'openssl rand -hex 32' writes one", category: .usage)
        }
    }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}

extension HubError.Code {
    /// A webhook's secret cannot be used.
    package static let webhookSecret = Self("UNKNOWN", kind: "webhook secret")
}
