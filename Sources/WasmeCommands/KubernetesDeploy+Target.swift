// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics

extension KubernetesDeploy {
    /// What only one target has.
    struct Target {
        /// Its options; where it runs is said beside it.
        private let target: FilterDeploymentFile.Target

        init(_ target: FilterDeploymentFile.Target) { self.target = target }

        /// The verb's word, as in "istio".
        var word: String { target.word }

        /// The options that find the deployment again, for a command to type next.
        var repeated: String {
            switch target {
            case .gloo(_, let options) where options.gateway != GlooOptions().gateway:
                " --gateway \(options.gateway)"
            case .consul(_, let options): " --service \(options.service)"
            default: ""
            }
        }

        /// The resources of which a deploy writes one: that which can express it.
        var kinds: [String] {
            switch target {
            case .istio: IstioVerbs.kinds
            case .cilium: CiliumVerbs.kinds
            case .envoy, .envoyGateway, .gloo, .higress, .kuma, .consul: []
            }
        }

        /// The APIs of these resources.
        var groups: Set<String> { apiGroups(of: kinds) }

        /// What takes a deployment out again.
        /// - Parameters:
        ///   - id: the deployment.
        ///   - namespace: the one that is asked for.
        /// - Returns: nil for Envoys that stand alone.
        /// - Throws: `CommandError` for what was written for a tool of the target's own.
        func undeploy(_ id: String, in namespace: String?) throws -> KubernetesUndeploy? {
            func objects(_ verbs: (some KubernetesOwnedTarget).Type) -> KubernetesUndeploy {
                KubernetesUndeploy(
                    id, word, .objects(verbs.kinds), in: namespace, usually: verbs.usualNamespace)
            }
            func list(_ target: some SharedObjectTarget) -> KubernetesUndeploy {
                KubernetesUndeploy(id, word, .list(target), in: namespace, usually: target.usualNamespace)
            }
            switch target {
            case .envoy: return nil
            case .istio: return objects(IstioVerbs.self)
            case .envoyGateway: return objects(EnvoyGatewayVerbs.self)
            case .higress: return objects(HigressVerbs.self)
            case .kuma: return objects(KumaVerbs.self)
            case .cilium: return objects(CiliumVerbs.self)
            case .gloo(_, let options): return list(GlooTarget(options))
            case .consul(_, let options):
                guard options.form == .kubernetes else {
                    throw CommandError(
                        .usage,
                        "\"\(id)\" is in an entry of Consul's own, which is no object of a cluster",
                        hint: "take it out of the entry of the service \"\(options.service)\" yourself")
                }
                return list(ConsulTarget(options))
            }
        }

        /// Makes the target for what is to be deployed.
        func make(_ request: KubernetesRequest) throws -> any KubernetesTarget {
            guard let made = target.renderer(for: request) else {
                throw CommandError(
                    .usage, "Envoys that stand alone are no target on Kubernetes",
                    hint: "'wasme deploy envoy' deploys to them")
            }
            return made
        }

        /// The target in a file.
        func file(_ place: KubernetesPlace) -> FilterDeploymentFile.Target { target.at(place) }

        /// The target that a file names, and its place in a cluster; nil for Envoys that stand alone.
        static func named(_ target: FilterDeploymentFile.Target) -> (Self, KubernetesPlace)? {
            target.place.map { (Self(target), $0) }
        }
    }
}
