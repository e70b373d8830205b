// SPDX-License-Identifier: Apache-2.0

import FilterImage
private import Foundation
import OCI
import WasmBinary

/// A host of which something is known.
package struct HostFamily: Hashable, Sendable {
    /// The plain name, as in "envoy-gateway".
    package let name: String
    /// The name for people, as in "Envoy Gateway".
    package let title: String
    /// Other names that people use.
    package let aliases: [String]
    /// The known versions without patches, the oldest first.
    package let versions: [HostVersion]

    /// The newest known version.
    package var newest: HostVersion? { versions.last }
}

/// All that is known of hosts, as data that lies in this program.
package struct HostCatalog: Sendable {
    /// In the order in which they are to be shown.
    package let families: [HostFamily]
    let data: [String: FamilyData]
    let functions: FunctionData
    let leftovers: [ToolchainData.Leftover]
    let knownProfiles = KnownProfiles()

    /// The data that came with this program; it is read once.
    package static func bundled() throws -> HostCatalog { try loaded.get() }

    private static let loaded = Result {
        try HostCatalog(
            functions: PackageResources.functions_json, toolchains: PackageResources.toolchains_json,
            families: familyFiles)
    }

    private static let familyFiles = [
        ("envoy.json", PackageResources.envoy_json), ("istio.json", PackageResources.istio_json),
        ("envoy-gateway.json", PackageResources.envoy_gateway_json),
        ("gloo.json", PackageResources.gloo_json), ("higress.json", PackageResources.higress_json),
        ("kuma.json", PackageResources.kuma_json), ("consul.json", PackageResources.consul_json),
        ("ngx-wasm-module.json", PackageResources.ngx_wasm_module_json),
        ("apisix.json", PackageResources.apisix_json),
    ]

    /// A name for the data that came with this program: another name, other data.
    package static let revision: String = {
        let hasher = DigestHasher()
        hasher.update(PackageResources.functions_json)
        hasher.update(PackageResources.toolchains_json)
        for (_, bytes) in familyFiles { hasher.update(bytes) }
        return hasher.finalize().short
    }()

    init(functions: [UInt8], toolchains: [UInt8], families files: [(String, [UInt8])]) throws {
        self.functions = try Self.decode(functions, "functions.json")
        leftovers = try Self.decode(toolchains, "toolchains.json", as: ToolchainData.self).leftovers
        let all = try files.map { name, bytes in try Self.decode(bytes, name, as: FamilyData.self) }
        families = all.map { family in
            HostFamily(
                name: family.family, title: family.title, aliases: family.aliases ?? [],
                versions: family.profiles.flatMap { range in
                    (range.from.minor...max(range.from.minor, range.to.minor)).map {
                        HostVersion(range.from.major, $0)
                    }
                })
        }
        data = Dictionary(all.map { ($0.family, $0) }) { first, _ in first }
        // A set that is named and is not there shows when the program is built, not when somebody checks a module.
        for family in families {
            for version in family.versions { _ = try profile(of: family.name, version) }
        }
    }

    private static func decode<Value: Decodable>(
        _ bytes: [UInt8], _ name: String, as type: Value.Type = Value.self
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw HostProfilesError(
                .brokenData, "the host profiles in \"\(name)\" are broken: \(decodingFailure(error))")
        }
    }
}

// MARK: - Looking up

extension HostCatalog {
    /// The host of this name or alias.
    package func family(_ name: String) throws -> HostFamily {
        let plain = name.lowercased().filter { $0 != " " }.map { $0 == "_" ? "-" : $0 }
        if let family = families.first(where: { $0.name == String(plain) })
            ?? families.first(where: { $0.aliases.contains(String(plain)) })
        {
            return family
        }
        let names = families.flatMap { [$0.name] + $0.aliases }
        throw HostProfilesError(
            .unknownHost, "nothing is known of a host \"\(name)\"",
            hint: closestName(to: name, in: names).map { "did you mean \"\($0)\"?" }
                ?? "known are \(families.map(\.name).joined(separator: ", "))")
    }

    /// The profiles of all versions that a target means, the oldest first.
    ///
    /// A version that is newer than what is known gets the newest profile, which then says so.
    package func profiles(for target: HostTarget) throws -> [HostProfile] {
        let family = try family(target.host)
        guard let newest = family.newest else { return [] }
        switch target.versions {
        case .newest: return [try profile(of: family.name, newest)]
        case .one(let version): return [try profile(of: family.name, version)]
        case .within(let bounds):
            let versions = family.versions.filter { version in bounds.allSatisfy { $0.holds(version) } }
            if versions.isEmpty {
                let wanted = bounds.map(\.version).max() ?? newest
                guard wanted.line > newest, bounds.allSatisfy({ $0.holds(wanted.line) }) else {
                    throw HostProfilesError(
                        .unknownVersion, "no known version of \(family.title) is within \"\(target)\"",
                        hint: Self.range(of: family))
                }
                return [try profile(of: family.name, wanted)]
            }
            return try versions.map { try profile(of: family.name, $0) }
        }
    }

