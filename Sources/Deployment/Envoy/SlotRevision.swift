// SPDX-License-Identifier: Apache-2.0

/// One change of a deployment in a slot, as its history keeps it.
package struct SlotRevision: Hashable, Sendable {
    /// What was done.
    package enum Action: String, Hashable, Sendable, CaseIterable {
        case deploy
        case undeploy
        case rollback
    }

    /// What came of it.
    package enum Outcome: Hashable, Sendable {
        /// Nobody wrote what came of it: the command is still at it, or it was killed.
        case pending
        /// Every Envoy has shown that it runs it.
        case proved
        /// It was written, and nobody was asked whether Envoys run it.
        case unproved(because: String)
        /// It failed, and what stood before stands again.
        case failed(because: String)
        /// It failed, and what stands now is not known: what stood before could not be brought back everywhere.
        case stuck(because: String)
    }

    /// The deployment's name.
    package var id: String
    /// Counts the changes of this deployment, from 1.
    package var number: Int
    /// When, as in `2026-01-31T12:00:00Z` (RFC 3339).
    package var time: String
    /// Who, as in `anna@build-1`.
    package var who: String
    package var action: Action
    /// The revision that a rollback went back to.
    package var source: Int?
    /// All of what was to run; nil after its end.
    package var deployment: FilterDeployment?
    /// The SHA-256 of its module, in hexadecimal digits.
    package var module: String?
    /// The identity that the module shows while it runs, if it has one.
    package var build: String?
    /// Whether the module was in the resource.
    package var isInline = false
    /// See `EnvoyPlugin.retry`.
    package var retry = 0
    /// The place in the chain, from 1; nil after its end.
    package var place: Int?
    package var outcome = Outcome.pending

    package init(id: String, number: Int, time: String, who: String, action: Action) {
        self.id = id
        self.number = number
        self.time = time
        self.who = who
        self.action = action
    }

    /// Whether what it says is what stands now, as far as is known; a failed one has been taken back.
    package var stands: Bool {
        if case .failed = outcome { false } else { true }
    }
}
