// SPDX-License-Identifier: Apache-2.0

import FilterInspection
private import Foundation
import HostProfiles
import OCI
import WasmBinary

/// What a check found, for people and for programs.
struct CheckResult {
    let sample: CheckSample
    let report: CheckReport
    /// What a real Envoy said, if it was asked.
    let trial: EnvoyTrial?
    let paint: Paint

    func formatted(_ format: CheckFormat) throws -> String {
        switch format {
        case .text: text
        case .json: try Self.encode(Document(self))
        case .sarif: try Self.encode(SARIFLog(self))
        }
    }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

// MARK: - For people

extension CheckResult {
    var text: String {
        ([heading] + rows + report.entries.map(text)
            + (trial?.reason.map { [refusal($0)] } ?? []) + (remark.map { [paint($0, .dim)] } ?? []))
            .joined(separator: "\n")
    }

    /// What was checked, before a table is read.
    private var heading: String {
        var facts: [String] = []
        switch sample.subject.module {
        case .whole(let module), .declarations(let module):
            facts.append(byteCount(Int64(module.size)))
            let versions = module.proxyABIVersions.map(\.description).joined(separator: ", ")
            facts.append(versions.isEmpty ? "no Proxy-Wasm ABI named" : "Proxy-Wasm ABI \(versions)")
        case .unreadable: facts.append("not a module that can be loaded")
        case .missing: facts.append("no module found")
        }
        return paint(sample.name, .bold) + ": " + facts.joined(separator: ", ") + "\n"
    }

    private var rows: [String] {
        var cells = report.rows.map { row in
            (title: row.title, versions: row.versions, outcome: outcome(row.findings))
        }
        if let trial {
            let outcome =
                trial.reason == nil ? paint("loads it", .green) : paint("refuses it", .red, .bold)
            cells.append((title: "this Envoy", versions: trial.version, outcome: outcome))
        }
        let titles = cells.map(\.title.count).max() ?? 0
        let versions = cells.map(\.versions.count).max() ?? 0
        func line(_ title: String, _ version: String, _ outcome: String) -> String {
            title.padding(toLength: max(titles, 4), withPad: " ", startingAt: 0) + "  "
                + version.padding(toLength: max(versions, 8), withPad: " ", startingAt: 0) + "  " + outcome
        }
        let last = report.entries.isEmpty && trial?.reason == nil && remark == nil
        return [paint(line("HOST", "VERSIONS", "RESULT"), .dim)]
            + cells.map { line($0.title, $0.versions, $0.outcome) } + (last ? [] : [""])
    }

    private func outcome(_ findings: [Finding]) -> String {
        let errors = findings.count { $0.severity == .error }
        let warnings = findings.count { $0.severity == .warning }
        func words(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
        let parts =
            (errors > 0 ? [paint(words(errors, "error"), .red, .bold)] : [])
            + (warnings > 0 ? [paint(words(warnings, "warning"), .yellow)] : [])
        return parts.isEmpty ? paint("ok", .green) : parts.joined(separator: ", ")
    }

    /// A finding in a block of its own; a note in a line.
    private func text(_ entry: CheckReport.Entry) -> String {
        let finding = entry.finding
        let hosts = entry.hosts.map(\.description).joined(separator: ", ")
        let isForSome = !entry.isEverywhere && report.rows.count > 1
        if finding.severity == .note {
            return paint("note", .cyan) + ": \(finding.message)"
                + (isForSome ? paint(" (\(hosts))", .dim) : "")
        }
        let colour: Paint.Colour = finding.severity == .error ? .red : .yellow
        var lines = [
            paint("\(finding.severity.rawValue)[\(finding.rule)]", colour, .bold) + ": \(finding.message)"
        ]
        if let place = finding.location {
            lines.append(
                field(
                    "where",
                    "byte \(place.offset)"
                        + (place.section == "module" ? "" : ", in the \(place.section) section")))
        }
        if isForSome { lines.append(field("for", hosts)) }
        if let fix = finding.fix { lines.append(field("fix", fix)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func refusal(_ reason: String) -> String {
        var lines = [paint("error[\(EnvoyTrial.rule)]", .red, .bold) + ": \(reason)"]
        if let help = trial?.help { lines.append(field("fix", help)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func field(_ name: String, _ value: String) -> String {
        paint("  \(name): ", .dim) + value
    }

    /// What was not looked at.
    private var remark: String? {
        guard let reading = sample.reading else { return nil }
        let amount = "\(byteCount(reading.bytes)) of \(byteCount(reading.of))"
        switch reading.extent {
        case .whole: return "read \(amount) from the registry: the module is the one that the digest names"
        case .declarations:
            return "read \(amount) from the registry: the module up to its code; the digest was not checked"
        case .sections:
            return
                "read \(amount) from the registry: the module without code and data; the digest was not checked"
        case .none: return nil
        }
    }
}

// MARK: - For programs

extension CheckResult {
    /// The result as JSON; keys stay, more may come.
    private struct Document: Encodable {
        struct Row: Encodable {
            let host: String
            let title: String
            let from: HostVersion
            let to: HostVersion
            let taken: Bool
            let errors: Int
            let warnings: Int
        }
        struct Place: Encodable {
            let host: String
            let from: HostVersion
            let to: HostVersion
        }
        struct Entry: Encodable {
            let severity: Finding.Severity
            let rule: Rule
            let subject: String
            let message: String
            let fix: String?
            let location: Finding.Location?
            let targets: [Place]
            let sources: [String]
        }
        struct Reading: Encodable {
            let extent: String
            let bytes: Int64
            let layerBytes: Int64
        }

        let subject: String
        let digest: String?
        let taken: Bool
        let targets: [Row]
        let findings: [Entry]
        let envoy: EnvoyTrial?
        /// How much was read of an image that is elsewhere.
        let read: Reading?

        init(_ result: CheckResult) {
            subject = result.sample.name
            digest = result.sample.digest?.description
            taken = result.report.isTaken && result.trial?.reason == nil
            targets = result.report.rows.map { row in
                Row(
                    host: row.family, title: row.title, from: row.from, to: row.to, taken: row.isTaken,
                    errors: row.findings.count { $0.severity == .error },
                    warnings: row.findings.count { $0.severity == .warning })
            }
            findings = result.report.entries.map { entry in
                let finding = entry.finding
                return Entry(
                    severity: finding.severity, rule: finding.rule, subject: finding.subject,
                    message: finding.message, fix: finding.fix, location: finding.location,
                    targets: entry.hosts.map { Place(host: $0.family, from: $0.from, to: $0.to) },
                    sources: finding.sources)
            }
            envoy = result.trial
            read = result.sample.reading.map {
                Reading(extent: $0.extent.rawValue, bytes: $0.bytes, layerBytes: $0.of)
            }
        }
    }
}