    /// What one version of one host takes.
    package func profile(of name: String, _ version: HostVersion) throws -> HostProfile {
        let family = try family(name)
        guard let data = data[family.name], let range = data.profiles.last(where: { $0.from <= version })
        else {
            throw HostProfilesError(
                .unknownVersion, "nothing is known of \(family.title) \(version)",
                hint: Self.range(of: family))
        }
        let isNewer = version.line > range.to
        // A line that lies between two known ones has the older one's rules, and is not newer than what is known.
        return try resolve(
            data, range, version, isNewer: isNewer && version.line > (family.newest ?? range.to))
    }

    private static func range(of family: HostFamily) -> String? {
        guard let first = family.versions.first, let last = family.versions.last else { return nil }
        return "known are \(first) to \(last)"
    }

    private func resolve(
        _ data: FamilyData, _ range: FamilyData.Range, _ version: HostVersion, isNewer: Bool
    ) throws -> HostProfile {
        let module = try module(data, range)
        var offers: [ProxyABIVersion: HostProfile.Offer] = [:]
        for (abi, offer) in module.abi ?? [:] {
            offers[ProxyABIVersion(abi)] = HostProfile.Offer(
                imports: try imports((module.imports ?? []) + offer.imports),
                callbacks: try callbacks((module.callbacks ?? []) + offer.callbacks))
        }
        func applies(_ since: HostVersion?, _ until: HostVersion?) -> Bool {
            (since.map { $0 <= version } ?? true) && (until.map { version.line <= $0 } ?? true)
        }
        return HostProfile(
            family: data.family, title: data.title, version: version, isNewerThanKnown: isNewer,
            envoy: data.family == "envoy" ? version : range.envoy, abis: offers,
            allocators: module.allocators ?? [], memoryExport: module.memory ?? "memory",
            maximumMemory: module.maximumMemory,
            start: HostProfile.Start(
                reactor: module.start?.reactor, then: module.start?.then ?? [],
                command: module.start?.command, allowedCalls: module.start?.may.map { Set($0) }),
            importKinds: Set(
                ExternalKind.all.filter { module.importKinds?.contains($0.description) == true }),
            stubs: Set(module.stubs ?? []), extraInstances: module.virtualMachinesBesideWorkers ?? 0,
            image: image(data, range),
            fields: (data.fields ?? []).filter { applies($0.since, $0.until) },
            notes: notes(data, envoy: range.envoy).filter { applies($0.since, $0.until) },
            verification: range.verified, sources: range.sources)
    }

    /// The rules for modules: the host's own, then those of the Envoy inside.
    private func module(_ data: FamilyData, _ range: FamilyData.Range) throws -> FamilyData.Module {
        let own = data.profiles.prefix { $0.from <= range.from }
            .reduce(FamilyData.Module?.none) { older, next in next.module?.filled(from: older) ?? older }
        guard let envoy = range.envoy else {
            return own ?? FamilyData.Module()
        }
        guard let data = self.data["envoy"], let inside = data.profiles.last(where: { $0.from <= envoy })
        else {
            throw HostProfilesError(
                .brokenData, "\(data.title) \(range.from) names an unknown Envoy \(envoy)")
        }
        let base = try module(data, inside)
        return own?.filled(from: base) ?? base
    }

    private func image(_ data: FamilyData, _ range: FamilyData.Range) -> ImageRules? {
        data.profiles.last { $0.from <= range.from && $0.image != nil }?.image
    }

    /// The host's own notes and, for a host that has an Envoy inside, those of that Envoy.
    private func notes(_ data: FamilyData, envoy: HostVersion?) -> [HostNote] {
        guard data.family != "envoy", let envoy else { return data.notes ?? [] }
        let inside = (self.data["envoy"]?.notes ?? []).filter {
            ($0.since.map { $0 <= envoy } ?? true) && ($0.until.map { envoy.line <= $0 } ?? true)
        }
        // Their versions are Envoy's and have been looked at.
        return (data.notes ?? []) + inside.map(\.always)
    }

    private func imports(_ names: [String]) throws -> [ImportName: FunctionType] {
        var offered: [ImportName: FunctionType] = [:]
        for name in names {
            guard let set = functions.imports[name] else {
                throw HostProfilesError(.brokenData, "no set of host calls is named \"\(name)\"")
            }
            for module in set.modules {
                for (function, signature) in set.functions {
                    offered[ImportName(module, function)] = signature.type
                }
            }
        }
        return offered
    }

    private func callbacks(_ names: [String]) throws -> [String: FunctionType] {
        var offered: [String: FunctionType] = [:]
        for name in names {
            guard let set = functions.callbacks[name] else {
                throw HostProfilesError(.brokenData, "no set of callbacks is named \"\(name)\"")
            }
            offered.merge(set.functions.mapValues(\.type)) { _, new in new }
        }
        return offered
    }
}

extension HostNote {
    /// The note without its versions.
    fileprivate var always: HostNote {
        HostNote(id: id, since: nil, until: nil, when: when, text: text, fix: fix, sources: sources)
    }
}

extension ExternalKind {
    /// All but functions.
    fileprivate static let all: [ExternalKind] = [.table, .memory, .global, .tag]
}
