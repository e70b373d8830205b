// SPDX-License-Identifier: Apache-2.0

import JSON

extension Kubectl {
    /// Which of some resources the cluster has.
    /// - Parameter kinds: with their groups, as in `wasmplugins.extensions.istio.io`.
    /// - Returns: those that it has, in the same order.
    /// - Throws: `KubernetesError`.
    package func served(_ kinds: [String]) async throws -> [String] {
        var served: [String: Set<String>] = [:]
        for group in Set(kinds.map { Self.split($0).group }) {
            var names: Set<String> = []
            for version in try await versions(of: group) {
                names.formUnion(try await resources(of: version).map(\.resource))
            }
            served[group] = names
        }
        return kinds.filter { kind in
            let (resource, group) = Self.split(kind)
            return served[group]?.contains(resource) == true
        }
    }

    private static func split(_ kind: String) -> (resource: String, group: String) {
        let resource = kind.prefix { $0 != "." }
        return (String(resource), String(kind.dropFirst(resource.count + 1)))
    }

    /// The versions of a group, as in `extensions.istio.io/v1alpha1`; none if the cluster does not have it.
    func versions(of group: String) async throws -> [String] {
        if group.isEmpty { return ["v1"] }
        let answer: JSONObject
        do {
            answer = try await raw("/apis/\(group)")
        } catch let error as KubernetesError where error.code == .notFound || error.code == .noKind {
            return []
        }
        return (answer["versions"]?.array ?? []).compactMap { $0.object?["groupVersion"]?.string }
    }

    /// The resources of one version of a group.
    private func resources(of version: String) async throws -> [(resource: String, kind: String)] {
        let answer = try await raw(version.contains("/") ? "/apis/\(version)" : "/api/\(version)")
        return (answer["resources"]?.array ?? []).compactMap { item in
            guard let name = item.object?["name"]?.string, let kind = item.object?["kind"]?.string else {
                return nil
            }
            return (name, kind)
        }
    }

    /// The API server's answer to a path of its own, or what is wanted of it.
    func raw(
        _ path: String, only members: JSONMembers = .all, to subject: String = "ask what the cluster has"
    ) async throws -> JSONObject {
        let answer = try await run(["get", "--raw", path], to: subject)
        do {
            return try JSONValue(parsing: answer, only: members).object ?? JSONObject()
        } catch {
            throw KubernetesError(.failed, "cannot \(subject): \"\(path)\" is not JSON", cause: error)
        }
    }

    /// The error for kinds that the cluster lacks, with the versions that it has of them.
    func versions(of objects: [ClusterObject], for error: KubernetesError) async throws -> KubernetesError {
        for object in objects {
            let all = try await versions(of: object.group)
            var having: [String] = []
            for version in all
            where try await resources(of: version).contains(where: { $0.kind == object.kind }) {
                having.append(version)
            }
            if having.contains(object.apiVersion) { continue }
            let what = "\(cluster) has no \(object.kind) of \(object.apiVersion)"
            if having.isEmpty {
                return KubernetesError(
                    .noKind,
                    all.isEmpty
                        ? what : "\(what), although it has the group in \(all.joined(separator: ", "))",
                    hint:
                        "install the mesh's or gateway's CustomResourceDefinitions first, or deploy to another target"
                )
            }
            return KubernetesError(
                .noKind, "\(what): it has it in \(having.joined(separator: ", "))",
                hint: "tell which version the cluster runs, or upgrade its CustomResourceDefinitions")
        }
        return error
    }
}
