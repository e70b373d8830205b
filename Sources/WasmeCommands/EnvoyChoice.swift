// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import EnvoyControl
import SystemPackage

extension CommandContext {
    /// Where Envoys are looked for that no variable and no `PATH` names.
    var envoyFolders: [FilePath] {
        EnvoyBinary.searchFolders(from: workingDirectory, environment: environment)
    }

    /// The Envoy that filters are usually run in.
    /// - Throws: `EnvoyError` if there is none.
    func envoy() throws -> EnvoyBinary {
        try EnvoyBinary.find(environment: environment, searchFolders: envoyFolders)
    }

    /// The newest Envoy of a version on this machine.
    /// - Parameter text: as in `1.38` or `1.38.3`.
    /// - Returns: an installed one, or the usual one, which somebody else may have put here.
    /// - Throws: `CommandError` if the text is no version, or there is no such Envoy.
    func envoy(version text: String) async throws -> InstalledEnvoy {
        let wanted = try EnvoyVersion(argument: text)
        var known = envoyFolders.flatMap(InstalledEnvoy.all)
        if let usual = try? envoy(), !known.contains(where: { $0.binary == usual }),
            let version = (try? await usual.version()).flatMap({ EnvoyVersion($0) })
        {
            known.insert(InstalledEnvoy(version: version, binary: usual), at: 0)
        }
        let fitting = known.filter { $0.version.belongs(to: wanted) }
        if let found = fitting.max(by: { $0.version < $1.version }) { return found }
        let there = Set(known.map(\.version)).sorted().map(\.description).joined(separator: ", ")
        throw CommandError(
            .failed, "Envoy \(wanted) is not on this machine",
            hint: "run 'wasme envoy install \(wanted)'" + (there.isEmpty ? "" : "; there are \(there)"))
    }

    /// The Envoy that an option names, else the usual one.
    func envoy(option: String?) async throws -> EnvoyBinary {
        guard let option else { return try envoy() }
        return try await envoy(version: option).binary
    }
}
