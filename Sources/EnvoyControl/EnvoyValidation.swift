// SPDX-License-Identifier: Apache-2.0

import Files
package import SystemPackage

/// A configuration to give to Envoy.
package enum EnvoyConfiguration: Sendable {
    /// A file of the user's.
    case file(FilePath)
    /// A rendered text, YAML or JSON.
    case text(String)

    /// The file to name on Envoy's command line.
    func path(in folder: RunFolder) throws -> FilePath {
        switch self {
        case .file(let path): return path
        case .text(let text):
            try Files.replace(folder.bootstrap, with: Array(text.utf8))
            return folder.bootstrap
        }
    }

    /// How to speak of it.
    var name: String {
        switch self {
        case .file(let path): "the configuration \"\(path)\""
        case .text: "the configuration"
        }
    }
}

extension EnvoyBinary {
    /// Lets Envoy load a configuration with all its modules, without opening a port.
    ///
    /// Envoy compiles each module, resolves its imports and runs `proxy_on_vm_start` and `proxy_on_configure`; what only
    /// fails with a request is not found.
    /// - Parameters:
    ///   - configuration: a bootstrap.
    ///   - limit: how long a module may take; one that never returns would hold Envoy for ever.
    /// - Throws: `EnvoyError` with code `rejected` and Envoy's reasons.
    package func validate(
        _ configuration: EnvoyConfiguration, within limit: Duration = .seconds(60)
    ) async throws {
        let folder = try RunFolder()
        let outcome = try await runToEnd(
            [
                "--mode", "validate", "--disable-hot-restart", "-l", "error", "-c",
                try configuration.path(in: folder).string,
            ], within: limit)
        guard outcome.exit != .status(0) else { return }
        let reason = EnvoyReason(log: outcome.output)
        if case .signal = outcome.exit, reason.reasons.isEmpty {
            throw EnvoyError(
                .timedOut, "envoy did not finish loading \(configuration.name) within \(limit)",
                hint:
                    "a callback of the filter may never return: look at its proxy_on_vm_start and proxy_on_configure"
            )
        }
        throw EnvoyError(
            .rejected,
            "envoy refuses \(configuration.name): \(reason.reasons.first ?? "it ended with \(outcome.exit)")",
            hint: reason.hint, reasons: reason.reasons)
    }
}
