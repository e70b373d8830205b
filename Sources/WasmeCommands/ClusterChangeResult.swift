// SPDX-License-Identifier: Apache-2.0

import JSON
import KubernetesControl

/// What became of objects in clusters.
struct ClusterChangeResult: CommandResult {
    /// One object.
    struct Change: Encodable {
        let context: String?
        let kind: String
        let namespace: String?
        let name: String
        /// `created`, `configured`, `unchanged` or `deleted`.
        let change: String
        let fields: [Field]

        init(_ change: ObjectChange) {
            context = change.context
            kind = change.object.kind
            namespace = change.object.namespace
            name = change.object.name
            self.change = change.kind.rawValue
            fields = change.fields.map {
                Field(path: $0.path, before: $0.before?.description, after: $0.after?.description)
            }
        }
    }

    /// One field that differs; values are JSON.
    struct Field: Encodable {
        let path: String
        let before: String?
        let after: String?
    }

    let id: String
    let isDryRun: Bool
    let changes: [Change]
    let proxies: [ProxyRow]?
    /// What the control planes say of the objects, if they were asked.
    let statuses: [ObjectStatus]?

    init(_ id: String, _ changes: [ObjectChange], isDryRun: Bool, evidence: [FilterEvidence]? = nil) {
        self.id = id
        self.isDryRun = isDryRun
        self.changes = changes.map { Change($0) }
        proxies = evidence?.flatMap(\.rows)
        statuses = evidence?.map { ObjectStatus($0) }
    }

    var text: String {
        guard !changes.isEmpty else { return "nothing of \"\(id)\" is there" }
        let lines = changes.flatMap { $0.lines(isDryRun: isDryRun) }
        guard let proxies, let statuses else { return lines.joined(separator: "\n") }
        return (lines + statuses.filter { $0.state != "silent" }.map(\.line) + [ProxyRow.table(proxies)])
            .joined(separator: "\n")
    }

    var brief: String { changes.map { "\($0.kind)/\($0.name)" }.joined(separator: "\n") }
}

extension ClusterChangeResult.Change {
    /// The object for people.
    var title: String {
        let place = context.map { " (context \($0))" } ?? ""
        return "\(kind) \(namespace.map { "\($0)/" } ?? "")\(name)\(place)"
    }

    /// The fields that people want to see: a history is for its own verb.
    private var shownFields: [ClusterChangeResult.Field] {
        fields.filter {
            !$0.path.hasPrefix("metadata.annotations[\"") || !$0.path.hasSuffix("wasme.io/history\"]")
        }
    }

    /// Whether more differs than what the history says.
    var isChange: Bool { change == "configured" ? !shownFields.isEmpty : change != "unchanged" }

    /// What became of it, or would.
    func lines(isDryRun: Bool) -> [String] {
        let head = "\(title) \(isDryRun && change != "unchanged" ? "would be " : "")\(change)"
        guard isDryRun else { return [head] }
        return [head]
            + shownFields.flatMap { field in
                (field.before.map { ["  - \(field.path): \($0)"] } ?? [])
                    + (field.after.map { ["  + \(field.path): \($0)"] } ?? [])
            }
    }
}

/// What one pod's proxy says.
struct ProxyRow: Encodable {
    let context: String?
    let namespace: String
    let pod: String
    let state: String
    let reason: String?
    let envoy: String?
    let workers: Int
    let digest: String?
    let restarts: Int
    let fetches: [String: Int]
    /// The digest of the module that Envoy itself fetches.
    let module: String?
    /// What the agent's counts of fetches say beside the state.
    let fetchTrouble: String?

    init(_ report: ProxyReport, context: String?) {
        self.context = context
        namespace = report.pod.namespace
        pod = report.pod.name
        state = "\(report.state)"
        reason = report.reason
        envoy = report.envoy
        workers = report.workers
        digest = report.digest
        restarts = report.restarts
        fetches = report.fetches
        module = report.module
        fetchTrouble = report.fetchTrouble
    }

    static func table(_ rows: [ProxyRow]) -> String {
        guard !rows.isEmpty else { return "no selected pod has a proxy" }
        return WasmeCommands.table(
            ["POD", "STATE", "ENVOY", "WORKERS", "DIGEST", "RESTARTS", "WHY"],
            rows.map { row in
                [
                    "\(row.namespace)/\(row.pod)", row.state, row.envoy ?? "",
                    row.workers > 0 ? "\(row.workers)" : "",
                    row.digest.map { String($0.prefix(12)) } ?? "", "\(row.restarts)",
                    [row.reason, row.fetchTrouble].compactMap { $0 }.joined(separator: "; "),
                ]
            })
    }
}
