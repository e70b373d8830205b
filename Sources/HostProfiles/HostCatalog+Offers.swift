// SPDX-License-Identifier: Apache-2.0

private import Synchronization
import WasmBinary

extension HostCatalog {
    /// The profile of a known version, made once: to say why an import is missing, all of them are looked at.
    private func known(_ family: String, _ version: HostVersion) -> HostProfile? {
        let key = KnownProfiles.Key(family: family, version: version)
        if let profile = knownProfiles[key] { return profile }
        guard let profile = try? profile(of: family, version) else { return nil }
        knownProfiles[key] = profile
        return profile
    }

    /// The first known version of a host that offers a host call to modules of an ABI version.
    func firstVersion(of family: String, offering name: ImportName, to abi: ProxyABIVersion) -> HostVersion? {
        families.first { $0.name == family }?.versions.first { version in
            known(family, version)?.abis[abi]?.imports[name] != nil
        }
    }

    /// The titles of the hosts whose newest version offers a host call, whatever the ABI version.
    func titles(offering name: ImportName) -> [String] {
        families.filter { family in
            guard let newest = family.newest, let profile = known(family.name, newest) else {
                return false
            }
            return profile.abis.values.contains { $0.imports[name] != nil }
        }
        .map(\.title)
    }

    /// The titles of the hosts whose newest version takes an ABI version.
    func titles(taking abi: ProxyABIVersion) -> [String] {
        families.filter { family in
            guard let newest = family.newest else { return false }
            return known(family.name, newest)?.abis[abi] != nil
        }
        .map(\.title)
    }

    /// Where a host call is from, for people to read on.
    func sources(of name: ImportName) -> [String] {
        functions.imports.values
            .filter { $0.modules.contains(name.module) && $0.functions[name.name] != nil }
            .flatMap(\.sources)
            .sorted()
    }
}

/// Profiles that have been made.
final class KnownProfiles: Sendable {
    struct Key: Hashable {
        let family: String
        let version: HostVersion
    }

    private let profiles = Mutex<[Key: HostProfile]>([:])

    subscript(key: Key) -> HostProfile? {
        get { profiles.withLock { $0[key] } }
        set { profiles.withLock { $0[key] = newValue } }
    }
}
