// SPDX-License-Identifier: Apache-2.0

import Deployment
import OCI
import TestSupport
import Testing

/// Objects in the shape that the original wasme wrote.
enum OriginalSamples {
    /// The digest of a module.
    static let module = String(repeating: "ab", count: 32)

    /// Where the original's patch has its filter.
    static func match(_ context: String? = "SIDECAR_INBOUND", modern: Bool = false) -> String {
        let manager =
            modern ? "envoy.filters.network.http_connection_manager" : "envoy.http_connection_manager"
        let router = modern ? "envoy.filters.http.router" : "envoy.router"
        let listener = "listener: {filterChain: {filter: {name: \(manager), subFilter: {name: \(router)}}}}"
        return "{\(context.map { "context: \($0), " } ?? "")\(listener)}"
    }

    /// The typed configuration since Istio 1.7.
    static func typed(
        _ id: String = "auth", module: String = module, configuration: String? = "{\"a\": 1}",
        snake: Bool = false,
        vmID: String? = nil
    ) -> String {
        let text = configuration.map {
            ", configuration: {'@type': type.googleapis.com/google.protobuf.StringValue, value: '\($0)'}"
        }
        let (typed, url, root, machine, vm) =
            snake
            ? ("typed_config", "type_url", "root_id", "vm_config", "vm_id")
            : ("typedConfig", "typeUrl", "rootId", "vmConfig", "vmId")
        return """
            {name: envoy.filters.http.wasm, \(typed): {'@type': type.googleapis.com/udpa.type.v1.TypedStruct, \
            \(url): type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, value: {config: {name: \(id), \
            \(root): auth_root, \(machine): {runtime: envoy.wasm.runtime.v8, \(vm): \(vmID ?? id), code: {local: \
            {filename: /var/local/lib/wasme-cache/\(module)}}}\(text ?? "")}}}}
            """
    }

    /// The configuration up to Istio 1.6.
    static func untyped(_ id: String = "auth", module: String = module) -> String {
        """
        {name: envoy.filters.http.wasm, config: {config: {name: \(id), rootId: auth_root, configuration: plain text, \
        vmConfig: {runtime: envoy.wasm.runtime.v8, vmId: \(id), code: {local: {filename: \
        /var/local/lib/wasme-cache/\(module)}}}}}}
        """
    }

    /// An `EnvoyFilter` of the original's.
    static func filter(
        _ workload: String = "web", id: String = "auth", in namespace: String = "shop", labels: String? = nil,
        match: String = match(), value: String? = nil, owner: String? = nil
    ) -> String {
        let owners = owner.map {
            ", ownerReferences: [{apiVersion: wasme.io/v1, kind: FilterDeployment, name: \($0), uid: u}]"
        }
        return """
            apiVersion: networking.istio.io/v1alpha3
            kind: EnvoyFilter
            metadata: {name: \(workload)-\(id), namespace: \(namespace)\(owners ?? "")}
            spec:
              workloadSelector: {labels: \(labels ?? "{app: \(workload)}")}
              configPatches:
              - applyTo: HTTP_FILTER
                match: \(match)
                patch: {operation: INSERT_BEFORE, value: \(value ?? typed(id))}

            """
    }

    /// A `FilterDeployment` for the original's operator.
    static func deployment(
        _ name: String = "auth", id: String? = nil, labels: String? = "{app: web}",
        kind: String? = "Deployment",
        more: String = ""
    ) -> String {
        """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata: {name: \(name), namespace: shop, uid: u, resourceVersion: "7"}
        spec:
          filter: {image: "hub.example.org/acme/auth:v1"\(id.map { ", id: \($0)" } ?? "")\(more)}
          deployment:
            istio: {\(kind.map { "kind: \($0), " } ?? "")istioNamespace: istio-system\(labels.map { ", labels: \($0)" } ?? "")}
        status: {observedGeneration: 1}

        """
    }

    /// A workload with annotations of its pods.
    static func workload(
        _ name: String = "web", kind: String = "Deployment", labels: String? = nil, annotations: String = "{}"
    ) -> String {
        """
        apiVersion: apps/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: shop}
        spec: {template: {metadata: {labels: \(labels ?? "{app: \(name)}"), annotations: \(annotations)}}}

        """
    }

    static let volume = #"[{"name":"cache-dir","hostPath":{"path":"/var/local/lib/wasme-cache"}}]"#
    static let mount = #"[{"mountPath":"/var/local/lib/wasme-cache","name":"cache-dir"}]"#

    static func objects(_ documents: [String]) throws -> [OriginalObject] {
        try OriginalObject.read(documents.joined(separator: "---\n"), file: "old.yaml")
    }

    static func inventory(_ documents: [String], knowsWorkloads: Bool = false) throws -> OriginalInventory {
        OriginalInventory(try objects(documents), knowsWorkloads: knowsWorkloads)
    }

    /// The image that holds a module, where all modules are known.
    static func image(_ module: String = module) throws -> (Digest, [MigrationPlan.Image]) {
        (
            try Digest("sha256:\(module)"),
            [
                .init(
                    reference: try Reference("hub.example.org/acme/auth:v1"),
                    digest: try Digest("sha256:\(String(repeating: "cd", count: 32))"))
            ]
        )
    }

    static func plan(
        _ documents: [String], knowsWorkloads: Bool = false, present: [MigrationPlan.Present] = []
    ) throws -> MigrationPlan {
        MigrationPlan(
            try inventory(documents, knowsWorkloads: knowsWorkloads),
            images: Dictionary(uniqueKeysWithValues: [try image()]), present: present)
    }

    /// All documents of a plan, as they are printed.
    static func yaml(_ plan: MigrationPlan) -> String {
        FilterDeploymentFile.yaml(plan.steps.flatMap(\.documents))
    }
}
