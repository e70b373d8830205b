// SPDX-License-Identifier: Apache-2.0

package import OCI

/// A filter and how it is to run, before any host's own terms: what a command line and a `FilterDeployment` file say, what
/// every target renders, and what a history keeps.
///
/// A target that cannot express a field says so; nothing is dropped in silence.
package struct FilterDeployment: Hashable, Sendable {
    /// Its name; how strict names are depends on the target.
    package var id: String
    /// Where the image is; nil for one that only this machine has.
    package var image: Reference?
    /// The manifest's digest: what runs is what was checked.
    package var digest: Digest
    /// In which chain of filters it stands.
    package var kind = EnvoyPlugin.Kind.http
    /// Which of the module's plugins to run; empty for the only one.
    package var rootID = ""
    /// Plugins with the same id, module and VM configuration share a VM on each thread.
    package var vmID = ""
    /// What the plugin is configured with, byte for byte as `proxy_on_configure` gets it, usually JSON; nil for nothing.
    package var configuration: String?
    /// What its VM is configured with; nil for nothing.
    package var vmConfiguration: String?
    /// The variables that the module's environment has.
    package var environment: [String: EnvironmentValue] = [:]
    /// What the host does when the module traps; nil for what the target does best.
    package var failurePolicy: EnvoyPlugin.FailurePolicy?
    /// The host calls and callbacks that the module may use, and no others; nil for all.
    package var capabilities: [String]?
    /// Where among the host's own filters it runs; nil for the target's usual place, before the router.
    package var phase: Phase?
    /// Where among the filters of one phase it runs; the higher, the earlier.
    package var priority: Int?
    /// Which traffic goes through it; empty for all.
    package var match: [TrafficMatch] = []

    package init(id: String, image: Reference?, digest: Digest) {
        self.id = id
        self.image = image
        self.digest = digest
    }

    /// The value of an environment variable.
    package enum EnvironmentValue: Hashable, Sendable {
        case value(String)
        /// The variable of the same name of the proxy's own process.
        case host
    }

    /// A place among a mesh's own filters.
    package enum Phase: String, Hashable, Sendable, CaseIterable {
        /// Before those that find out who asks.
        case authn
        /// After those, and before those that say who may.
        case authz
        /// After those, and before those that count.
        case stats
    }

    /// A part of a proxy's traffic.
    package struct TrafficMatch: Hashable, Sendable {
        /// Which way it goes, seen from the workload.
        package enum Mode: String, Hashable, Sendable, CaseIterable {
            /// From the workload to others; at a gateway, all of it.
            case client
            /// From others to the workload.
            case server
            case both
        }

        package var mode: Mode
        /// Empty for every port.
        package var ports: [Int]

        package init(mode: Mode = .both, ports: [Int] = []) {
            self.mode = mode
            self.ports = ports
        }
    }
}
