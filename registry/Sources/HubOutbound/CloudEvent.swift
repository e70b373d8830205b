// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import OCI

/// An event in the structured mode of CloudEvents 1.0 ("HTTP Protocol Binding", 3.2; "JSON Event Format").
struct CloudEvent: Encodable {
    static let mediaType = "application/cloudevents+json"

    let specversion = "1.0"
    let id: String
    let source: String
    let type: String
    let subject: String
    let time: String
    let datacontenttype = "application/json"
    /// Grows from event to event of a hub (CloudEvents, "Sequence" extension).
    let sequence: String
    let data: ChangeEvent

    /// `source` is where clients find the hub.
    init(_ delivery: WebhookDelivery, source: String) {
        id = delivery.eventID
        self.source = source
        type = "dev.wasme.hub.\(delivery.kind)"
        let target = delivery.event.target
        let name = target.digest.map { "@\($0)" } ?? target.tag.map { ":\($0)" } ?? ""
        // A ping is about the webhook itself.
        subject = target.repository.isEmpty ? delivery.webhook : target.repository + name
        time = Date(timeIntervalSince1970: TimeInterval(delivery.time)).formatted(.iso8601)
        // Of one length, so that comparing them as text is right.
        sequence = String(format: "%020lld", delivery.sequence)
        data = delivery.event
    }
}
