// SPDX-License-Identifier: Apache-2.0

import JSON

/// The pods whose proxies are to run a filter, and what was looked for to find them.
package struct ProxySearch: Sendable {
    package private(set) var pods: [Pod] = []
    /// As in `pods with app=web in namespace "shop"`.
    package private(set) var sought: [String] = []
    /// What keeps pods from being looked for, as in `there is no Gateway "shop/edge"`.
    package private(set) var remarks: [String] = []

    let kubectl: Kubectl

    init(_ kubectl: Kubectl) { self.kubectl = kubectl }

    mutating func remark(_ text: String) {
        if !remarks.contains(text) { remarks.append(text) }
    }

    /// Adds the pods with some labels.
    /// - Parameters:
    ///   - labels: empty for all.
    ///   - namespace: nil for all.
    ///   - belongs: whether a pod that has the labels is one of them.
    /// - Returns: whether there are any.
    /// - Throws: `KubernetesError`.
    @discardableResult
    mutating func look(
        for labels: [String: String], in namespace: String?, where belongs: (Pod) -> Bool = { _ in true }
    ) async throws -> Bool {
        let selection = PodSelection(namespace: namespace, labels: labels)
        let found = try await kubectl.pods(selection).filter(belongs)
        if !sought.contains("\(selection)") { sought.append("\(selection)") }
        let known = Set(pods)
        pods += found.filter { !known.contains($0) }
        return !found.isEmpty
    }

    /// Adds the pods with some labels wherever they are; who may not look everywhere looks in some places.
    /// - Returns: whether there are any.
    /// - Throws: `KubernetesError`, also if none of the places may be looked into.
    mutating func look(
        for labels: [String: String], everywhereOr places: [String]
    ) async throws -> Bool {
        do {
            return try await look(for: labels, in: nil)
        } catch let error as KubernetesError where error.code == .denied {
            remark("who asks may not list pods in all namespaces")
            var answers: [Bool] = []
            var refusal = error
            for place in places {
                do {
                    answers.append(try await look(for: labels, in: place))
                } catch let error as KubernetesError where error.code == .denied {
                    refusal = error
                    remark("who asks may not list pods in namespace \"\(place)\"")
                }
            }
            if answers.isEmpty { throw refusal }
            return answers.contains(true)
        }
    }

    /// An object that a filter's own object refers to; that it is not there is remarked.
    mutating func referent(
        _ kind: String, _ name: String, in namespace: String?
    ) async throws -> ClusterObject? {
        let found = try await kubectl.object(kind, named: name, in: namespace)
        if found == nil {
            remark(
                "there is no \(kind.prefix { $0 != "." }) \"\(namespace.map { "\($0)/" } ?? "")\(name)\"")
        }
        return found
    }
}

/// An object that another one names.
struct ObjectReference {
    let group: String
    let kind: String
    let name: String
    let namespace: String?

    init?(_ value: JSONValue, group: String = "", kind: String? = nil) {
        guard let object = value.object, let name = object["name"]?.string,
            let kind = object["kind"]?.string ?? kind
        else { return nil }
        self.group = object["group"]?.string ?? group
        self.kind = kind
        self.name = name
        namespace = object["namespace"]?.string
    }

    /// The kind as kubectl takes it.
    var resource: String { group.isEmpty ? kind : "\(kind).\(group)" }
}

extension ClusterObject {
    static let gatewayGroup = "gateway.networking.k8s.io"
    static let gatewayKind = "Gateway.\(gatewayGroup)"

    var spec: JSONObject? { json["spec"]?.object }

    /// What a policy is attached to (GEP-713): one or several.
    var targetReferences: [ObjectReference] {
        let all = spec?["targetRefs"]?.array ?? spec?["targetRef"].map { [$0] } ?? []
        return all.compactMap { ObjectReference($0) }
    }

    /// The labels of the pods that an object of Istio selects; nil if it selects by other means.
    package var selectedLabels: [String: String]? {
        guard spec?["targetRefs"] == nil, spec?["targetRef"] == nil else { return nil }
        let labels = spec?["selector"]?.object?["matchLabels"] ?? spec?["workloadSelector"]?.object?["labels"]
        return labels?.texts ?? [:]
    }
}

extension JSONValue {
    /// The members of an object that are texts.
    var texts: [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in object?.members ?? [] { texts[name] = value.string }
        return texts
    }
}
