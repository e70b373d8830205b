// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// What the suites do with the API server of their suite.
enum Cluster {
    static var server: KubernetesServer {
        get throws { try #require(KubernetesServer.current) }
    }

    /// A namespace of a test's own.
    static func namespace(on server: KubernetesServer? = nil) async throws -> String {
        let name = "test-\(Files.randomName().lowercased().filter { $0.isLetter || $0.isNumber }.prefix(12))"
        try await (server ?? Self.server).kubectl(["create", "namespace", name])
        return name
    }

    /// kubectl as somebody.
    static func kubectl(_ user: String? = nil, environment: [String: String] = [:]) throws -> Kubectl {
        var kubectl = try Kubectl(
            environment: ProcessInfo.processInfo.environment.merging(try server.surroundings) { $1 }
                .merging(environment) { $1 }, in: "/")
        kubectl.kubeconfig = try user.map { try server.configuration(for: $0) } ?? server.administrator
        return kubectl
    }

    /// The configuration of kubectl for the administrator of two servers: the contexts "east", the current one, and "west".
    static func contexts(east: KubernetesServer, west: KubernetesServer) throws -> String {
        func place(_ server: KubernetesServer) throws -> Substring {
            let text = String(decoding: try Files.read(server.administrator), as: UTF8.self)
            return try #require(text.firstMatch(of: /cluster: \{server.*\}/)).0
        }
        return """
            apiVersion: v1
            kind: Config
            current-context: east
            clusters:
            - {name: east, \(try place(east))}
            - {name: west, \(try place(west))}
            users: [{name: administrator, user: {token: administrator-token}}]
            contexts:
            - {name: east, context: {cluster: east, user: administrator}}
            - {name: west, context: {cluster: west, user: administrator}}

            """
    }

    /// A plugin as it is written.
    static func plugin(
        _ name: String = "add-header", in namespace: String, id: String? = nil, priority: Int = 10,
        configuration: JSONValue = .object(["header": .string("x")])
    ) -> ClusterWriter.Item {
        ClusterWriter.Item(
            ClusterObject(
                JSONValue.object([
                    "apiVersion": .string("extensions.istio.io/v1alpha1"), "kind": .string("WasmPlugin"),
                    "metadata": .object([
                        "name": .string(name), "namespace": .string(namespace),
                        "labels": .object([
                            ClusterWriter.managedByLabel: .string("wasme"),
                            ClusterWriter.idLabel: .string(id ?? name),
                        ]),
                    ]),
                    "spec": .object([
                        "url": .string("oci://localhost:5000/acme/add-header:v1"),
                        "priority": .integer(priority), "pluginConfig": configuration,
                    ]),
                ]).object ?? JSONObject()))
    }

    /// What the API server has.
    static func live(_ name: String = "add-header", in namespace: String) async throws -> ClusterObject? {
        let text = try await server.kubectl([
            "get", "wasmplugins.extensions.istio.io", name, "-n", namespace, "--ignore-not-found", "-o",
            "json",
            "--show-managed-fields",
        ])
        return try text.isEmpty ? nil : JSONValue(parsing: text).object.map { ClusterObject($0) }
    }
}
