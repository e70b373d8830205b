// SPDX-License-Identifier: Apache-2.0

import JSON

/// A workload of somebody's, in whose pod template the original wasme has put the folder of its cache.
package struct OriginalWorkload: Hashable, Sendable {
    /// What becomes of an annotation of the pod template.
    package struct Change: Hashable, Sendable {
        package let key: String
        package let before: String?
        /// Nil if it goes.
        package let after: String?
    }

    package let object: OriginalObject
    /// The labels of its pods.
    package let labels: [String: String]
    /// What takes the original's annotations out again, and brings back what it has kept; none if there is nothing of it.
    package let changes: [Change]
    /// Why its annotations cannot be undone; nil if they can.
    package let problem: String?

    /// - Returns: nil for an object that has no pods.
    init?(_ object: OriginalObject) {
        guard object.group == "apps", ["Deployment", "StatefulSet", "DaemonSet"].contains(object.kind),
            let template = object.specification["template"]?.object?["metadata"]?.object
        else { return nil }
        self.object = object
        labels = OriginalObject.texts(template["labels"])
        var changes: [Change] = []
        var problem: String?
        let annotations = OriginalObject.texts(template["annotations"])
        for key in OriginalWasme.volumeAnnotations {
            let backupKey = OriginalWasme.backupPrefix + key
            let (now, backup) = (annotations[key], annotations[backupKey])
            do {
                let after = try Self.without(now, backup: backup)
                if after != now { changes.append(.init(key: key, before: now, after: after)) }
            } catch {
                problem = "its annotation \"\(key)\" is no list in JSON"
            }
            if let backup { changes.append(.init(key: backupKey, before: backup, after: nil)) }
        }
        self.changes = problem == nil ? changes : []
        self.problem = problem
    }

    /// The value of an annotation without the cache's folder.
    private static func without(_ now: String?, backup: String?) throws -> String? {
        let kept = try backup.map { (text: $0, list: try Volumes($0)) }
        guard let now else {
            return kept.flatMap { $0.list.others.isEmpty ? nil : $0.list.text(from: $0.text) }
        }
        guard now.contains(OriginalWasme.cacheFolder) else { return now }
        let list = try Volumes(now)
        guard list.hasCache else { return now }
        // Some versions put the folder in the place of what was there, some beside it; and what came later is kept too.
        if list.others.isEmpty {
            return kept.flatMap { $0.list.others.isEmpty ? nil : $0.list.text(from: $0.text) }
        }
        return kept.flatMap { $0.list.all == list.others ? $0.text : nil }
            ?? JSONValue.array(list.others).description
    }

    /// Whether a filter that stays runs in its pods, and needs the folder.
    package func isNeeded(by filter: OriginalObject) -> Bool {
        guard filter.usesCache,
            filter.namespace == object.namespace || filter.namespace == "istio-system"
        else { return false }
        let selector = filter.specification["workloadSelector"]?.object?["labels"]
        return OriginalObject.texts(selector).isSaid(by: labels)
    }
}

/// The list of volumes or mounts in an annotation (Istio, "Resource Annotations": JSON).
private struct Volumes {
    let all: [JSONValue]
    let others: [JSONValue]

    init(_ text: String) throws {
        guard let list = try JSONValue(parsing: text).array else { throw DeploymentError(.invalid, text) }
        all = list
        others = list.filter { item in
            let path = item.object?["hostPath"]?.object?["path"] ?? item.object?["mountPath"]
            return path?.string != OriginalWasme.cacheFolder
        }
    }

    var hasCache: Bool { others.count != all.count }

    /// As it was written, if nothing is to be taken out.
    func text(from written: String) -> String {
        hasCache ? JSONValue.array(others).description : written
    }
}

extension [String: String] {
    /// Whether all of these labels are among others.
    func isSaid(by labels: [String: String]) -> Bool { allSatisfy { labels[$0.key] == $0.value } }
}
