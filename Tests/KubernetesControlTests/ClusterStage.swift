// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import KubernetesControl
import TestSupport
import Testing

extension Cluster {
    /// Kinds of others in their plainest form: the API server takes anything in them, and their status by its own way.
    static func define(_ kinds: [(kind: String, plural: String, group: String, version: String)]) async throws
    {
        let definitions = kinds.map { kind in
            """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: \(kind.plural).\(kind.group)}
            spec:
              group: \(kind.group)
              scope: Namespaced
              names: {kind: \(kind.kind), plural: \(kind.plural), singular: \(kind.kind.lowercased()), listKind: \(kind.kind)List}
              versions:
              - name: \(kind.version)
                served: true
                storage: true
                subresources: {status: {}}
                schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}

            """
        }
        // Groups of others are protected: they ask for a word that their definition was approved.
        let text = definitions.map {
            $0.replacing(
                "metadata: {", with: "metadata: {annotations: {api-approved.kubernetes.io: unapproved}, ")
        }.joined(separator: "---\n")
        try await server.define(text)
    }

    static let gatewayKinds = [
        (kind: "Gateway", plural: "gateways", group: "gateway.networking.k8s.io", version: "v1"),
        (kind: "HTTPRoute", plural: "httproutes", group: "gateway.networking.k8s.io", version: "v1"),
        (
            kind: "EnvoyExtensionPolicy", plural: "envoyextensionpolicies",
            group: "gateway.envoyproxy.io", version: "v1alpha1"
        ),
        (kind: "ServiceEntry", plural: "serviceentries", group: "networking.istio.io", version: "v1"),
        (kind: "Gateway", plural: "gateways", group: "gateway.solo.io", version: "v1"),
        (
            kind: "ServiceDefaults", plural: "servicedefaults", group: "consul.hashicorp.com",
            version: "v1alpha1"
        ),
    ]

    /// Creates an object, and returns it as the API server has it.
    @discardableResult
    static func create(_ text: String, in namespace: String) async throws -> ClusterObject {
        let answer = try await server.kubectl(
            ["apply", "-n", namespace, "-o", "json", "-f", "-"], input: "---\n\(text)")
        return ClusterObject(try #require(try JSONValue(parsing: answer).object))
    }

    /// Creates a pod, as a controller would; it runs nowhere.
    /// - Parameters:
    ///   - name: its name.
    ///   - namespace: its namespace.
    ///   - labels: as in `app: web`.
    ///   - container: the proxy's container.
    ///   - isRunning: whether its status says that it runs, as a node would.
    /// - Throws: `ProcessFailure`.
    static func pod(
        _ name: String, in namespace: String, _ labels: String, container: String, isRunning: Bool = false
    ) async throws {
        try await create(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), labels: {\(labels)}}
            spec: {containers: [{name: \(container), image: registry.example.org/proxy}]}
            """, in: namespace)
        guard isRunning else { return }
        try await setStatus("{\"phase\": \"Running\"}", at: "/api/v1/namespaces/\(namespace)/pods/\(name)")
    }

    /// Writes the status of an object as its control plane would: by the subresource.
    /// - Parameters:
    ///   - status: JSON, in which GENERATION stands for the object's own.
    ///   - path: the object's, in the API.
    /// - Throws: `ProcessFailure`.
    static func setStatus(_ status: String, at path: String) async throws {
        var object = try #require(
            try JSONValue(parsing: try await server.kubectl(["get", "--raw", path])).object)
        let generation = object["metadata"]?.object?["generation"]?.description ?? "1"
        object["status"] = try JSONValue(parsing: status.replacing("GENERATION", with: generation))
        try await server.kubectl(
            ["replace", "--raw", "\(path)/status", "-f", "-"], input: JSONValue.object(object).description)
    }
}
