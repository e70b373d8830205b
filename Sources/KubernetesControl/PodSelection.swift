// SPDX-License-Identifier: Apache-2.0

private import Foundation
import JSON

/// The pods that a deployment selects.
package struct PodSelection: Hashable, Sendable, CustomStringConvertible {
    /// Nil for all namespaces.
    package var namespace: String?
    /// Empty for all pods.
    package var labels: [String: String]

    package init(namespace: String?, labels: [String: String] = [:]) {
        self.namespace = namespace
        self.labels = labels
    }

    /// For people, as in `pods with app=web in namespace "shop"`.
    package var description: String {
        let place = namespace.map { "namespace \"\($0)\"" } ?? "all namespaces"
        return "pods\(labels.isEmpty ? "" : " with \(selector)") in \(place)"
    }

    fileprivate var selector: String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

extension Kubectl {
    /// Pods in one answer of the API server: of ten thousand in one there would be a hundred megabytes, which kubectl
    /// would hold several times.
    private static let pageSize = 500

    /// Lists pods, a page at a time.
    /// - Throws: `KubernetesError`.
    package func pods(_ selection: PodSelection) async throws -> [Pod] {
        var pods: [Pod] = []
        var next = ""
        repeat {
            try Task.checkCancellation()
            let page = try await page(of: selection, atMost: Self.pageSize, after: next)
            pods += (page["items"]?.array ?? []).compactMap { $0.object.flatMap { Pod($0) } }
            next = page["metadata"]?.object?["continue"]?.string ?? ""
        } while !next.isEmpty
        return pods
    }

    /// Whether there is a pod, however many there are.
    /// - Throws: `KubernetesError`.
    func hasPod(_ selection: PodSelection) async throws -> Bool {
        // One would do, but API servers before 1.24 ask etcd for as many pods at a time as are wanted, until one matches
        // (kubernetes/kubernetes#108569).
        try await page(of: selection, atMost: 100)["items"]?.array?.isEmpty == false
    }

    /// One answer with pods (Kubernetes API Concepts, "Retrieving large results sets in chunks").
    private func page(
        of selection: PodSelection, atMost count: Int, after token: String = ""
    ) async throws -> JSONObject {
        func encoded(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        var query = "limit=\(count)"
        if !selection.labels.isEmpty {
            query += "&labelSelector=\(encoded(selection.selector))"
        }
        if !token.isEmpty { query += "&continue=\(encoded(token))" }
        let space = selection.namespace.map { "namespaces/\($0)/" } ?? ""
        return try await raw(
            "/api/v1/\(space)pods?\(query)", only: Pod.listMembers, to: "list \(selection)")
    }
}

extension Pod {
    /// What is read of a list of pods: of ten thousand, the rest is tens of megabytes.
    fileprivate static let listMembers: JSONMembers = {
        let names = JSONMembers.some(["name": .all])
        let pod = JSONMembers.some([
            "metadata": .some(["namespace": .all, "name": .all, "labels": .all]),
            "spec": .some(["containers": names, "initContainers": names]),
            "status": .some(["phase": .all]),
        ])
        return .some(["metadata": .some(["continue": .all]), "items": pod])
    }()

    /// Reads an object (core/v1 `Pod`); nil without a name.
    fileprivate init?(_ object: JSONObject) {
        let metadata = object["metadata"]?.object
        let spec = object["spec"]?.object
        guard let namespace = metadata?["namespace"]?.string, let name = metadata?["name"]?.string else {
            return nil
        }
        var labels: [String: String] = [:]
        for (key, value) in metadata?["labels"]?.object?.members ?? [] { labels[key] = value.string }
        let containers = (spec?["containers"]?.array ?? []) + (spec?["initContainers"]?.array ?? [])
        self.init(
            namespace: namespace, name: name, phase: object["status"]?.object?["phase"]?.string ?? "",
            labels: labels, containers: containers.compactMap { $0.object?["name"]?.string })
    }
}
