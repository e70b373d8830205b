// SPDX-License-Identifier: Apache-2.0

package import JSON
package import OCI

/// What only Istio can be told; the rest is said by `FilterDeployment` and `KubernetesPlace`.
package struct IstioOptions: Hashable, Sendable {
    /// Which of Istio's resources carries the filter.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The usual one, since 1.12.
        case wasmPlugin = "WasmPlugin"
        /// Its successor, since 1.30.
        case trafficExtension = "TrafficExtension"
        /// A patch of Envoy's own configuration: says all that Envoy can be told.
        case envoyFilter = "EnvoyFilter"
    }

    /// How long Envoy waits before it starts a module again that has trapped (`RetryStrategy` in
    /// `envoy/config/core/v3/backoff.proto`), in milliseconds.
    package struct ReloadBackoff: Hashable, Sendable {
        package var base: Int
        /// Nil for ten times the base.
        package var maximum: Int?

        package init(base: Int, maximum: Int? = nil) {
            self.base = base
            self.maximum = maximum
        }
    }

    /// Nil for the simplest that can express the deployment.
    package var kind: Kind?
    /// The pods are gateways, not sidecars: an `EnvoyFilter` has to say so.
    package var isGateway = false
    /// Whether a header callback that stops lets the body callbacks run (`allow_on_headers_stop_iteration`).
    package var allowsStopIteration: Bool?
    package var reloadBackoff: ReloadBackoff?

    package init() {}
}

/// What only Envoy Gateway can be told.
package struct EnvoyGatewayOptions: Hashable, Sendable {
    /// How the policy of a route and that of its gateway become one.
    package enum MergeType: String, Hashable, Sendable, CaseIterable {
        case strategic = "StrategicMerge"
        case json = "JSONMerge"
    }

    /// Nil: the route's policy takes the place of the gateway's.
    package var mergeType: MergeType?
    /// The ConfigMap, in the same namespace, with the registry's certificate authority.
    package var certificateAuthority: String?

    package init() {}
}

/// What only Gloo can be told.
package struct GlooOptions: Hashable, Sendable {
    /// A place in Gloo's chain of filters.
    package enum Stage: String, Hashable, Sendable, CaseIterable {
        case fault = "FaultStage"
        case cors = "CorsStage"
        case waf = "WafStage"
        case authn = "AuthNStage"
        case authz = "AuthZStage"
        case rateLimit = "RateLimitStage"
        case accepted = "AcceptedStage"
        case outAuth = "OutAuthStage"
        case route = "RouteStage"
    }
    /// Which side of a stage.
    package enum Predicate: String, Hashable, Sendable, CaseIterable {
        case before = "Before"
        case during = "During"
        case after = "After"
    }

    /// The `Gateway` whose filters are changed.
    package var gateway = "gateway-proxy"
    /// Nil for what the deployment's phase says.
    package var stage: Stage?
    package var predicate = Predicate.before
    /// The module's file in the proxy, if it is not to be fetched.
    package var modulePath: String?

    package init() {}
}

/// What only Higress can be told.
package struct HigressOptions: Hashable, Sendable {
    /// A configuration for a part of the traffic; the filter's own SDK has to know how to tell the parts apart.
    package struct Rule: Hashable, Sendable {
        package enum RouteType: String, Hashable, Sendable, CaseIterable {
            case http = "HTTP"
            case grpc = "GRPC"
        }

        /// As in "namespace/name".
        package var ingresses: [String] = []
        package var domains: [String] = []
        package var services: [String] = []
        package var routeType: RouteType?
        package var configuration: JSONObject?
        package var isDisabled = false

        package init() {}
    }

    package var rules: [Rule] = []
    /// Whether the filter does nothing where no rule matches.
    package var isDefaultDisabled = false

    package init() {}
}

/// Where a proxy finds a module if its control plane does not fetch images.
package enum ModuleSource: Hashable, Sendable {
    /// A file in the proxy's container.
    case file(String)
    /// An address that the proxy itself fetches the module from, with the digest of the module, not of the image.
    case remote(url: String, sha256: Digest)
}

/// What only Kuma can be told.
package struct KumaOptions: Hashable, Sendable {
    package var mesh = "default"
    package var module: ModuleSource
    /// The volume of the pods that holds the module's file, to be mounted into the sidecar; nil if it is there already.
    package var volume: String?

    package init(module: ModuleSource) { self.module = module }
}

/// What only Consul can be told.
package struct ConsulOptions: Hashable, Sendable {
    /// How the configuration entry is written.
    package enum Form: String, Hashable, Sendable, CaseIterable {
        /// A `ServiceDefaults` object of Consul on Kubernetes.
        case kubernetes
        /// A configuration entry for `consul config write`, in Consul's language.
        case hcl
        /// The same as JSON.
        case json
    }

    /// The service whose proxies run the filter.
    package var service: String
    package var module: ModuleSource
    /// The service that serves a module that is fetched; it has to be an upstream of the proxies.
    package var moduleService: String?
    package var form = Form.kubernetes

    package init(service: String, module: ModuleSource) {
        self.service = service
        self.module = module
    }
}

/// What only Cilium can be told.
package struct CiliumOptions: Hashable, Sendable {
    /// A service of the cluster.
    package struct Service: Hashable, Sendable {
        package var name: String
        package var namespace: String
        package var port: Int?

        package init(name: String, namespace: String, port: Int? = nil) {
            self.name = name
            self.namespace = namespace
            self.port = port
        }
    }

    /// The services whose traffic is led through the filter.
    package var services: [Service]
    /// The module's file in Cilium's own Envoy.
    package var modulePath: String
    /// Whether the object belongs to the cluster, not to a namespace.
    package var isClusterwide = false

    package init(services: [Service], modulePath: String) {
        self.services = services
        self.modulePath = modulePath
    }
}
