// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a control plane says, in an object's status, that it made of it.
package struct ObjectVerdict: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        case accepted
        case refused
        /// Nobody has looked at it yet, or only at an earlier version of it.
        case pending
        /// It says nothing.
        case silent
    }

    package private(set) var state = State.silent
    /// In its own words, with the names of conditions; also of what is only worth knowing.
    package private(set) var reasons: [String] = []

    private var isAccepted = false
    private var isRefused = false
    private var isPending = false

    /// Reads the status of an object.
    /// - Parameters:
    ///   - object: as the API server has it.
    ///   - answers: whether its control plane always says something.
    package init(_ object: ClusterObject, answers: Bool = false) {
        let status = object.json["status"]?.object
        let generation = object.metadata["generation"]?.number
        // Gateway API's policies say it for each of what they are attached to (GEP-713).
        for ancestor in status?["ancestors"]?.array?.compactMap(\.object) ?? [] {
            let reference = ancestor["ancestorRef"].flatMap { ObjectReference($0, kind: "Gateway") }
            read(
                ancestor["conditions"], generation,
                of: reference.map { " for \($0.kind) \"\($0.name)\"" } ?? "")
        }
        // Kubernetes API conventions, "Typical status properties".
        read(status?["conditions"], generation, of: "")
        // Gloo's own form (solo-io/solo-kit, `api/v1/status.proto`), one or one for each of its control planes.
        if status?["state"] != nil { read(gloo: status) }
        for reporter in status?["statuses"]?.object?.members ?? [] { read(gloo: reporter.value.object) }
        if answers, !isAccepted, !isRefused, !isPending {
            isPending = true
            reasons.append("no control plane has looked at it yet")
        }
        state = isRefused ? .refused : isPending ? .pending : isAccepted ? .accepted : .silent
    }

    /// Conditions that are good if they are true; others only tell something.
    private static let good: Set = [
        "Accepted", "Programmed", "Ready", "Reconciled", "ResolvedRefs", "Synced",
    ]

    private mutating func read(_ conditions: JSONValue?, _ generation: JSONNumber?, of what: String) {
        for condition in conditions?.array?.compactMap(\.object) ?? [] {
            let type = condition["type"]?.string ?? ""
            let value = condition["status"]?.string ?? "Unknown"
            let words = [condition["reason"]?.string, condition["message"]?.string].compactMap {
                $0.flatMap { $0.isEmpty ? nil : $0 }
            }
            let text =
                "\(type) is \(value)\(what)" + (words.isEmpty ? "" : ": \(words.joined(separator: ": "))")
            if let seen = condition["observedGeneration"]?.number, let generation, seen < generation {
                isPending = true
                reasons.append("\(type)\(what) was said of an earlier version of it")
            } else if Self.good.contains(type) {
                switch value {
                case "True": isAccepted = true
                case "False":
                    isRefused = true
                    reasons.append(text)
                default:
                    isPending = true
                    reasons.append(text)
                }
            } else if value == "True" {
                reasons.append(text)
            }
        }
    }

    private mutating func read(gloo status: JSONObject?) {
        guard let state = status?["state"] else { return }
        let names = ["Pending", "Accepted", "Rejected", "Warning"]
        let name =
            state.string ?? state.number.flatMap { Int($0.description) }.flatMap {
                names.indices.contains($0) ? names[$0] : nil
            } ?? state.description
        let reason = status?["reason"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        switch name {
        case "Accepted": isAccepted = true
        case "Warning":
            isAccepted = true
            reasons.append("its state is Warning" + (reason.map { ": \($0)" } ?? ""))
        case "Rejected":
            isRefused = true
            reasons.append("its state is Rejected" + (reason.map { ": \($0)" } ?? ""))
        default:
            isPending = true
            reasons.append("its state is \(name)" + (reason.map { ": \($0)" } ?? ""))
        }
        for part in status?["subresourceStatuses"]?.object?.members ?? [] {
            var below = ObjectVerdict(ClusterObject(JSONObject()))
            below.read(gloo: part.value.object)
            guard below.isRefused else { continue }
            isRefused = true
            reasons += below.reasons.map { "\(part.name): \($0)" }
        }
    }
}

extension JSONValue {
    fileprivate var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }
}
