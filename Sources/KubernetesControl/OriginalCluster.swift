// SPDX-License-Identifier: Apache-2.0

package import Deployment
import JSON

/// A cluster in which the original wasme was used.
package struct OriginalCluster: Sendable {
    /// What was read of it.
    package struct Findings: Sendable {
        /// What may be the original's, and all workloads.
        package var objects: [OriginalObject] = []
        /// The `EnvoyFilter`s of the whole cluster that run a module of the cache, or of the namespace if `gaps` says so.
        package var usesOfCache: [OriginalObject] = []
        /// The `FilterDeployment`s of the whole cluster, or of the namespace if `gaps` says so.
        package var deployments: [OriginalObject] = []
        /// Our own deployments in the same place.
        package var present: [MigrationPlan.Present] = []
        /// What could not be looked at for a lack of rights, as in `"bob" may not list deployments.apps in namespace "shop"`.
        package var gaps: [String] = []
        /// Whether all workloads of the place are among the objects.
        package var knowsWorkloads = true
    }

    let kubectl: Kubectl
    /// One namespace, nil for the context's own.
    private let namespace: String?
    /// All namespaces instead.
    private let isEverywhere: Bool
    private let cache: OriginalWasme.Cache

    package init(
        _ kubectl: Kubectl, namespace: String?, everywhere: Bool, cache: OriginalWasme.Cache
    ) {
        self.kubectl = kubectl
        self.namespace = namespace
        isEverywhere = everywhere
        self.cache = cache
    }

    private var place: [String] { isEverywhere ? ["-A"] : namespace.map { ["-n", $0] } ?? [] }

    /// Reads what a migration has to know, and changes nothing.
    /// - Throws: `KubernetesError`, for a lack of rights only if it is about what the original wrote itself.
    package func read() async throws -> Findings {
        var findings = Findings()
        let kinds = try await kubectl.served([
            "envoyfilters.networking.istio.io", "filterdeployments.wasme.io", "gateways.gateway.solo.io",
        ])
        for kind in kinds {
            if kind.hasPrefix("gateways") {
                try await withRights(&findings) { findings in findings.objects += try await list(kind, place)
                }
            } else {
                findings.objects += try await list(kind, place)
            }
        }
        let before = findings.gaps.count
        for kind in ["deployments.apps", "statefulsets.apps", "daemonsets.apps"] {
            try await withRights(&findings) { findings in findings.objects += try await list(kind, place) }
        }
        findings.knowsWorkloads = findings.gaps.count == before
        try await withRights(&findings) { findings in findings.present = try await present() }
        if kinds.contains("envoyfilters.networking.istio.io") {
            try await withRights(&findings) { findings in findings.usesOfCache = try await usesOfCache() }
        }
        if kinds.contains(OriginalWasme.definitionName) {
            try await withRights(&findings) { findings in findings.deployments = try await deployments() }
        }
        try await readInstallation(into: &findings)
        return findings
    }

    /// The `EnvoyFilter`s of the whole cluster that run a module of the cache.
    /// - Returns: none if their kind is not known.
    /// - Throws: `KubernetesError`.
    package func usesOfCache() async throws -> [OriginalObject] {
        let kind = "envoyfilters.networking.istio.io"
        guard try await !kubectl.served([kind]).isEmpty else { return [] }
        return try await list(kind, ["-A"]).filter(\.usesCache)
    }

    /// The `FilterDeployment`s of the whole cluster, which the operator and the definition are for.
    /// - Returns: none if their kind is not known.
    /// - Throws: `KubernetesError`.
    package func deployments() async throws -> [OriginalObject] {
        let kind = OriginalWasme.definitionName
        guard try await !kubectl.served([kind]).isEmpty else { return [] }
        return try await list(kind, ["-A"])
    }

    /// A part of the cache or the operator, as it is asked for.
    private struct Part {
        let apiVersion: String
        let kind: String
        let name: String
        let namespace: String?

        /// As kubectl takes it on its command line.
        var resource: String {
            let group = apiVersion.contains("/") ? ".\(apiVersion.prefix { $0 != "/" })" : ""
            return "\(kind.lowercased())\(group)/\(name)"
        }

        var json: JSONValue {
            var metadata = JSONObject()
            metadata["name"] = .string(name)
            metadata["namespace"] = namespace.map { .string($0) }
            return .object([
                "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": .object(metadata),
            ])
        }
    }

    private var parts: [Part] {
        let (roles, apps) = ("rbac.authorization.k8s.io/v1", "apps/v1")
        let (operatorName, there) = (OriginalWasme.operatorName, cache.namespace)
        return [
            Part(apiVersion: "v1", kind: "ConfigMap", name: cache.name, namespace: there),
            Part(apiVersion: apps, kind: "DaemonSet", name: cache.name, namespace: there),
            Part(apiVersion: "v1", kind: "ServiceAccount", name: cache.name, namespace: there),
            Part(apiVersion: roles, kind: "Role", name: cache.name, namespace: there),
            Part(apiVersion: roles, kind: "RoleBinding", name: cache.name, namespace: there),
            Part(apiVersion: apps, kind: "Deployment", name: operatorName, namespace: there),
            Part(apiVersion: "v1", kind: "ServiceAccount", name: operatorName, namespace: there),
            Part(apiVersion: roles, kind: "ClusterRole", name: operatorName, namespace: nil),
            Part(apiVersion: roles, kind: "ClusterRole", name: cache.name, namespace: nil),
            Part(apiVersion: roles, kind: "ClusterRoleBinding", name: operatorName, namespace: nil),
            Part(apiVersion: roles, kind: "ClusterRoleBinding", name: cache.name, namespace: nil),
            Part(
                apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition",
                name: OriginalWasme.definitionName, namespace: nil),
        ]
    }

    /// Reads the cache and the operator: at once, or one by one for who may not read all of it.
    private func readInstallation(into findings: inout Findings) async throws {
        func add(_ objects: [OriginalObject], to findings: inout Findings) {
            for object in objects where !findings.objects.contains(where: { $0.uid == object.uid }) {
                findings.objects.append(object)
            }
        }
        let list: JSONValue = .object([
            "apiVersion": .string("v1"), "kind": .string("List"), "items": .array(parts.map(\.json)),
        ])
        do {
            let subject = "read the cache and the operator"
            let answer = try await kubectl.run(
                ["get", "-f", "-", "--ignore-not-found", "-o", "json"],
                input: Array(list.description.utf8), to: subject)
            add(try ClusterObject.read(answer, subject).map { OriginalObject($0.json) }, to: &findings)
        } catch let error as KubernetesError where error.code == .denied || error.code == .noKind {
            for part in parts {
                try await withRights(&findings) { findings in
                    let place = part.namespace.map { ["-n", $0] } ?? []
                    add(try await self.list(part.resource, place + ["--ignore-not-found"]), to: &findings)
                }
            }
        }
    }

    /// Our deployments to Istio, as their own history tells them.
    private func present() async throws -> [MigrationPlan.Present] {
        let found = try await ClusterWriter(kubectl, id: "").find(
            [
                "wasmplugins.extensions.istio.io", "trafficextensions.extensions.istio.io",
                "envoyfilters.networking.istio.io",
            ], namespace: namespace, everywhere: isEverywhere, anyID: true)
        return found.compactMap { _, object in
            guard let id = object.labels[ClusterWriter.idLabel],
                let last = KubernetesStamp.history(of: id, in: .object(object.json)).revisions.last
            else { return nil }
            return .init(
                namespace: object.namespace, labels: object.selectedLabels ?? [:], deployment: last.deployment
            )
        }
    }

    /// Notes a lack of rights, and goes on.
    private func withRights(
        _ findings: inout Findings, _ read: (inout Findings) async throws -> Void
    ) async throws {
        do {
            try await read(&findings)
        } catch let error as KubernetesError where error.code == .denied {
            // As in `"bob" may not list deployments.apps in namespace "shop"`.
            let reason = error.message.firstRange(of: ": ").map { error.message[$0.upperBound...] }
            findings.gaps.append(
                (reason.map { String($0) } ?? error.message).replacing(" of \(kubectl.cluster)", with: ""))
        }
    }

    private func list(_ what: String, _ place: [String]) async throws -> [OriginalObject] {
        let subject = "read \(what)"
        let answer = try await kubectl.run(["get", what, "-o", "json"] + place, to: subject)
        return try ClusterObject.read(answer, subject).map { OriginalObject($0.json) }
    }
}
