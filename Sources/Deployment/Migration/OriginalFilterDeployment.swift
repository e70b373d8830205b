// SPDX-License-Identifier: Apache-2.0

import JSON

/// A `FilterDeployment` for the original wasme's operator: it chose workloads of one kind by the workloads' own labels.
package struct OriginalFilterDeployment: Hashable, Sendable {
    package let object: OriginalObject
    /// What its filter is called in the proxies.
    package let id: String
    /// The same without the namespace, which the original added to a name that it chose itself.
    let name: String
    /// What it says, with what the original meant where it said nothing.
    package let filter: FilterDeploymentFile.Filter
    /// The labels of the workloads; none for all of the namespace.
    package let labels: [String: String]
    /// As in `deployment`.
    package let workloadKind: String

    /// Reads an object.
    /// - Returns: nil for one that the original's operator did nothing for, as it names no kind of workload.
    /// - Throws: `DeploymentError` for one that has fields which the original did not know.
    static func read(_ object: OriginalObject) throws -> OriginalFilterDeployment? {
        let istio = object.specification["deployment"]?.object?["istio"]?.object
        guard object.kind == FilterDeploymentFile.kind, object.apiVersion == FilterDeploymentFile.apiVersion,
            let kind = istio?["kind"]?.string,
            FilterDeploymentFile.originalWorkloads.contains(where: { $0.lowercased() == kind.lowercased() })
        else { return nil }
        return try OriginalFilterDeployment(object, kind: kind.lowercased())
    }

    private init(_ object: OriginalObject, kind: String) throws {
        self.object = object
        workloadKind = kind
        // Without what the API server keeps beside it.
        var specification = object.specification
        if var target = specification["deployment"]?.object?["istio"]?.object {
            target["kind"] = .string(kind)
            specification["deployment"] = .object(["istio": .object(target)])
        }
        var metadata = JSONObject()
        metadata["name"] = .string(object.name)
        metadata["namespace"] = object.namespace.map { .string($0) }
        let plain: JSONValue = .object([
            "apiVersion": .string(FilterDeploymentFile.apiVersion),
            "kind": .string(FilterDeploymentFile.kind), "metadata": .object(metadata),
            "spec": .object(specification),
        ])
        guard
            let file = try FilterDeploymentFile.read(plain.description, file: object.place ?? object.title)
                .first, case .istio(let place, _, _) = file.target
        else { throw DeploymentError(.invalid, "\(object.title) is not for Istio") }
        name = file.filter.id ?? object.name
        id = file.filter.id ?? "\(object.name).\(object.namespace ?? "")"
        var filter = file.filter
        filter.id = nil
        // The original's own choice where nobody made one.
        if filter.patchContext == nil, filter.match.isEmpty { filter.patchContext = .inbound }
        self.filter = filter
        labels = place.labels
    }
}
