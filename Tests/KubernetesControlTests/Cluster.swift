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
    /// A small kind in place of Istio's, for machines without the published definitions: this one is accepted by every server.
    static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: wasmplugins.extensions.istio.io}
        spec:
          group: extensions.istio.io
          scope: Namespaced
          names: {kind: WasmPlugin, plural: wasmplugins, singular: wasmplugin, listKind: WasmPluginList}
          versions:
          - name: v1alpha1
            served: true
            storage: true
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    required: [url]
                    properties:
                      url: {type: string, minLength: 1}
                      sha256: {type: string, pattern: "^([a-f0-9]{64}|)$"}
                      priority: {type: integer}
                      pluginName: {type: string}
                      failStrategy: {type: string}
                      imagePullSecret: {type: string}
                      phase: {type: string, enum: [UNSPECIFIED_PHASE, AUTHN, AUTHZ, STATS]}
                      match: {type: array, items: {type: object, x-kubernetes-preserve-unknown-fields: true}}
                      pluginConfig: {type: object, x-kubernetes-preserve-unknown-fields: true}
                      targetRefs: {type: array, items: {type: object, additionalProperties: {type: string}}}
                      selector: {type: object, properties: {matchLabels: {type: object, additionalProperties: {type: string}}}}

        """

    static var server: KubernetesServer {
        get throws { try #require(KubernetesServer.current) }
    }

    /// Makes the kind known, once.
    static func define() async throws {
        try await server.define(definition)
    }

    /// A namespace of a test's own.
    static func namespace() async throws -> String {
        let name = "test-\(Files.randomName().lowercased().filter { $0.isLetter || $0.isNumber }.prefix(12))"
        try await server.kubectl(["create", "namespace", name])
        return name
    }

    /// kubectl as somebody.
    static func kubectl(_ user: String? = nil, environment: [String: String] = [:]) throws -> Kubectl {
        var kubectl = try Kubectl(
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, in: "/")
        kubectl.kubeconfig = try user.map { try server.configuration(for: $0) } ?? server.administrator
        return kubectl
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
