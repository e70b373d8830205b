// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import HostProfiles
import OCI

/// The result of a check in the Static Analysis Results Interchange Format, version 2.1.0, as far as GitHub's code
/// scanning reads it.
struct SARIFLog: Encodable {
    struct Text: Encodable {
        let text: String
    }
    struct Rule: Encodable {
        struct Configuration: Encodable {
            let level: String
        }
        let id: String
        let shortDescription: Text
        let fullDescription: Text
        let defaultConfiguration: Configuration
    }
    struct Driver: Encodable {
        let name = "wasme"
        let semanticVersion = Release.version
        let rules: [Rule]
    }
    struct Tool: Encodable {
        let driver: Driver
    }
    struct Region: Encodable {
        // GitHub shows nothing without a line; a binary's first one is as good as any.
        let startLine = 1
        let byteOffset: Int?
        let byteLength: Int?
    }
    struct Location: Encodable {
        struct Artifact: Encodable {
            let uri: String
        }
        struct Physical: Encodable {
            let artifactLocation: Artifact
            let region: Region
        }
        struct Logical: Encodable {
            let fullyQualifiedName: String
        }
        let physicalLocation: Physical
        let logicalLocations: [Logical]
    }
    struct Result: Encodable {
        let ruleId: String
        let ruleIndex: Int
        let level: String
        let message: Text
        let locations: [Location]
        let partialFingerprints: [String: String]
        let properties: [String: [String]]
    }
    struct Run: Encodable {
        let tool: Tool
        let results: [Result]
    }

    let schema = "https://json.schemastore.org/sarif-2.1.0.json"
    let version = "2.1.0"
    let runs: [Run]

    enum CodingKeys: String, CodingKey {
        case schema = "$schema"
        case version
        case runs
    }

    init(_ result: CheckResult) {
        var found = result.report.entries.map { entry in
            let finding = entry.finding
            return Found(
                rule: finding.rule.rawValue, summary: finding.rule.summary, level: finding.severity.rawValue,
                subject: finding.subject, offset: finding.location?.offset,
                message: finding.message + (finding.fix.map { ". To fix it: \($0)" } ?? ""),
                hosts: entry.hosts.map(\.description))
        }
        if let trial = result.trial, let reason = trial.reason {
            found.append(
                Found(
                    rule: EnvoyTrial.rule, summary: "A real Envoy refuses the module", level: "error",
                    subject: "the module", offset: nil, message: reason,
                    hosts: ["Envoy \(trial.version)"]))
        }
        var rules: [Rule] = []
        var results: [Result] = []
        for item in found {
            let index = rules.firstIndex { $0.id == item.rule } ?? rules.count
            if index == rules.count {
                rules.append(
                    Rule(
                        id: item.rule, shortDescription: Text(text: item.summary),
                        fullDescription: Text(text: item.summary + "."),
                        defaultConfiguration: Rule.Configuration(level: item.level)))
            }
            results.append(item.result(ruleIndex: index, result.sample))
        }
        runs = [Run(tool: Tool(driver: Driver(rules: rules)), results: results)]
    }

    /// A finding on its way into a result.
    private struct Found {
        let rule: String
        let summary: String
        let level: String
        let subject: String
        let offset: Int?
        let message: String
        let hosts: [String]

        func result(ruleIndex: Int, _ sample: CheckSample) -> Result {
            // The path of a project or an image is not that of the module: an offset would be of another file.
            let offset = sample.isFile ? offset : nil
            let place = Location.Physical(
                artifactLocation: Location.Artifact(uri: SARIFLog.uri(sample.path)),
                region: Region(byteOffset: offset, byteLength: offset.map { _ in 1 }))
            return Result(
                ruleId: rule, ruleIndex: ruleIndex, level: level, message: Text(text: message),
                locations: [
                    Location(
                        physicalLocation: place, logicalLocations: [.init(fullyQualifiedName: subject)])
                ],
                // What stays when versions come and offsets move.
                partialFingerprints: [
                    "wasmeFinding/v1": Digest(of: "\(sample.path)\n\(rule)\n\(subject)".utf8).short
                ],
                properties: ["targets": hosts])
        }
    }

    /// A path as a URI reference (RFC 3986 §4.2): a colon in its first part would make that a scheme.
    private static func uri(_ path: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
        let path = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return path.utf8.map { byte in
            if plain.contains(byte) { return String(Unicode.Scalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }
        .joined()
    }
}
