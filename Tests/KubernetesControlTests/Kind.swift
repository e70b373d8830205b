// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// A kind of objects that the project of a mesh or a gateway defines, in a plain form of our own: tests need no published
/// definitions, and every API server takes these.
struct Kind: Sendable {
    /// As in `Gateway`.
    let name: String
    /// As in `gateways.gateway.solo.io`.
    let resource: String
    let version: String
    /// What its objects have to be, in one line of YAML; they may be anything if it is not given.
    var schema = "{type: object, x-kubernetes-preserve-unknown-fields: true}"

    init(_ name: String, _ resource: String, _ version: String) {
        self.name = name
        self.resource = resource
        self.version = version
    }

    /// The CustomResourceDefinition.
    ///
    /// The status of objects is written by its own way, as that of the real kinds.
    var definition: String {
        let parts = resource.split(separator: ".", maxSplits: 1)
        // Groups of Kubernetes itself are protected: they ask for a word that their definition was approved.
        let word =
            parts[1].hasSuffix(".k8s.io") ? ", annotations: {api-approved.kubernetes.io: unapproved}" : ""
        return """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: \(resource)\(word)}
            spec:
              group: \(parts[1])
              scope: Namespaced
              names: {kind: \(name), plural: \(parts[0]), singular: \(name.lowercased()), listKind: \(name)List}
              versions:
              - name: \(version)
                served: true
                storage: true
                subresources: {status: {}}
                schema: {openAPIV3Schema: \(schema)}

            """
    }
}

extension Kind {
    /// Istio's plugin, strict where tests look at what an API server refuses.
    static let wasmPlugin: Kind = {
        var kind = Kind("WasmPlugin", "wasmplugins.extensions.istio.io", "v1alpha1")
        kind.schema = """
            {type: object, properties: {spec: {type: object, required: [url], properties: {
            url: {type: string, minLength: 1},
            sha256: {type: string, pattern: "^([a-f0-9]{64}|)$"},
            priority: {type: integer},
            pluginName: {type: string},
            failStrategy: {type: string},
            imagePullSecret: {type: string},
            phase: {type: string, enum: [UNSPECIFIED_PHASE, AUTHN, AUTHZ, STATS]},
            match: {type: array, items: {type: object, x-kubernetes-preserve-unknown-fields: true}},
            pluginConfig: {type: object, x-kubernetes-preserve-unknown-fields: true},
            targetRefs: {type: array, items: {type: object, additionalProperties: {type: string}}},
            selector: {type: object, properties: {matchLabels: {type: object, additionalProperties: {type: string}}}}
            }}}}
            """.replacing("\n", with: " ")
        return kind
    }()
    static let trafficExtension = Kind(
        "TrafficExtension", "trafficextensions.extensions.istio.io", "v1alpha1")
    static let envoyFilter = Kind("EnvoyFilter", "envoyfilters.networking.istio.io", "v1alpha3")
    static let serviceEntry = Kind("ServiceEntry", "serviceentries.networking.istio.io", "v1")
    static let gateway = Kind("Gateway", "gateways.gateway.networking.k8s.io", "v1")
    static let httpRoute = Kind("HTTPRoute", "httproutes.gateway.networking.k8s.io", "v1")
    static let envoyExtensionPolicy = Kind(
        "EnvoyExtensionPolicy", "envoyextensionpolicies.gateway.envoyproxy.io", "v1alpha1")
    static let higressPlugin = Kind("WasmPlugin", "wasmplugins.extensions.higress.io", "v1alpha1")
    static let glooGateway = Kind("Gateway", "gateways.gateway.solo.io", "v1")
    static let meshProxyPatch = Kind("MeshProxyPatch", "meshproxypatches.kuma.io", "v1alpha1")
    static let containerPatch = Kind("ContainerPatch", "containerpatches.kuma.io", "v1alpha1")
    static let serviceDefaults = Kind(
        "ServiceDefaults", "servicedefaults.consul.hashicorp.com", "v1alpha1")
    static let ciliumEnvoyConfig = Kind("CiliumEnvoyConfig", "ciliumenvoyconfigs.cilium.io", "v2")

    /// What a deploy writes, and what it is for, whatever the target.
    static let all = [
        wasmPlugin, envoyFilter, serviceEntry, gateway, httpRoute, envoyExtensionPolicy, higressPlugin,
        glooGateway, meshProxyPatch, containerPatch, serviceDefaults, ciliumEnvoyConfig,
    ]
}

extension Cluster {
    /// Makes kinds known; those that are known stay as they are.
    static func define(_ kinds: [Kind], on server: KubernetesServer? = nil) async throws {
        try await (server ?? Self.server).define(kinds.map(\.definition).joined(separator: "---\n"))
    }
}

extension Trait where Self == KubernetesServerTrait {
    /// Runs a suite with an API server of its own that knows some kinds, for suites that change what is the whole cluster's.
    static func ownCluster(_ kinds: Kind...) -> Self {
        KubernetesServerTrait { server in
            if !kinds.isEmpty { try await Cluster.define(kinds, on: server) }
        }
    }

    /// Runs a suite with the API server that others use too, and that knows all kinds: for suites that keep to namespaces that
    /// they make.
    static var sharedCluster: Self {
        KubernetesServerTrait(isShared: true) { try await Cluster.define(Kind.all, on: $0) }
    }
}
