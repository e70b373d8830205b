// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
package import SystemPackage

/// An Envoy as it was before a change.
package struct EnvoySurvey: Hashable, Sendable {
    /// The slot that it reads.
    package let slot: FilePath
    package let admin: HostPort
    /// As in `1.40.0`.
    package let version: String
    /// Number of worker threads; each module has two virtual machines more than these.
    package let concurrency: Int
}

/// What came of a change that was made.
package struct EnvoyDeploymentOutcome: Hashable, Sendable {
    /// One slot.
    package struct Member: Hashable, Sendable {
        package let slot: FilePath
        /// As it is in the history.
        package let revision: SlotRevision
        /// Which places were written, from 1, in this order.
        package let writtenPlaces: [Int]
        /// What each Envoy showed; empty if none was asked.
        package let proofs: [EnvoyProof]
        /// What a person should know, as that a filter that Envoy passes by cannot be told from one that runs.
        package let notes: [String]
    }

    /// In the order of the fleet.
    package let members: [Member]

    /// Whether every Envoy of every slot has shown that it has the change.
    package var isProved: Bool { members.allSatisfy { $0.revision.outcome == .proved } }
}

/// How an Envoy has shown that it runs what it was given.
package struct EnvoyProof: Hashable, Sendable {
    package let admin: HostPort
    /// Number of worker threads.
    package let workers: Int
    /// Virtual machines that are active, of all modules.
    package let virtualMachines: Int
    /// How many there must be at least for what the slot holds.
    package let expectedMachines: Int
    /// The gauge that the build has set, if it has one.
    package let marker: String?
    /// How many requests showed what they should.
    package let probes: Int
    /// Whether it was started again meanwhile, and judged by what it has loaded since.
    package let wasRestarted: Bool
    /// From the write until it was loaded on all threads.
    package let duration: Duration
}

/// What happens while a change is made.
package enum EnvoyDeploymentEvent: Hashable, Sendable {
    /// Another command holds the slot.
    case waiting(slot: FilePath, holder: String)
    /// An Envoy has answered who it is.
    case surveyed(EnvoySurvey)
    /// A change was begun of which nobody wrote what came.
    case unfinished(slot: FilePath, SlotRevision)
    /// The local Envoy has loaded the filter; its version, and whether it is that of the Envoys.
    case validated(version: String, isSame: Bool)
    /// The local Envoy, of another version than those that are to run it, does not load the filter.
    case doubted(version: String, reason: String)
    /// A place has another content; from 1, and the deployment that stands there now.
    case written(slot: FilePath, place: Int, id: String?)
    /// An Envoy has taken what is in a place.
    case accepted(HostPort, place: Int)
    /// An Envoy has shown that it runs all of it.
    case proved(EnvoyProof)
    /// What stood before is brought back, because of what.
    case returning(slot: FilePath, because: String)
    /// What stood before stands again.
    case returned(slot: FilePath)
}
