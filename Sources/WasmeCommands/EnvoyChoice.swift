// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import EnvoyControl
import SystemPackage

extension CommandContext {
    /// Where Envoys are looked for that no variable and no `PATH` names.
    var envoyFolders: [FilePath] {
        EnvoyBinary.searchFolders(from: workingDirectory, environment: environment)
    }

    /// The Envoy to run: the usual one, or the newest installed one of a version.
    /// - Parameter version: as in `1.38` or `1.38.3`; nil for the usual one.
    /// - Returns: where it is.
    /// - Throws: `EnvoyError` if there is none; `CommandError` if the version is not installed.
    func envoy(version: String? = nil) throws -> EnvoyBinary {
        guard let version else {
            return try EnvoyBinary.find(environment: environment, searchFolders: envoyFolders)
        }
        let wanted = try EnvoyVersion(argument: version)
        let installed = envoyFolders.flatMap(InstalledEnvoy.all)
        if let found = installed.first(where: { $0.version.belongs(to: wanted) }) { return found.binary }
        let there = installed.map(\.version.description).joined(separator: ", ")
        throw CommandError(
            .failed, "Envoy \(wanted) is not installed" + (there.isEmpty ? "" : "; installed: \(there)"),
            hint: "run 'wasme envoy install \(wanted)'")
    }
}
