// SPDX-License-Identifier: Apache-2.0

import FilterImage
package import HostProfiles
package import OCI
import WasmBinary

extension FilterDescription {
    /// What a module is made of.
    package struct Module: Codable, Sendable {
        package let digest: Digest
        package let size: Int
        package let abiVersions: [String]
        /// The identity that it shows while it runs.
        package let build: String?
        package let memory: [Memory]
        /// What it can do, and the host calls for that.
        package let capabilities: [Ability]
        /// Imports that stand for no capability.
        package let otherImports: [Function]
        /// Every import, as "env.proxy_log".
        package let imports: [Function]
        /// Exports that a host calls for events.
        package let callbacks: [Function]
        /// The other exports.
        package let otherExports: [Function]
        package let customSections: [Custom]
        package let producers: [String]
        /// What it uses of WebAssembly beyond the first version.
        package let features: [String]
        /// The names for Envoy's `allowed_capabilities`.
        package let allowedCapabilities: [String]

        package struct Memory: Codable, Sendable {
            /// Bytes at the start; each worker of an Envoy has as much.
            package let initial: UInt64
            package let maximum: UInt64?
        }

        package struct Ability: Codable, Sendable {
            package let capability: Capability
            /// For people, to stand behind "it".
            package let words: String
            package let imports: [String]
        }

        package struct Function: Codable, Sendable, Hashable {
            package let name: String
            /// As in "i32 i32 -> i32"; nil for what is no function.
            package let type: String?
            /// What it is, if it is no function.
            package let kind: String?
        }

        package struct Custom: Codable, Sendable {
            package let name: String
            package let size: Int
        }

        init(_ module: WasmModule) {
            digest = Digest(of: module.bytes)
            size = module.size
            abiVersions = module.proxyABIVersions.map(\.description)
            build = BuildStamp.id(of: module.bytes)
            memory = module.memories.map { limits in
                let page = UInt64(1) << UInt64(min(limits.pageSizeLog2 ?? 16, 63))
                func bytes(_ pages: UInt64) -> UInt64 {
                    let (bytes, isBeyond) = pages.multipliedReportingOverflow(by: page)
                    return isBeyond ? .max : bytes
                }
                return Memory(initial: bytes(limits.minimum), maximum: limits.maximum.map(bytes))
            }
            imports = module.imports.map { item in
                Function(
                    name: "\(item.module).\(item.name)",
                    type: module.signature(of: item).map { "\($0)" },
                    kind: item.kind == .function ? nil : item.kind.description)
            }
            let all = Capabilities(module)
            let abilities = all.all.map { capability in
                Ability(
                    capability: capability, words: capability.words,
                    imports: capability.imports(of: module).map(\.description))
            }
            capabilities = abilities
            let named = Set(abilities.flatMap(\.imports))
            otherImports = imports.filter { !named.contains($0.name) }
            let exported = module.exports.map { export in
                Function(
                    name: export.name, type: module.signature(of: export).map { "\($0)" },
                    kind: export.kind == .function ? nil : export.kind.description)
            }
            func isCallback(_ function: Function) -> Bool {
                function.kind == nil && function.name != "proxy_on_memory_allocate"
                    && (function.name.hasPrefix("proxy_on_")
                        || function.name == "proxy_validate_configuration"
                        || function.name.hasPrefix("envoy_on_"))
            }
            callbacks = exported.filter(isCallback)
            otherExports = exported.filter { !isCallback($0) }
            customSections = module.customSections.map { Custom(name: $0.name, size: $0.content.count) }
            producers = module.producers.map {
                "\($0.field): \($0.name)\($0.version.isEmpty ? "" : " \($0.version)")"
            }
            // A module that cannot be walked is one that `check` explains.
            features = ((try? module.features())?.features ?? []).map(\.description)
            allowedCapabilities = all.allowed
        }

        /// The language that a compiler wrote down.
        static func language(_ module: WasmModule) -> String? {
            module.producers.first { $0.field == "language" }?.name.lowercased()
        }
    }
}
