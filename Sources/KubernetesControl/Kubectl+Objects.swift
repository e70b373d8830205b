// SPDX-License-Identifier: Apache-2.0

extension Kubectl {
    /// One object.
    /// - Parameters:
    ///   - kind: with its group, as in `Gateway.gateway.networking.k8s.io`.
    ///   - name: its name.
    ///   - namespace: nil for one that is in none.
    /// - Returns: nil if it is not there.
    /// - Throws: `KubernetesError`.
    package func object(
        _ kind: String, named name: String, in namespace: String?
    ) async throws -> ClusterObject? {
        let subject = "read \(kind) \"\(namespace.map { "\($0)/" } ?? "")\(name)\""
        let answer = try await run(
            ["get", kind, name, "--ignore-not-found", "-o", "json"] + (namespace.map { ["-n", $0] } ?? []),
            to: subject)
        return try ClusterObject.read(answer, subject).first
    }

    /// All objects of a kind.
    /// - Parameters:
    ///   - kind: with its group, as in `Gateway.gateway.networking.k8s.io`.
    ///   - namespace: nil for the context's own.
    ///   - everywhere: in all namespaces.
    /// - Returns: none if there are none.
    /// - Throws: `KubernetesError`.
    package func objects(
        _ kind: String, in namespace: String? = nil, everywhere: Bool = false
    ) async throws -> [ClusterObject] {
        let subject = "list \(kind)\(everywhere ? " in all namespaces" : "")"
        let place = everywhere ? ["-A"] : namespace.map { ["-n", $0] } ?? []
        let answer = try await run(["get", kind, "-o", "json"] + place, to: subject)
        return try ClusterObject.read(answer, subject)
    }

    /// An object again, as it is now.
    /// - Returns: nil if it is no longer there.
    /// - Throws: `KubernetesError`.
    package func refreshed(_ object: ClusterObject) async throws -> ClusterObject? {
        let version = object.apiVersion.split(separator: "/").last ?? ""
        let kind = object.group.isEmpty ? object.kind : "\(object.kind).\(version).\(object.group)"
        return try await self.object(kind, named: object.name, in: object.namespace)
    }
}
