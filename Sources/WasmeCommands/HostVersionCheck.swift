// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import HostProfiles
import WasmBinary

/// Holds a module against the Envoys that are to run it.
struct HostVersionCheck {
    let image: StoredFilter
    let module: WasmModule

    init(_ image: StoredFilter) throws {
        self.image = image
        do { module = try WasmModule(image.content.module) } catch {
            throw CommandError(
                .failed, "the module of \"\(image.place)\" cannot be read: \(error)",
                hint: "'wasme check \(image.place)' says more")
        }
    }

    /// Refuses what an Envoy's version is known not to take.
    /// - Returns: what a person should know, a line each.
    /// - Throws: `CommandError` with the findings.
    func check(_ surveys: [EnvoySurvey]) throws -> [String] {
        let catalog = try HostCatalog.bundled()
        var notes: [String] = []
        var seen: Set<String> = []
        for survey in surveys where seen.insert(survey.version).inserted {
            guard let version = HostVersion(survey.version) else {
                notes.append("nothing is known of Envoy \"\(survey.version)\": not checked")
                continue
            }
            let findings = try catalog.check(module, for: HostTarget(host: "envoy", versions: .one(version)))
                .flatMap(\.findings)
            let errors = findings.filter { $0.severity == .error }
            guard errors.isEmpty else {
                let list = errors.prefix(3).map { "\($0.subject): \($0.message)" }.joined(separator: "; ")
                let more = errors.count > 3 ? "; and \(errors.count - 3) more" : ""
                throw CommandError(
                    .failed,
                    "Envoy \(survey.version) at \(survey.admin) does not take \"\(image.place)\": \(list)\(more)",
                    hint:
                        "'wasme check \(image.place) --target envoy:\(survey.version)' says all; --no-check deploys it all the same"
                )
            }
            notes += findings.filter { $0.severity == .warning }.map {
                "Envoy \(survey.version): \($0.subject): \($0.message)"
            }
        }
        return notes
    }

    /// What the filter's virtual machines begin with in each Envoy.
    func memory(_ surveys: [EnvoySurvey]) -> [EnvoyChangeResult.Memory] {
        let bytes = module.memories.reduce(Int64(0)) { $0 + Int64(min($1.minimum, 1 << 20)) << 16 }
        guard bytes > 0 else { return [] }
        return surveys.map { survey in
            let machines = survey.concurrency + 2
            return EnvoyChangeResult.Memory(
                admin: "\(survey.admin)", virtualMachines: machines, bytes: bytes * Int64(machines))
        }
    }
}
