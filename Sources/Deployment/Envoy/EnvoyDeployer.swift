// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
package import Foundation
import SystemPackage

/// Changes what runs in the slots of Envoys that stand alone: written, proved on every Envoy, or taken back.
package struct EnvoyDeployer: Sendable {
    /// How to go about it.
    package struct Options: Sendable {
        /// How long each Envoy may take to take a change, and to load it on all of its threads.
        package var timeout: Duration = .seconds(10)
        /// How long it is looked at afterwards: a filter that traps with the first requests is taken back.
        package var watch: Duration = .seconds(1)
        /// How long to wait for another command that changes the same slot.
        package var patience: Duration = .seconds(30)
        /// Requests that show what the filter does.
        package var probes: [EnvoyProbe] = []
        /// Whether modules go into the resources, for Envoys that do not see the slot's other files.
        package var isInline = false
        /// Whether what somebody else has put into a place may be replaced.
        package var replacesForeign = false
        /// An Envoy of this machine that says beforehand, and afterwards, why it would not take a filter.
        package var binary: EnvoyBinary?
        /// Who does it, as in `anna@build-1`.
        package var who: String

        package init(who: String) { self.who = who }
    }

    package let fleet: EnvoyFleet
    package let options: Options
    /// The admin interface at an address.
    let connect: @Sendable (HostPort) -> EnvoyAdmin
    let now: @Sendable () -> Date
    let progress: @Sendable (EnvoyDeploymentEvent) -> Void

    /// Prepares changes; nothing is done yet.
    /// - Parameters:
    ///   - fleet: which slots and Envoys, and in which order.
    ///   - options: how to go about it.
    ///   - connect: gives the admin interface at an address.
    ///   - now: the clock.
    ///   - progress: told what happens, from any thread.
    package init(
        _ fleet: EnvoyFleet, options: Options, connect: @escaping @Sendable (HostPort) -> EnvoyAdmin,
        now: @escaping @Sendable () -> Date = { Date() },
        progress: @escaping @Sendable (EnvoyDeploymentEvent) -> Void = { _ in }
    ) {
        self.fleet = fleet
        self.options = options
        self.connect = connect
        self.now = now
        self.progress = progress
    }

    /// Asks every Envoy who it is.
    /// - Returns: in the order of the fleet.
    /// - Throws: `DeploymentError` that names the Envoy which does not answer, is not live, cannot run filters or has not
    ///   been started with the slot.
    package func survey() async throws -> [EnvoySurvey] {
        try await survey(try fleet.members.map { try SlotFolder(opening: $0.slot) })
    }

    /// Runs a filter, or changes one that runs.
    /// - Parameters:
    ///   - deployment: all of it; its id is the plugin's name in Envoy.
    ///   - module: the module of its image.
    ///   - build: the identity that the module shows while it runs, if it has one.
    /// - Returns: what each slot has now.
    /// - Throws: `DeploymentError`; what stood before stands again if that was possible, and the message says so.
    package func deploy(
        _ deployment: FilterDeployment, module: [UInt8], build: String? = nil
    ) async throws -> EnvoyDeploymentOutcome {
        try Self.check(deployment, module)
        return try await change(deployment.id, .deploy) { _ in
            EnvoyChange(
                action: .deploy, source: nil, deployment: deployment, module: module, build: build,
                isInline: options.isInline)
        }
    }

    /// Ends a deployment.
    /// - Throws: `DeploymentError` with code `unknown` if there is none of this name.
    package func undeploy(_ id: String) async throws -> EnvoyDeploymentOutcome {
        try await change(id, .undeploy) { history in
            guard history.current(id) != nil else { throw Self.unknown(id, history) }
            return EnvoyChange(
                action: .undeploy, source: nil, deployment: nil, module: nil, build: nil, isInline: false)
        }
    }

    /// Goes back to what a deployment was, also after its end.
    /// - Parameters:
    ///   - id: the deployment.
    ///   - number: the revision; nil for the last good one before what stands now.
    /// - Returns: what each slot has now.
    /// - Throws: `DeploymentError` if there is nothing to go back to.
    package func rollback(_ id: String, to number: Int? = nil) async throws -> EnvoyDeploymentOutcome {
        try await change(id, .rollback) { history in
            let revisions = history.revisions(of: id)
            guard !revisions.isEmpty else { throw Self.unknown(id, history) }
            let source =
                if let number { revisions.first { $0.number == number } } else { history.previous(of: id) }
            guard let source, let deployment = source.deployment, let hex = source.module else {
                throw Self.noRevision(id, number, revisions)
            }
            let module = try Self.module(hex, of: source, in: history.file.removingLastComponent())
            return EnvoyChange(
                action: .rollback, source: source.source ?? source.number, deployment: deployment,
                module: module, build: source.build, isInline: source.isInline)
        }
    }

    /// The history of each slot.
    /// - Throws: `DeploymentError` if one is no slot.
    package func histories() throws -> [SlotHistory] {
        try fleet.members.map { try SlotHistory(SlotFolder(opening: $0.slot).historyFile) }
    }
}

/// What is to become of a deployment in one slot.
struct EnvoyChange: Sendable {
    let action: SlotRevision.Action
    let source: Int?
    let deployment: FilterDeployment?
    let module: [UInt8]?
    let build: String?
    let isInline: Bool
}
