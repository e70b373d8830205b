// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import FilterProxy

/// Something that happens while a filter is tried.
package enum DevEvent: Sendable {
    /// Envoy listens; what serves there comes later.
    case listening(HostPort)
    case building
    /// A version serves from now on.
    case live(LiveVersion)
    /// A build brought what serves already; whether that is worth telling, as after a failure.
    case unchanged(FilterVersion, build: Duration, isNews: Bool)
    /// There is no new version; the one before goes on serving, if there is one.
    case buildFailed(any Error, isServing: Bool)
    /// Envoy does not take the new version; the one before goes on serving, if there is one.
    case refused(FilterVersion, EnvoyReason, isServing: Bool)
    case log(FilterLogLine)
    case request(SeenRequest)
    /// Streams that came faster than they could be read.
    case lost(Int)
    case replayed(SeenRequest, Replayed)
    case logLevel(FilterLogLevel)
    /// A note for people.
    case note(String)
}

/// A version that serves.
package struct LiveVersion: Sendable {
    package let version: FilterVersion
    /// How many versions served so far, with this one.
    package let number: Int
    /// From when its last source was saved until it serves.
    package let total: Duration
    /// How long its build took.
    package let build: Duration
    /// By what it is known that it runs, in Envoy's own figures.
    package let proof: String
}

/// What came of sending a request again.
package enum Replayed: Sendable {
    case same
    case different(ResponseDifference)
    case failed(reason: String)
}
