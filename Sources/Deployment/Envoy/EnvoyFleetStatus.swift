// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
package import SystemPackage

/// What a slot is meant to run, what its files hold, and what its Envoys say that they have.
package struct EnvoySlotStatus: Sendable {
    /// One place of the chain.
    package struct Place: Sendable {
        /// From 1.
        package let number: Int
        /// The resource's name.
        package let name: String
        /// What was deployed there; nil for nothing.
        package let revision: SlotRevision?
        /// What its file says; nil if it is missing or cannot be read.
        package let content: SlotResource.Content?
        /// The name of that content, as Envoy shows it.
        package let version: String?
        /// In what the file is not what was deployed; nil if it is.
        package let drift: String?
    }

    package let slot: SlotFolder
    package let places: [Place]
    /// Changes of which nobody knows what came: a command was killed, or is at it.
    package let unfinished: [SlotRevision]
    /// The Envoys that were asked.
    package let envoys: [EnvoyStatus]
    package let notes: [String]

    /// Whether everything that was asked is as it was deployed.
    package var isSound: Bool {
        unfinished.isEmpty && places.allSatisfy { $0.drift == nil }
            && envoys.allSatisfy { $0.trouble.isEmpty }
    }
}

/// What one Envoy says about a slot.
package struct EnvoyStatus: Sendable {
    /// One place.
    package struct Place: Sendable {
        /// From 1.
        package let number: Int
        /// The name of what it has taken last.
        package let version: String?
        /// Whether that is what the file holds; what it has refused it does not have.
        package let isCurrent: Bool
        /// The name of what it has been given last, taken or not; nil if it does not say.
        package let received: String?
        /// How often it has refused what it was given, since it started.
        package let refusals: UInt64
    }

    /// One deployment in it.
    package struct Filter: Sendable {
        package let id: String
        /// How often its module was started again after a trap, and how often that failed or had to wait; nil where Envoy
        /// does not count them, because the policy is another.
        package let reloads: Reloads?
        /// Whether it may be passed by, and how that is known.
        package let bypass: String?
        /// The gauge of the deployed build; nil if it has none, or is not loaded.
        package let marker: String?
    }

    /// `wasm.<name>.vm_reload_*`.
    package struct Reloads: Hashable, Sendable {
        package let successes: UInt64
        package let failures: UInt64
        package let waits: UInt64
    }

    package let admin: HostPort
    /// As in `1.40.0`; nil if it does not answer.
    package let version: String?
    package let state: String?
    /// Number of worker threads.
    package let workers: Int?
    /// Seconds since it started.
    package let uptime: Int?
    /// Virtual machines that are active, of all its modules.
    package let virtualMachines: Int?
    /// How many there must be at least for what the slot holds: two more than workers for each module.
    package let expectedMachines: Int?
    package let places: [Place]
    package let filters: [Filter]
    /// What is not as it should be, for people.
    package let trouble: [String]
}

/// In what a slot would differ after a deployment.
package struct EnvoySlotDifference: Hashable, Sendable {
    /// One file.
    package struct Change: Hashable, Sendable {
        package let file: FilePath
        /// The place, from 1; nil for a module.
        package let place: Int?
        /// What it says now; nil if it is not there, or is a module.
        package let old: String?
        /// What it would say, without the name that is given to it when it is written.
        package let new: String?
        /// The bytes of a module that would be new.
        package let moduleSize: Int?
    }

    package let slot: FilePath
    /// In the order of writing; empty if it has all of it already.
    package let changes: [Change]
}
