// SPDX-License-Identifier: Apache-2.0

package import Logging

/// What the access log tells of a request besides its outcome.
package struct RequestDetails: Sendable {
    package var id: RequestID
    /// As it was sent, without the query: that may hold a secret; nil for what was refused before it was a request.
    package var path: Substring?
    package var repository: String?
    /// Whom it was answered to; nil if nobody found out.
    package var principal: String?
    package var address: String?

    package init(
        id: RequestID, path: Substring?, repository: String? = nil, principal: String? = nil,
        address: String? = nil
    ) {
        self.id = id
        self.path = path
        self.repository = repository
        self.principal = principal
        self.address = address
    }
}

/// Counts and logs requests: whoever answers one calls `begin` and `end`.
package struct RequestObserver: Sendable {
    private let metrics: RequestMetrics
    /// Where a line for each request goes; nil for nowhere.
    private let log: Logger?

    package init(_ metrics: RequestMetrics, log: Logger?) {
        self.metrics = metrics
        self.log = log
    }

    /// Whether `end` makes use of details.
    package var wantsDetails: Bool { log != nil }

    /// A request has come.
    package func begin() { metrics.begin() }

    /// A request has been answered, or has broken off.
    package func end(_ outcome: RequestOutcome, _ details: @autoclosure () -> RequestDetails) {
        metrics.end(outcome)
        guard let log else { return }
        let details = details()
        var line: Logger.Metadata = [
            "id": "\(details.id)", "route": "\(outcome.route)", "status": .stringConvertible(outcome.status),
            "received": .stringConvertible(outcome.received), "sent": .stringConvertible(outcome.sent),
            "ms": .stringConvertible(Double(outcome.nanoseconds / 1000) / 1000),
        ]
        if let method = outcome.method { line["method"] = "\(method)" }
        if let path = details.path { line["path"] = "\(path.prefix(512))" }
        if let repository = details.repository { line["repository"] = "\(repository.prefix(256))" }
        if let principal = details.principal { line["principal"] = "\(principal)" }
        if let address = details.address { line["address"] = "\(address)" }
        log.info("request", metadata: line)
    }
}
