// SPDX-License-Identifier: Apache-2.0

import Deployment
import KubernetesControl
import OCI

/// What a migration would do, or did.
struct MigrationResult: CommandResult {
    /// What is deployed in place of objects of the original's.
    struct Document: Encodable {
        let context: String?
        let namespace: String?
        let id: String
        let target: String
        let image: String
        let digest: String?
        /// The document as `wasme deploy -f` takes it.
        let yaml: String
        let replaces: [Object]
    }

    /// An object, and why it is named here.
    struct Object: Encodable {
        let context: String?
        let kind: String
        let namespace: String?
        let name: String
        var reason: String?

        init(_ object: OriginalObject, _ context: String?, reason: String? = nil) {
            self.context = context
            kind = object.kind
            namespace = object.namespace
            name = object.name
            self.reason = reason
        }
    }

    /// A workload whose pod template changes.
    struct Workload: Encodable {
        struct Change: Encodable {
            let key: String
            let before: String?
            let after: String?
        }

        let context: String?
        let kind: String
        let namespace: String?
        let name: String
        let annotations: [Change]

        init(_ workload: OriginalWorkload, _ context: String?) {
            let object = Object(workload.object, context)
            (self.context, kind, namespace, name) = (context, object.kind, object.namespace, object.name)
            annotations = workload.changes.map { Change(key: $0.key, before: $0.before, after: $0.after) }
        }
    }

    var applied = false
    var documents: [Document] = []
    /// What goes, or would go, at the end: the cache, the operator.
    var installation: [Object] = []
    var workloads: [Workload] = []
    var leftAlone: [Object] = []
    /// Filters whose image is not known.
    var missing: [Object] = []
    var notes: [String] = []
    /// What became of objects.
    var changes: [ClusterChangeResult.Change] = []

    /// The documents, each once: clusters that are alike have the same.
    private var distinct: [Document] {
        var seen: Set<String> = []
        return documents.filter { seen.insert($0.yaml).inserted }
    }

    var text: String {
        guard !applied else {
            return changes.map { change in
                let place = change.context.map { " (context \($0))" } ?? ""
                let name = "\(change.namespace.map { "\($0)/" } ?? "")\(change.name)"
                return "\(change.kind) \(name)\(place) \(change.change)"
            }.joined(separator: "\n")
        }
        // Where clusters differ, a document says which one it is for.
        let contexts = Set(documents.map(\.context)).count
        let differ = contexts > 1 && distinct.count * contexts != documents.count
        return distinct.map { document in
            (differ ? document.context.map { "# context \"\($0)\"\n" } ?? "" : "") + document.yaml
        }.joined(separator: "---\n").trimmedEnd
    }

    var brief: String {
        applied
            ? changes.map { "\($0.kind)/\($0.name)" }.joined(separator: "\n")
            : distinct.map(\.id).joined(separator: "\n")
    }

    /// Adds what a plan for one cluster says.
    mutating func add(_ plan: MigrationPlan, _ context: String?) {
        for step in plan.steps {
            for file in step.documents {
                documents.append(
                    Document(
                        context: context, namespace: file.namespace, id: file.name, target: file.target.name,
                        image: file.filter.image.description, digest: file.filter.digest?.description,
                        yaml: file.yaml, replaces: step.replaced.map { Object($0, context) }))
            }
        }
        leftAlone += plan.leftAlone.map { Object($0.object, context, reason: $0.reason) }
        missing += plan.missing.map {
            Object($0.object, context, reason: "no image holds the module \($0.module)")
        }
        notes += plan.notes
    }

    mutating func changed(_ object: OriginalObject, _ context: String?, _ change: String) {
        changes.append(.init(object, context, change))
    }
}

extension ClusterChangeResult.Change {
    /// An object of the original's that went, or a workload that changed.
    init(_ object: OriginalObject, _ context: String?, _ change: String) {
        self.context = context
        kind = object.kind
        namespace = object.namespace
        name = object.name
        self.change = change
        fields = []
    }
}

extension String {
    /// Without the line end that the printer adds.
    fileprivate var trimmedEnd: String { hasSuffix("\n") ? String(dropLast()) : self }
}
