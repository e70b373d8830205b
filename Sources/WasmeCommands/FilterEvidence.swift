// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import KubernetesControl
import OCI

/// What is known of whether the filter of one object runs where it is to run.
struct FilterEvidence {
    let object: ClusterObject
    /// The context of kubectl; nil for the current one.
    let context: String?
    /// What the control plane says of the object.
    var verdict: ObjectVerdict
    /// What the proxies say.
    var rows: [ProxyRow] = []
    /// Why that is not all that there is to know; nil if it is.
    var doubt: String?

    /// Whether the control plane has nothing against it and every proxy runs it; no proxy proves nothing.
    var isProved: Bool {
        doubt == nil && [.accepted, .silent].contains(verdict.state) && !rows.isEmpty
            && rows.allSatisfy { $0.state == "healthy" }
    }
}

/// How evidence for a deployment's filters is gathered.
struct FilterProof {
    let fleet: ProxyFleet
    /// The deployment.
    let id: String
    /// The image that is to run; nil to take any.
    let digest: Digest?
    /// The module in it; nil if that is not known.
    var module: Digest?
    let way: ProxyOptions
    let output: OutputOptions
    let context: CommandContext

    /// What is known of an object's filter.
    /// - Parameters:
    ///   - object: as the API server has it.
    ///   - kubectl: its cluster.
    ///   - limit: how long to wait for a proof; nil to ask once.
    /// - Returns: nil for an object that makes no filter.
    /// - Throws: a `Diagnostic`.
    func evidence(
        of object: ClusterObject, by kubectl: Kubectl, within limit: Duration? = nil
    ) async throws -> FilterEvidence? {
        guard var filter = fleet.filter(of: object, id) else { return nil }
        if case .listener(var inner) = filter, inner.module == nil, fleet.servesModules {
            inner.module = module?.hex
            filter = .listener(inner)
        }
        let deadline = limit.map { ContinuousClock.now + $0 }
        var evidence = FilterEvidence(
            object: object, context: kubectl.context,
            verdict: try await verdict(on: object, by: kubectl, until: deadline))
        if let obstacle = fleet.obstacle {
            evidence.doubt = "its proxies were not asked: \(obstacle)"
            return evidence
        }
        let search = try await fleet.search(for: object, by: kubectl)
        guard !search.pods.isEmpty else {
            evidence.doubt = try await absence(of: object, search, by: kubectl)
            return evidence
        }
        let proof = ProxyProof(try way.proxy(kubectl, of: fleet, in: context), ports: fleet.ports)
        // What is refused does not come to the proxies, however long one waits.
        let status =
            if let deadline, evidence.verdict.state != .refused {
                try await proof.prove(
                    filter, digest: digest?.hex, in: search.pods,
                    within: max(.zero, deadline - .now))
            } else {
                try await proof.status(of: filter, digest: digest?.hex, in: search.pods)
            }
        note(status)
        evidence.rows = status.reports.map { ProxyRow($0, context: kubectl.context) }
        if evidence.rows.isEmpty {
            evidence.doubt =
                "no selected pod runs a container \"\(fleet.ports.container)\"; looked for \(search.sought.joined(separator: ", "))"
        }
        return evidence
    }

    /// What the control plane says, once it has looked.
    private func verdict(
        on object: ClusterObject, by kubectl: Kubectl, until deadline: ContinuousClock.Instant?
    ) async throws -> ObjectVerdict {
        var verdict = ObjectVerdict(object, answers: fleet.answersInStatus)
        var pause = Duration.milliseconds(200)
        while verdict.state == .pending, let deadline, ContinuousClock.now + pause < deadline {
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
            guard let now = try await kubectl.refreshed(object) else { break }
            verdict = ObjectVerdict(now, answers: fleet.answersInStatus)
        }
        return verdict
    }

    /// That there are no pods, with what was meant most likely, and what was looked for.
    private func absence(
        of object: ClusterObject, _ search: ProxySearch, by kubectl: Kubectl
    ) async throws -> String {
        var miss: String?
        if let selection = PodSelection(object) {
            do {
                miss = try await kubectl.miss(of: selection)
            } catch let error as KubernetesError where error.code == .denied {
                // Who may not look further has at least what was found.
            }
        }
        var parts = ["\(object.title) \(miss ?? "selects no pod")"]
        if !search.sought.isEmpty { parts.append("looked for \(search.sought.joined(separator: ", "))") }
        parts += search.remarks
        return parts.joined(separator: "; ")
    }

    private func note(_ status: ProxyStatus) {
        if !status.others.isEmpty {
            let names = status.others.prefix(3).map(\.name).joined(separator: ", ")
            output.note(
                "note: \(status.others.count) of the selected pods have no running proxy: \(names)"
                    + (status.others.count > 3 ? ", …" : ""), in: context)
        }
        if let note = fleet.ports.note, status.reports.contains(where: { $0.state == .unreachable }) {
            output.note(
                "note: the admin interface of \(fleet.title)'s proxies is looked for at port \(fleet.ports.admin); \(note)",
                in: context)
        }
    }
}
