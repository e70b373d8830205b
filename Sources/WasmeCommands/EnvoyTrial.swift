// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import Files
import OCI
import SystemPackage

/// What a real Envoy says when it is to load a module.
struct EnvoyTrial: Encodable {
    /// The name under which a refusal stands beside the findings.
    static let rule = "envoy-refuses"

    let version: String
    let accepted: Bool
    /// Why Envoy refuses it, in its own words.
    let reason: String?
    let help: String?

    private init(version: String, reason: String? = nil, help: String? = nil) {
        self.version = version
        accepted = reason == nil
        self.reason = reason
        self.help = help
    }

    /// Lets Envoy load a module without opening a port.
    static func run(
        _ sample: CheckSample, config: String?, in context: CommandContext
    ) async throws -> EnvoyTrial {
        let envoy = try context.envoy()
        let configuration = try config.map { try context.configuration($0) } ?? sample.example
        let version = try await envoy.version()
        guard let module = sample.moduleBytes ?? sample.unreadableBytes else {
            throw CommandError(.failed, "there is no module in \"\(sample.name)\" that Envoy could load")
        }
        let folder = FilePath(context.environment["TMPDIR"] ?? "/tmp").appending(
            "wasme-check-\(Files.randomName())")
        try Files.createDirectory(folder)
        defer { try? Files.remove(folder) }
        let file = folder.appending(EnvoyFilter.moduleName(module))
        try Files.replace(file, with: module)
        let filter = try EnvoyFilter(
            id: "check", rootID: sample.rootID ?? "", modulePath: file, configuration: configuration,
            digest: Digest(of: module))
        do {
            try await envoy.validate(.text(EnvoyBootstrap.render(filter)))
            return EnvoyTrial(version: version)
        } catch let error as EnvoyError where error.code == .rejected || error.code == .timedOut {
            return EnvoyTrial(
                version: version, reason: error.reasons.first ?? error.message, help: error.hint)
        }
    }
}
