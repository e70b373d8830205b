// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import OCI
import SystemPackage

extension EnvoyDeployer {
    /// What an Envoy of this machine says to a filter.
    struct Trial: Sendable {
        let version: String
        /// Why it does not load it; nil if it does.
        let refusal: EnvoyError?
    }

    /// Lets the local Envoy load what is to be deployed; nil if there is none, or nothing to load.
    func trial(_ rounds: [EnvoyRound]) async -> Trial? {
        guard let binary = options.binary, let round = rounds.first, round.change.module != nil else {
            return nil
        }
        guard let version = try? await binary.version() else { return nil }
        return Trial(version: version, refusal: await Self.refusal(binary, round))
    }

    private static func refusal(_ binary: EnvoyBinary, _ round: EnvoyRound) async -> EnvoyError? {
        guard let module = round.change.module, let deployment = round.change.deployment else { return nil }
        do {
            let folder = try RunFolder()
            defer { withExtendedLifetime(folder) {} }
            // Outside the slot: nothing of a filter that is refused gets there.
            let file = folder.path.appending("module.wasm")
            try Files.replace(file, with: module)
            let plugin = EnvoyPlugin(deployment, name: deployment.id, code: .file(file))
            let text = EnvoyBootstrap.trial(plugin).yamlLines.joined(separator: "\n") + "\n"
            try await binary.validate(.text(text))
            return nil
        } catch let error as EnvoyError {
            return [.rejected, .timedOut].contains(error.code) ? error : nil
        } catch { return nil }
    }

    /// Refuses what an Envoy of the very version that is to run it has refused.
    func judge(_ trial: Trial?, _ surveys: [EnvoySurvey], id: String) async throws {
        guard let trial else { return }
        let same = surveys.first { $0.version == trial.version }
        guard let refusal = trial.refusal else {
            progress(.validated(version: trial.version, isSame: same != nil))
            return
        }
        let reason = refusal.reasons.first ?? refusal.message
        guard let same else {
            progress(.doubted(version: trial.version, reason: reason))
            return
        }
        throw DeploymentError(
            .rejected,
            "envoy \(trial.version), as the one at \(same.admin), refuses \"\(id)\": \(reason); nothing was changed",
            hint: refusal.hint)
    }

    /// Why an Envoy has refused a filter, as far as that can be known: its admin interface does not say.
    func refusalReason(_ round: EnvoyRound, _ admin: HostPort) async -> (text: String, hint: String?) {
        let seen =
            round.slot.seenAs == round.slot.path
            ? "" : ", which it is told to look for at \"\(round.slot.seenAs)\""
        let module =
            round.change.isInline || round.change.module == nil
            ? "" : "; it may not see the module's file in \"\(round.slot.modulesFolder)\"\(seen)"
        guard let binary = options.binary, let trial = try? await binary.version() else {
            return (
                "its admin interface does not say why, and there is no envoy on this machine to ask\(module)",
                nil
            )
        }
        guard let refusal = await Self.refusal(binary, round) else {
            return (
                "the envoy \(trial) of this machine loads it, so it is not the filter itself\(module)",
                "let the envoy read the slot's folder; in a container, say how it sees it with --slot-as, or use --inline"
            )
        }
        return ("envoy \(trial) says: \(refusal.reasons.first ?? refusal.message)", refusal.hint)
    }

    /// A module that was deployed before.
    static func module(_ hex: String, of revision: SlotRevision, in folder: FilePath) throws -> [UInt8] {
        let file = folder.appending("modules").appending("\(hex).wasm")
        guard Files.kind(file) == .file else {
            throw DeploymentError(
                .unknown,
                "the module of \"\(revision.id)\", revision \(revision.number), is no longer at \"\(file)\"",
                hint: "deploy its image again: \(revision.deployment.map { "\($0.digest)" } ?? "")")
        }
        let bytes = try Files.read(file, limit: 1 << 30)
        guard Digest(of: bytes).hex == hex else {
            throw DeploymentError(
                .damaged, "the module \"\(file)\" is not what its name says: it was changed",
                hint: "deploy the image again; the file is then written anew")
        }
        return bytes
    }

    static func noRevision(_ id: String, _ number: Int?, _ revisions: [SlotRevision]) -> DeploymentError {
        let good = revisions.filter { $0.deployment != nil && $0.stands }.map { "\($0.number)" }
        let hint =
            good.isEmpty
            ? "there is none that could be gone back to" : "there are: \(good.joined(separator: ", "))"
        guard let number else {
            return DeploymentError(
                .unknown, "\"\(id)\" has no good revision before the one that stands", hint: hint)
        }
        return DeploymentError(
            .unknown, "\"\(id)\" has no revision \(number) that could be gone back to", hint: hint)
    }
}

extension EnvoyBootstrap {
    /// A bootstrap with one filter and nothing behind it, for `--mode validate`.
    static func trial(_ plugin: EnvoyPlugin) -> ConfigValue {
        let types = "type.googleapis.com/envoy.extensions.filters"
        let item: ConfigValue = ["name": "trial", "typed_config": plugin.typedConfig]
        let filters: [ConfigValue] =
            switch plugin.kind {
            case .network:
                [
                    item,
                    [
                        "name": "envoy.filters.network.echo",
                        "typed_config": ["@type": "\(types).network.echo.v3.Echo"],
                    ],
                ]
            case .http:
                [
                    [
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": [
                            "@type": "\(types).network.http_connection_manager.v3.HttpConnectionManager",
                            "stat_prefix": "trial",
                            "route_config": ["name": "trial"],
                            "http_filters": [
                                item,
                                [
                                    "name": "envoy.filters.http.router",
                                    "typed_config": ["@type": "\(types).http.router.v3.Router"],
                                ],
                            ],
                        ],
                    ]
                ]
            }
        return [
            "static_resources": [
                "listeners": [
                    [
                        "name": "trial",
                        "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0]],
                        "filter_chains": [["filters": .list(filters)]],
                    ]
                ]
            ]
        ]
    }
}
