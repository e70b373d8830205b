// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// What controllers, nodes and administrators would do.
extension Cluster {
    /// Creates an object.
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - namespace: where, if the text does not say it.
    /// - Returns: it as the API server has it.
    /// - Throws: `ProcessFailure`.
    @discardableResult
    static func create(_ text: String, in namespace: String) async throws -> ClusterObject {
        let answer = try await server.kubectl(
            ["create", "--validate=false", "-n", namespace, "-o", "json", "-f", "-"], input: "---\n\(text)")
        return ClusterObject(try #require(try JSONValue(parsing: answer).object))
    }

    /// Creates a pod, as a controller would; it runs nowhere.
    /// - Parameters:
    ///   - name: its name.
    ///   - namespace: its namespace.
    ///   - labels: as in `app: web`.
    ///   - containers: their names.
    ///   - isRunning: whether its status says that it runs, as a node would.
    /// - Throws: `ProcessFailure`.
    static func pod(
        _ name: String, in namespace: String, _ labels: String,
        containers: [String] = ["web", "istio-proxy"], isRunning: Bool = false
    ) async throws {
        let list = containers.map { "{name: \($0), image: registry.example.org/\($0)}" }
        try await create(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), labels: {\(labels)}}
            spec: {containers: [\(list.joined(separator: ", "))]}
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

    /// Makes a control plane of Istio, as far as its version is told by it.
    static func controlPlane(_ version: String, revision: String = "default") async throws {
        try await controlPlane(image: "docker.io/istio/pilot:\(version)", revision: revision)
    }

    /// Makes a control plane of Istio, as far as its version is told by its image.
    static func controlPlane(image: String, revision: String) async throws {
        let name = revision == "default" ? "istiod" : "istiod-\(revision)"
        try await server.kubectl(
            ["apply", "--server-side", "--validate=false", "-f", "-"],
            input: """
                apiVersion: v1
                kind: Namespace
                metadata: {name: istio-system}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: \(name), namespace: istio-system, labels: {app: istiod, istio.io/rev: "\(revision)"}}
                spec:
                  selector: {matchLabels: {app: istiod, r: "\(revision)"}}
                  template:
                    metadata: {labels: {app: istiod, r: "\(revision)"}}
                    spec: {containers: [{name: discovery, image: "\(image)"}]}

                """)
    }

    /// Lets a user do something in a namespace.
    static func grant(
        _ user: String, _ verbs: String, on resources: String, in namespace: String
    ) async throws {
        let name = "\(user)-\(Files.randomName().lowercased().filter { $0.isLetter }.prefix(8))"
        try await server.kubectl([
            "create", "role", name, "-n", namespace, "--verb=\(verbs)", "--resource=\(resources)",
        ])
        try await bind(user, to: name, in: namespace)
    }

    /// Gives a user roles that the project publishes, in a namespace.
    static func give(_ user: String, _ roles: [String], in namespace: String) async throws {
        let file = repositoryRoot.pushing("deploy/rbac/deployer.yaml").string
        try await server.kubectl(["apply", "-n", namespace, "-f", file])
        for role in roles { try await bind(user, to: role, in: namespace) }
    }

    /// Gives a user a role that is there.
    static func bind(_ user: String, to role: String, in namespace: String) async throws {
        try await server.kubectl([
            "create", "rolebinding", "\(role)-\(user)", "-n", namespace, "--role=\(role)", "--user=\(user)",
        ])
    }
}
