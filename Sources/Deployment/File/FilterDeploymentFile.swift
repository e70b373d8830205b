// SPDX-License-Identifier: Apache-2.0

package import OCI

/// A `FilterDeployment` of `wasme.io/v1` as somebody wrote it down: a filter by the name of its image, and where it is to run.
///
/// A superset of what the original wasme's operator takes. `filter.deployment(digest:)` is what targets render.
package struct FilterDeploymentFile: Hashable, Sendable {
    package static let apiVersion = "wasme.io/v1"
    package static let kind = "FilterDeployment"

    /// The object's name.
    package var name: String
    package var namespace: String?
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var filter: Filter
    package var target: Target

    package init(name: String, filter: Filter, target: Target) {
        self.name = name
        self.filter = filter
        self.target = target
    }

    /// The deployment's name: what the file says, else the object's, with its namespace if it has one, as the original did.
    package var id: String { filter.id ?? (namespace.map { "\(name).\($0)" } ?? name) }

    /// What to run.
    package struct Filter: Hashable, Sendable {
        /// Nil for the object's name.
        package var id: String?
        package var image: Reference
        /// The manifest's digest; nil for what the image's tag means when it is deployed.
        package var digest: Digest?
        /// How the image's registry is reached.
        package var pull = PullOptions()
        package var kind = EnvoyPlugin.Kind.http
        /// Nil for the image's first one.
        package var rootID: String?
        package var vmID = ""
        package var configuration: String?
        package var vmConfiguration: String?
        package var environment: [String: FilterDeployment.EnvironmentValue] = [:]
        package var failurePolicy: EnvoyPlugin.FailurePolicy?
        package var capabilities: [String]?
        package var phase: FilterDeployment.Phase?
        package var priority: Int?
        package var match: [FilterDeployment.TrafficMatch] = []
        /// Which traffic in the original's words, where `match` says nothing.
        package var patchContext: PatchContext?

        package init(image: Reference) {
            self.image = image
            digest = image.digest
        }
    }

    /// How the image's registry is reached, as in the original.
    package struct PullOptions: Hashable, Sendable {
        /// The secret with the credentials, in the object's namespace.
        package var secret: String?
        package var skipsVerification = false
        package var usesPlainHTTP = false

        package init() {}
    }

    /// The original's word for a part of the traffic.
    package enum PatchContext: String, Hashable, Sendable, CaseIterable {
        case any
        case inbound
        case outbound
        case gateway
    }

    /// Where it is to run.
    package enum Target: Hashable, Sendable {
        case envoy(EnvoyTarget)
        case istio(KubernetesPlace, IstioOptions, OriginalIstio)
        case envoyGateway(KubernetesPlace, EnvoyGatewayOptions)
        case gloo(KubernetesPlace, GlooOptions)
        case higress(KubernetesPlace, HigressOptions)
        case kuma(KubernetesPlace, KumaOptions)
        case consul(KubernetesPlace, ConsulOptions)
        case cilium(KubernetesPlace, CiliumOptions)

        /// Its field in the file.
        package var name: String {
            switch self {
            case .envoy: "envoy"
            case .istio: "istio"
            case .envoyGateway: "envoyGateway"
            case .gloo: "gloo"
            case .higress: "higress"
            case .kuma: "kuma"
            case .consul: "consul"
            case .cilium: "cilium"
            }
        }

        /// Where in a cluster it is to run; nil for Envoys that stand alone.
        package var place: KubernetesPlace? {
            switch self {
            case .envoy: nil
            case .istio(let place, _, _), .envoyGateway(let place, _), .gloo(let place, _),
                .higress(let place, _), .kuma(let place, _), .consul(let place, _), .cilium(let place, _):
                place
            }
        }
    }

    /// Envoys that stand alone.
    package struct EnvoyTarget: Hashable, Sendable {
        /// Paths may be relative to the file's folder.
        package var fleet: EnvoyFleet
        /// How long each Envoy may take to prove it; nil for the usual time.
        package var timeout: Duration?
        /// Requests that prove it, as in `GET / expect header x: y`.
        package var probes: [String] = []

        package init(fleet: EnvoyFleet) { self.fleet = fleet }
    }

    /// What only the original could be told; it selected workloads, where pods are selected now.
    package struct OriginalIstio: Hashable, Sendable {
        /// As in `Deployment`: no other kinds of workloads got the filter.
        package var workloadKind: String?
        /// Where istiod is.
        package var istioNamespace: String?

        package init() {}
    }
}

extension FilterDeploymentFile {
    /// What to render for a target.
    /// - Parameters:
    ///   - digest: the manifest that runs.
    ///   - rootID: the image's first plugin, if the file names none.
    /// - Returns: the neutral value.
    package func deployment(digest: Digest, rootID: String = "") -> FilterDeployment {
        var deployment = FilterDeployment(id: id, image: filter.image, digest: digest)
        deployment.kind = filter.kind
        deployment.rootID = filter.rootID ?? rootID
        deployment.vmID = filter.vmID
        deployment.configuration = filter.configuration
        deployment.vmConfiguration = filter.vmConfiguration
        deployment.environment = filter.environment
        deployment.failurePolicy = filter.failurePolicy
        deployment.capabilities = filter.capabilities
        deployment.phase = filter.phase
        deployment.priority = filter.priority
        deployment.match = filter.match
        switch filter.patchContext {
        case .inbound: deployment.match = [.init(mode: .server)]
        case .outbound: deployment.match = [.init(mode: .client)]
        case .any, .gateway, nil: break
        }
        return deployment
    }
}

extension FilterDeploymentFile {
    /// The file that says what a deployment is.
    /// - Parameters:
    ///   - deployment: its digest is pinned.
    ///   - image: where the image is.
    ///   - target: where it is to run.
    package init(_ deployment: FilterDeployment, image: Reference, target: Target) {
        var filter = Filter(image: image)
        filter.digest = deployment.digest
        filter.kind = deployment.kind
        filter.rootID = deployment.rootID.isEmpty ? nil : deployment.rootID
        filter.vmID = deployment.vmID
        filter.configuration = deployment.configuration
        filter.vmConfiguration = deployment.vmConfiguration
        filter.environment = deployment.environment
        filter.failurePolicy = deployment.failurePolicy
        filter.capabilities = deployment.capabilities
        filter.phase = deployment.phase
        filter.priority = deployment.priority
        filter.match = deployment.match
        filter.pull.secret = target.place?.pullSecret
        // Kubernetes takes fewer characters for an object's name than Envoy for a plugin's.
        let name = String(
            deployment.id.lowercased().map { character in
                character.isASCII && (character.isLetter || character.isNumber) ? character : "-"
            })
        if name != deployment.id { filter.id = deployment.id }
        self.init(name: name, filter: filter, target: target)
    }
}
