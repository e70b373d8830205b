// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What the original wrote.
extension MigrationStage {
    func apply(_ documents: [String]) async throws {
        try await Cluster.server.kubectl(
            ["apply", "--validate=false", "-f", "-"], input: documents.joined(separator: "---\n"))
    }

    func filter(
        _ workload: String, id: String = "auth", module: String? = nil, owner: String = "",
        operation: String = "INSERT_BEFORE"
    ) -> String {
        """
        apiVersion: networking.istio.io/v1alpha3
        kind: EnvoyFilter
        metadata:
          name: \(workload)-\(id)
          namespace: \(space)
          ownerReferences: [\(owner)]
        spec:
          workloadSelector: {labels: {app: \(workload)}}
          configPatches:
          - applyTo: HTTP_FILTER
            match:
              context: SIDECAR_INBOUND
              listener: {filterChain: {filter: {name: envoy.http_connection_manager, subFilter: {name: envoy.router}}}}
            patch:
              operation: \(operation)
              value:
                name: envoy.filters.http.wasm
                typedConfig:
                  '@type': type.googleapis.com/udpa.type.v1.TypedStruct
                  typeUrl: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                  value:
                    config:
                      name: \(id)
                      rootId: add_header
                      vmConfig:
                        runtime: envoy.wasm.runtime.v8
                        vmId: \(id)
                        code: {local: {filename: /var/local/lib/wasme-cache/\(module ?? self.module)}}
                      configuration: {'@type': type.googleapis.com/google.protobuf.StringValue, value: '{"a": 1}'}

        """
    }

    func deployment(_ name: String) -> String {
        """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata: {name: \(name), namespace: \(space)}
        spec:
          filter:
            id: \(name)
            image: \(image)
            config: {'@type': type.googleapis.com/google.protobuf.StringValue, value: '{"b": 2}'}
            rootID: add_header
          deployment: {istio: {kind: Deployment, labels: {app: web}}}

        """
    }

    func workload(_ name: String, kind: String = "Deployment", kept: String? = nil) -> String {
        let volume = #"[{"name":"cache-dir","hostPath":{"path":"/var/local/lib/wasme-cache"}}]"#
        let mount = #"[{"mountPath":"/var/local/lib/wasme-cache","name":"cache-dir"}]"#
        let backup = kept.map { "wasme-backup.sidecar.istio.io/userVolume: '\($0)'" } ?? "team: edge"
        return """
            apiVersion: apps/v1
            kind: \(kind)
            metadata: {name: \(name), namespace: \(space)}
            spec:
              \(kind == "StatefulSet" ? "serviceName: \(name)" : "minReadySeconds: 0")
              selector: {matchLabels: {app: \(name)}}
              template:
                metadata:
                  labels: {app: \(name)}
                  annotations:
                    sidecar.istio.io/userVolume: '\(volume)'
                    sidecar.istio.io/userVolumeMount: '\(mount)'
                    \(backup)
                spec: {containers: [{name: main, image: "example.org/main:v1"}]}

            """
    }

    /// The cache and the operator.
    func installation(images: [String]) -> [String] {
        let meta = "metadata: {name: wasme-cache, namespace: \(cache)}"
        let meta2 = "metadata: {name: wasme-operator, namespace: \(cache)}"
        func pods(_ app: String, _ spec: String) -> String {
            "spec: {selector: {matchLabels: {app: \(app)}}, template: {metadata: {labels: {app: \(app)}}, spec: \(spec)}}"
        }
        let volumes = "volumes: [{name: cache-dir, hostPath: {path: /var/local/lib/wasme-cache}}]"
        return [
            "apiVersion: v1\nkind: ConfigMap\n\(meta)\ndata: {images: \"\(images.joined(separator: "\\n"))\"}\n",
            "apiVersion: v1\nkind: ServiceAccount\n\(meta)\n",
            "apiVersion: v1\nkind: ServiceAccount\n\(meta2)\n",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n\(meta)\nrules: [{apiGroups: [''], resources: [events], verbs: [create]}]\n",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\(meta)\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: wasme-cache}\nsubjects: [{kind: ServiceAccount, name: wasme-cache, namespace: \(cache)}]\n",
            "apiVersion: apps/v1\nkind: DaemonSet\n\(meta)\n"
                + pods(
                    "wasme-cache",
                    "{\(volumes), containers: [{name: c, image: 'quay.io/solo-io/wasme:0.0.33'}]}")
                + "\n",
            "apiVersion: apps/v1\nkind: Deployment\n\(meta2)\n"
                + pods(
                    "wasme-operator",
                    "{containers: [{name: c, image: 'quay.io/solo-io/wasme:0.0.33', args: [operator]}]}")
                + "\n",
        ]
    }
}
