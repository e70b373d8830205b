// SPDX-License-Identifier: Apache-2.0

import JSON

extension ClusterWriter {
    /// All of our objects of these kinds, in each cluster.
    /// - Parameters:
    ///   - kinds: resources with their groups, as in `wasmplugins.extensions.istio.io`; those a cluster lacks are left out.
    ///   - namespace: nil for the context's own.
    ///   - everywhere: in all namespaces.
    ///   - anyID: of any deployment, not only of this one.
    /// - Returns: each with the context it was found in.
    /// - Throws: `KubernetesError`.
    package func find(
        _ kinds: [String], namespace: String? = nil, everywhere: Bool = false, anyID: Bool = false
    ) async throws -> [(context: String?, object: ClusterObject)] {
        var found: [(String?, ClusterObject)] = []
        for cluster in clusters {
            let served = try await cluster.served(kinds)
            guard !served.isEmpty else { continue }
            var selector = "\(Self.managedByLabel)=\(Self.manager)"
            if !anyID { selector += ",\(Self.idLabel)=\(id)" }
            let place = everywhere ? ["-A"] : namespace.map { ["-n", $0] } ?? []
            let subject = "list \(served.joined(separator: ", "))"
            let answer = try await cluster.run(
                ["get", served.joined(separator: ","), "-l", selector, "-o", "json", "--show-managed-fields"]
                    + place,
                to: subject)
            found += try ClusterObject.read(answer, subject).map { (cluster.context, $0) }
        }
        return found
    }

    /// Deletes the deployment's objects of these kinds, and nothing else.
    package func remove(
        _ kinds: [String], namespace: String?, _ options: Options
    ) async throws -> [ObjectChange] {
        let found = try await find(kinds, namespace: namespace)
        let planned = found.map { ObjectChange(context: $0.context, before: $0.object, after: nil) }
        if options.isDryRun { return planned }
        var changes: [ObjectChange] = []
        do {
            for change in planned.reversed() {
                try Task.checkCancellation()
                guard let cluster = clusters.first(where: { $0.context == change.context }) else { continue }
                try await delete(change.object, in: cluster)
                changes.append(change)
            }
        } catch {
            throw await explain(error, after: changes, options)
        }
        return changes
    }

    func delete(_ object: ClusterObject, in cluster: Kubectl) async throws {
        var bare = JSONObject()
        bare["apiVersion"] = .string(object.apiVersion)
        bare["kind"] = .string(object.kind)
        var metadata = JSONObject()
        metadata["name"] = .string(object.name)
        metadata["namespace"] = object.namespace.map { .string($0) }
        bare["metadata"] = .object(metadata)
        try await cluster.run(
            ["delete", "-f", "-", "--ignore-not-found", "--wait=false"],
            input: Array(JSONValue.object(bare).description.utf8), to: "delete \(object.title)")
    }
}
