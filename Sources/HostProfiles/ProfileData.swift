// SPDX-License-Identifier: Apache-2.0

/// `functions.json`: named sets of host calls and callbacks.
struct FunctionData: Decodable {
    struct Imports: Decodable {
        let title: String
        let modules: [String]
        let functions: [String: Signature]
        let sources: [String]
    }
    struct Callbacks: Decodable {
        let title: String
        let functions: [String: Signature]
        let sources: [String]
    }
    let imports: [String: Imports]
    let callbacks: [String: Callbacks]
}

/// `<host>.json`: what one host takes, by ranges of its versions.
///
/// A profile says what changed: what it leaves out is that of the profile before it.
struct FamilyData: Decodable {
    /// What a module may be made of; see `HostProfile` for the meaning.
    struct Module: Decodable {
        struct Offer: Decodable {
            let imports: [String]
            let callbacks: [String]
        }
        struct Start: Decodable {
            let reactor: String?
            let then: [String]?
            let command: String?
            let may: [String]?
        }
        var imports: [String]?
        var callbacks: [String]?
        var abi: [String: Offer]?
        var allocators: [String]?
        var memory: String?
        var maximumMemory: UInt64?
        var start: Start?
        var importKinds: [String]?
        var stubs: [String]?
        var virtualMachinesBesideWorkers: Int?

        /// Fills what is not said here.
        func filled(from older: Module?) -> Module {
            Module(
                imports: imports ?? older?.imports, callbacks: callbacks ?? older?.callbacks,
                abi: abi ?? older?.abi, allocators: allocators ?? older?.allocators,
                memory: memory ?? older?.memory, maximumMemory: maximumMemory ?? older?.maximumMemory,
                start: start ?? older?.start,
                importKinds: importKinds ?? older?.importKinds, stubs: stubs ?? older?.stubs,
                virtualMachinesBesideWorkers: virtualMachinesBesideWorkers
                    ?? older?.virtualMachinesBesideWorkers)
        }
    }

    /// Versions from one to another, both included.
    struct Range: Decodable {
        let from: HostVersion
        /// Of the same major version as `from`.
        let to: HostVersion
        /// The Envoy inside, whose rules for modules hold; for a host that takes several, the oldest of them.
        let envoy: HostVersion?
        let module: Module?
        let image: ImageRules?
        let verified: HostProfile.Verification
        let sources: [String]
    }

    let family: String
    let title: String
    let aliases: [String]?
    let profiles: [Range]
    let refusals: [AddressRefusal]?
    let fields: [HostField]?
    let notes: [HostNote]?
}

/// What a host that fetches images takes.
package struct ImageRules: Hashable, Sendable, Decodable {
    /// A way to put a module into an image.
    package enum Layout: String, Hashable, Sendable, Decodable, CaseIterable {
        /// A Docker manifest whose last layer is a gzip-compressed tar with `plugin.wasm`.
        case docker
        /// An OCI manifest whose last layer is a gzip-compressed tar with `plugin.wasm`.
        case compat
        /// The original wasme artifact: the raw module and a configuration, two layers.
        case artifact
    }

    /// Who fetches, as in "istio-agent".
    package let fetcher: String
    package let layouts: [Layout]
    /// Whether an artifact may have more than two layers.
    package let artifactMayHaveMoreLayers: Bool?
    /// Which child of an index is taken, as in "linux/amd64".
    package let platform: String
    /// Bytes of the largest module.
    package let maximumModule: Int64?
    /// Bytes of all modules together.
    package let maximumCache: Int64?
}

/// A field of a host's configuration that not every version has.
package struct HostField: Hashable, Sendable, Decodable {
    /// Where it is, as in "PluginConfig.failure_policy".
    package let name: String
    package let since: HostVersion?
    /// The last version that has it.
    package let until: HostVersion?
    /// What it is for, or which values it takes.
    package let text: String
    package let sources: [String]
}

/// Something that a host does and that a filter's author wants to know.
package struct HostNote: Hashable, Sendable, Decodable {
    /// When it matters to a module.
    package struct Condition: Hashable, Sendable, Decodable {
        /// Any of these host calls is imported.
        package let imports: [String]?
        /// All of these callbacks are exported.
        package let exports: [String]?
    }

    /// A stable name.
    package let id: String
    package let since: HostVersion?
    package let until: HostVersion?
    package let when: Condition
    package let text: String
    package let fix: String?
    package let sources: [String]
}

/// `toolchains.json`: imports that no host offers and what put them into the module.
struct ToolchainData: Decodable {
    struct Leftover: Decodable {
        /// The import's module; a `*` at the end stands for any rest.
        let module: String
        /// The import's names, likewise; none for all.
        let names: [String]?
        /// What they come from.
        let from: String
        let fix: String

        func matches(_ name: ImportName) -> Bool {
            Self.matches(name.module, module)
                && (names.map { $0.contains { Self.matches(name.name, $0) } } ?? true)
        }

        private static func matches(_ text: String, _ pattern: String) -> Bool {
            pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
        }
    }
    let leftovers: [Leftover]
}
