// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// What one version of one host takes.
package struct HostProfile: Sendable {
    /// How the profile is known.
    package enum Verification: String, Hashable, Sendable, Codable {
        /// Modules were loaded into this host.
        case loaded
        /// The host's source was read.
        case source
        /// Its makers or users say so.
        case report
    }

    /// What a module of one ABI version may import and what it may export for the host to call.
    package struct Offer: Sendable {
        package let imports: [ImportName: FunctionType]
        package let callbacks: [String: FunctionType]
    }

    /// What the host runs after it has made an instance.
    package struct Start: Hashable, Sendable {
        /// The function of a module that stays, as in `_initialize`.
        package let reactor: String?
        /// What follows it: the first of these that is exported.
        package let then: [String]
        /// The function of a module that has no `reactor`, as in `_start`.
        package let command: String?
        /// The only host calls that these may make, by name; nil if there is no limit.
        package let allowedCalls: Set<String>?
    }

    /// The host's plain name, as in "istio".
    package let family: String
    /// The host's name for people, as in "Istio".
    package let title: String
    package let version: HostVersion
    /// Whether the version is newer than what is known, so that this is the newest profile instead.
    package let isNewerThanKnown: Bool
    /// The Envoy inside; nil if there is none.
    package let envoy: HostVersion?
    /// What is offered, by the module's ABI version.
    package let abis: [ProxyABIVersion: Offer]
    /// Exports through which the host gets memory inside the module, the first one first; one must be there.
    package let allocators: [String]
    /// The name under which the memory must be exported.
    package let memoryExport: String
    /// Bytes of the largest memory; nil if the engine's own limit is all there is.
    package let maximumMemory: UInt64?
    package let start: Start
    /// What else than functions may be imported: the host makes it, whatever its name.
    package let importKinds: Set<ExternalKind>
    /// Imports that are there and do nothing useful.
    package let stubs: Set<String>
    /// Instances of the module that run beside one for each worker thread.
    package let extraInstances: Int
    /// How it fetches images; nil for a host that reads files only.
    package let image: ImageRules?
    /// The configuration's fields that not every version has.
    package let fields: [HostField]
    package let notes: [HostNote]
    package let verification: Verification
    /// Where the facts are from.
    package let sources: [String]

    /// The ABI versions that are taken, the oldest first.
    package var abiVersions: [ProxyABIVersion] {
        abis.keys.sorted { $0.description < $1.description }
    }

    /// The host and its version for people, as in "Istio 1.27 (Envoy 1.35)".
    package var description: String {
        "\(title) \(version)" + (envoy.map { family == "envoy" ? "" : " (Envoy \($0))" } ?? "")
    }
}
