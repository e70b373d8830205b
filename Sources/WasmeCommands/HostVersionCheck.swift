// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import FilterInspection
import HostProfiles
import WasmBinary

/// Holds an image against the hosts that are to run it, before anything is changed.
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
        var notes: [String] = []
        var seen: Set<String> = []
        for survey in surveys where seen.insert(survey.version).inserted {
            guard let version = HostVersion(survey.version) else {
                notes.append("nothing is known of Envoy \"\(survey.version)\": not checked")
                continue
            }
            notes += try judge(
                CheckSubject(.whole(module)), by: HostTarget(host: "envoy", versions: .one(version)),
                at: " at \(survey.admin)")
        }
        return notes
    }

    /// Refuses what a mesh or gateway is known not to take: its fetcher the image, its Envoy the module.
    /// - Parameters:
    ///   - host: the host's plain name, as in "istio".
    ///   - versions: those that run; none for the newest that is known.
    /// - Returns: what a person should know, a line each.
    /// - Throws: `CommandError` with the findings.
    func check(_ host: String, _ versions: [HostVersion]) async throws -> [String] {
        let subject = try await ImageInspection.read(image.document, from: image.blobs).subject
        let targets =
            versions.isEmpty
            ? [HostTarget(host: host)]
            : Set(versions).sorted().map { HostTarget(host: host, versions: .one($0)) }
        return try targets.flatMap { try judge(subject, by: $0) }
    }

    private func judge(
        _ subject: CheckSubject, by target: HostTarget, at place: String = ""
    ) throws -> [String] {
        let rows: [HostCheckRow]
        do {
            rows = try HostCatalog.bundled().check(subject, for: target)
        } catch let error as HostProfilesError where [.unknownHost, .unknownVersion].contains(error.code) {
            return ["\(error.message): not checked"]
        }
        return try rows.flatMap { row in
            let errors = row.findings.filter { $0.severity == .error }
            guard errors.isEmpty else {
                let list = errors.prefix(3).map { "\($0.subject): \($0.message)" }.joined(separator: "; ")
                let more = errors.count > 3 ? "; and \(errors.count - 3) more" : ""
                throw CommandError(
                    .failed,
                    "\(row.title) \(row.versions)\(place) does not take \"\(image.place)\": \(list)\(more)",
                    hint: (copyHint(errors, row) ?? "")
                        + "'wasme check \(image.place) --target \(row.family):\(row.to)' says all; --no-check deploys it all the same"
                )
            }
            return row.findings.filter { $0.severity == .warning }.map {
                "\(row.title) \(row.versions): \($0.subject): \($0.message)"
            }
        }
    }

    /// The command that makes an image which the host's fetcher takes, if nothing but the layout is in the way.
    private func copyHint(_ errors: [Finding], _ row: HostCheckRow) -> String? {
        let ofLayout: Set<Rule> = [.imageLayout, .imageLayer, .imageModule]
        guard errors.allSatisfy({ ofLayout.contains($0.rule) }),
            let layouts = try? HostCatalog.bundled().profile(of: row.family, row.to).image?.layouts
        else { return nil }
        let variant: ImageVariant = layouts.contains(.compat) ? .compat : .artifact
        let name = "\(image.place)".prefix { $0 != "@" }
        let hasTag = name.split(separator: "/").last?.contains(":") == true
        let other = "\(name)\(hasTag ? "-" : ":")\(variant.rawValue)"
        return
            "deploy a copy in the layout that it takes: 'wasme copy \(image.place) \(other) --variant \(variant.rawValue)'; "
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
