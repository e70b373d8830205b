// SPDX-License-Identifier: Apache-2.0

import JSON
package import OCI

/// What the original wasme left, among all the objects that were read.
package struct OriginalInventory: Sendable {
    /// An object that is not touched, although it may be the original's.
    package struct LeftAlone: Hashable, Sendable {
        package let object: OriginalObject
        package let reason: String
    }

    package private(set) var filters: [OriginalEnvoyFilter] = []
    package private(set) var deployments: [OriginalFilterDeployment] = []
    package private(set) var gatewayFilters: [OriginalGatewayFilter] = []
    /// All workloads, also those without anything of the original's.
    package private(set) var workloads: [OriginalWorkload] = []
    /// The cache, the operator and the definition of its resource, in the order in which they go.
    package private(set) var installation: [OriginalObject] = []
    package private(set) var leftAlone: [LeftAlone] = []
    /// The images that the cache was told to fetch, as they are written.
    package private(set) var images: [String] = []
    /// Whether these are all workloads of the namespaces that were looked at.
    package let knowsWorkloads: Bool

    /// - Parameters:
    ///   - objects: what was read; objects of others are passed over.
    ///   - cache: where the cache is.
    ///   - knowsWorkloads: whether all workloads of the namespaces are among them.
    package init(
        _ objects: [OriginalObject], cache: OriginalWasme.Cache = .init(), knowsWorkloads: Bool = false
    ) {
        self.knowsWorkloads = knowsWorkloads
        for object in objects { add(object, cache) }
        let order = [
            "Deployment", "DaemonSet", "ConfigMap", "ClusterRoleBinding", "RoleBinding", "ClusterRole",
            "Role",
            "ServiceAccount", "CustomResourceDefinition",
        ]
        installation.sort { left, right in
            (order.firstIndex(of: left.kind) ?? 0, left.name) < (
                order.firstIndex(of: right.kind) ?? 0, right.name
            )
        }
        settleOwnership()
        settleAccounts(objects)
    }

    /// An account that others use stays: its name is all that it has of the original.
    private mutating func settleAccounts(_ objects: [OriginalObject]) {
        for account in installation where account.kind == "ServiceAccount" {
            let user = objects.first { object in
                object.uses(account: account.name, of: account.namespace)
                    && !installation.contains { $0.isSame(as: object) }
            }
            guard let user else { continue }
            installation.removeAll { $0 == account }
            leave(account, "\(user.title) uses it")
        }
    }

    /// The images that may hold a module: those of the cache, and of the deployments.
    package var candidates: [String] {
        var seen: Set<String> = []
        return (images + deployments.map { $0.filter.image.description }).filter { seen.insert($0).inserted }
    }

    /// The digests of modules whose images have to be found.
    package var modules: [Digest] {
        var seen: Set<Digest> = []
        return filters.map(\.module).filter { seen.insert($0).inserted }
    }

    private mutating func add(_ object: OriginalObject, _ cache: OriginalWasme.Cache) {
        switch OriginalInstallation(cache: cache).verdict(on: object) {
        case .original:
            installation.append(object)
            if object.kind == "ConfigMap" {
                let list = object.json["data"]?.object?["images"]?.string ?? ""
                images += list.split(whereSeparator: \.isWhitespace).map { String($0) }
            }
            return
        case .other(let reason): return leave(object, "it is not as the original wrote it: \(reason)")
        case nil: break
        }
        switch object.kind {
        case "EnvoyFilter":
            do {
                if let filter = try OriginalEnvoyFilter.read(object) { filters.append(filter) }
            } catch {
                leave(object, error.reason)
            }
        case FilterDeploymentFile.kind:
            do {
                if let deployment = try OriginalFilterDeployment.read(object) {
                    deployments.append(deployment)
                } else if object.apiVersion == FilterDeploymentFile.apiVersion {
                    leave(object, "it names no kind of workload, so the original did nothing for it")
                }
            } catch {
                leave(object, (error as? DeploymentError)?.message ?? "\(error)")
            }
        case "Gateway":
            let found = OriginalGatewayFilter.read(object)
            gatewayFilters += found.filters
            for problem in found.problems { leave(object, problem) }
        default:
            guard let workload = OriginalWorkload(object) else { return }
            workloads.append(workload)
            if let problem = workload.problem { leave(object, problem) }
        }
    }

    private mutating func leave(_ object: OriginalObject, _ reason: String) {
        leftAlone.append(LeftAlone(object: object, reason: reason))
    }

    /// A deployment whose filters were edited stays with them: they would be collected with it.
    private mutating func settleOwnership() {
        func owns(_ deployment: OriginalFilterDeployment, _ filter: OriginalObject) -> Bool {
            filter.kind == "EnvoyFilter" && filter.namespace == deployment.object.namespace
                && filter.owner(kind: FilterDeploymentFile.kind, group: "wasme.io") == deployment.object.name
        }
        for deployment in deployments {
            guard let edited = leftAlone.first(where: { owns(deployment, $0.object) }) else { continue }
            leave(deployment.object, "its \(edited.object.title) was edited, and would go with it")
        }
        let staying = Set(leftAlone.map(\.object))
        deployments.removeAll { staying.contains($0.object) }
        let withOwner = filters.filter { filter in
            leftAlone.contains {
                $0.object.kind == FilterDeploymentFile.kind && $0.object.name == filter.owner
                    && $0.object.namespace == filter.object.namespace
            }
        }
        for filter in withOwner {
            leave(
                filter.object, "it belongs to FilterDeployment \"\(filter.owner ?? "")\", which is left alone"
            )
        }
        filters.removeAll { withOwner.contains($0) }
    }
}
