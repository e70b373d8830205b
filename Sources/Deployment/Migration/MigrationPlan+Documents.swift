// SPDX-License-Identifier: Apache-2.0

import OCI

extension MigrationPlan {
    /// The documents for filters of one id.
    func documents(
        of filters: [OriginalEnvoyFilter], id: String, preferred: [String: String]? = nil,
        _ content: (OriginalEnvoyFilter) -> FilterDeploymentFile.Filter?
    ) -> [FilterDeploymentFile] {
        let namespace = filters[0].object.namespace
        let contents = filters.compactMap { content($0) }
        // An earlier run that did not come to its end has chosen already.
        let isSplit = filters.contains { present(ownID(of: $0, id), namespace)?.labels == $0.labels }
        if !isSplit, Set(contents).count == 1, let content = contents.first {
            let name = free(id, namespace)
            if let labels = present(name, namespace)?.labels,
                filters.allSatisfy({ labels.isSaid(by: $0.labels) })
            {
                return [document(name, content, labels, namespace)]
            }
            if let labels = common(filters, preferred) {
                return [document(name, content, labels, namespace)]
            }
        }
        return zip(filters, contents).map { filter, content in
            document(ownID(of: filter, id), content, filter.labels, namespace)
        }
    }

    /// The labels that mean the pods of all these workloads and no others; nil if no labels do.
    private func common(
        _ filters: [OriginalEnvoyFilter], _ preferred: [String: String]?
    ) -> [String: String]? {
        func reachesOthers(_ labels: [String: String]) -> Bool {
            inventory.workloads.contains { workload in
                workload.object.namespace == filters[0].object.namespace && labels.isSaid(by: workload.labels)
                    && !filters.contains { $0.labels.isSaid(by: workload.labels) }
            }
        }
        if let preferred, filters.allSatisfy({ preferred.isSaid(by: $0.labels) }), !reachesOthers(preferred) {
            return preferred
        }
        if Set(filters.map(\.labels)).count == 1 { return filters[0].labels }
        let common = filters.dropFirst().reduce(filters[0].labels) { labels, filter in
            labels.filter { filter.labels[$0.key] == $0.value }
        }
        // Who does not know all workloads cannot tell that no others have these labels.
        return inventory.knowsWorkloads && !common.isEmpty && !reachesOthers(common) ? common : nil
    }

    func document(
        _ id: String, _ filter: FilterDeploymentFile.Filter, _ labels: [String: String], _ namespace: String?
    ) -> FilterDeploymentFile {
        var place = KubernetesPlace()
        place.namespace = namespace
        place.labels = labels
        place.pullSecret = filter.pull.secret
        var options = IstioOptions()
        options.isGateway = filter.patchContext == .gateway
        var file = FilterDeploymentFile(
            name: free(id, namespace), filter: filter, target: .istio(place, options, .init()))
        file.namespace = namespace
        return file
    }

    private func ownID(of filter: OriginalEnvoyFilter, _ id: String) -> String {
        free("\(id)-\(filter.workload)", filter.object.namespace)
    }

    /// An id that no object of the original has as its name: a deployment may become an `EnvoyFilter`.
    private func free(_ id: String, _ namespace: String?) -> String {
        var label = KubernetesNames.dnsLabel(id)
        if label.utf8.count < id.utf8.count { label = "\(label.prefix(50))-\(Digest(of: id.utf8).short)" }
        let isTaken = inventory.filters.contains {
            $0.object.namespace == namespace && $0.object.name == label
        }
        return isTaken ? "\(label.prefix(57))-wasme" : label
    }

    static func labels(of file: FilterDeploymentFile) -> [String: String] {
        if case .istio(let place, _, _) = file.target { place.labels } else { [:] }
    }
}
