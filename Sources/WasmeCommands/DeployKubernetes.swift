// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import KubernetesControl
import FilterImage
import OCI

/// `wasme deploy istio`.
struct DeployIstio: KubernetesDeployVerb {
    typealias Verbs = IstioVerbs
    static let configuration = CommandConfiguration(
        commandName: "istio",
        abstract: "Deploy to the proxies of an Istio mesh.",
        discussion: """
            Writes a WasmPlugin by server-side apply, or what else can express the \
            deployment. Objects that are not wasme's are never touched. --wait asks \
            every selected proxy until it runs the filter.

            Examples:
              wasme deploy istio ghcr.io/acme/add-header:v1 -n shop -l app=web --wait
              wasme deploy istio ghcr.io/acme/add-header:v1 -n shop --dry-run server
              wasme deploy istio ghcr.io/acme/add-header:v1 -n shop --git fleet/shop
              wasme deploy istio ghcr.io/acme/add-header:v1 --context east,west --atomic
            """)
    static let example = "ghcr.io/acme/add-header:v2 -n shop -l app=web"

    @OptionGroup(title: "Istio") var istio: IstioTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target {
        .istio(.init(), istio.istio(options.place.patchContext), .init())
    }
}

/// `wasme deploy envoy-gateway`.
struct DeployEnvoyGateway: KubernetesDeployVerb {
    typealias Verbs = EnvoyGatewayVerbs
    static let configuration = CommandConfiguration(
        commandName: "envoy-gateway", abstract: "Deploy to routes and gateways of Envoy Gateway.",
        discussion: """
            Example:
              wasme deploy envoy-gateway ghcr.io/acme/add-header:v1 -n shop --target HTTPRoute/web
            """)
    static let example = "ghcr.io/acme/add-header:v2 -n shop --target HTTPRoute/web"

    @OptionGroup(title: "Envoy Gateway") var gateway: EnvoyGatewayTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target {
        .envoyGateway(.init(), gateway.gateway)
    }
}

/// `wasme deploy higress`.
struct DeployHigress: KubernetesDeployVerb {
    typealias Verbs = HigressVerbs
    static let configuration = CommandConfiguration(
        commandName: "higress", abstract: "Deploy to a gateway of Higress.",
        discussion: """
            Rules for parts of the traffic are said in a file: wasme deploy -f.

            Example:
              wasme deploy higress ghcr.io/acme/add-header:v1
            """)
    static let example = "ghcr.io/acme/add-header:v2"

    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target { .higress(.init(), .init()) }
}

/// `wasme deploy gloo`.
struct DeployGloo: KubernetesDeployVerb {
    typealias Verbs = GlooVerbs
    static let configuration = CommandConfiguration(
        commandName: "gloo", abstract: "Deploy to a gateway of Gloo.",
        discussion: """
            The filter is put into the list of a Gateway that is there already; other \
            filters of the list stay.

            Example:
              wasme deploy gloo ghcr.io/acme/add-header:v1 --gateway gateway-proxy --stage AuthZStage
            """)
    static let example = "ghcr.io/acme/add-header:v2 --gateway edge"

    @OptionGroup(title: "Gloo") var gloo: GlooTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target { .gloo(.init(), gloo.gloo) }
}

/// `wasme deploy kuma`.
struct DeployKuma: KubernetesDeployVerb {
    typealias Verbs = KumaVerbs
    static let configuration = CommandConfiguration(
        commandName: "kuma", abstract: "Deploy to the proxies of a Kuma mesh.",
        discussion: """
            Kuma fetches no images: say where the proxy finds the module, and bring it \
            there.

            Example:
              wasme deploy kuma ghcr.io/acme/add-header:v1 -l app=web --module-file /wasm/add-header.wasm --volume wasm
            """)
    static let example = "ghcr.io/acme/add-header:v2 -l app=web --module-file /wasm/add-header.wasm"

    @Option(help: ArgumentHelp("The mesh.", valueName: "name"))
    var mesh = "default"

    @Option(
        help: ArgumentHelp("The volume of the pods with the module's file, to be mounted.", valueName: "name")
    )
    var volume: String?

    @OptionGroup var module: ModuleSourceOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target {
        var kuma = KumaOptions(module: module.source(image))
        kuma.mesh = mesh
        kuma.volume = volume
        return .kuma(.init(), kuma)
    }
}

extension ConsulOptions.Form: ExpressibleByArgument {}

/// `wasme deploy consul`.
struct DeployConsul: KubernetesDeployVerb {
    typealias Verbs = ConsulVerbs
    static let configuration = CommandConfiguration(
        commandName: "consul", abstract: "Deploy to the proxies of a service of Consul.",
        discussion: """
            Consul fetches no images: say where the proxy finds the module, and bring it \
            there.

            Examples:
              wasme deploy consul ghcr.io/acme/add-header:v1 --service web --module-file /wasm/add-header.wasm
              wasme deploy consul ghcr.io/acme/add-header:v1 --service web --module-file /wasm/add-header.wasm --form hcl --output .
            """)
    static let example =
        "ghcr.io/acme/add-header:v2 -n shop --service web --module-file /wasm/add-header.wasm"

    @Option(help: ArgumentHelp("The service whose proxies run the filter.", valueName: "name"))
    var service: String

    @Option(help: ArgumentHelp("The service that serves a module that is fetched.", valueName: "name"))
    var moduleService: String?

    @Option(help: ArgumentHelp("How the entry is written: kubernetes, hcl or json.", valueName: "form"))
    var form = ConsulOptions.Form.kubernetes

    @OptionGroup var module: ModuleSourceOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) -> FilterDeploymentFile.Target {
        var consul = ConsulOptions(service: service, module: module.source(image))
        consul.moduleService = moduleService
        consul.form = form
        return .consul(.init(), consul)
    }
}

/// `wasme deploy cilium`.
struct DeployCilium: KubernetesDeployVerb {
    typealias Verbs = CiliumVerbs
    static let configuration = CommandConfiguration(
        commandName: "cilium", abstract: "Deploy to Cilium's own Envoys.",
        discussion: """
            Cilium fetches no images: the module has to be in its Envoys already.

            Example:
              wasme deploy cilium ghcr.io/acme/add-header:v1 --service shop/web:8080 --module-path /wasm/add-header.wasm
            """)
    static let example =
        "ghcr.io/acme/add-header:v2 --service shop/web:8080 --module-path /wasm/add-header.wasm"

    @Option(
        help: ArgumentHelp(
            "A service whose traffic is led through the filter; may be repeated.",
            valueName: "namespace/name[:port]"))
    var service: [String]

    @Option(help: ArgumentHelp("The module's file in Cilium's Envoy.", valueName: "path"))
    var modulePath: String

    @Flag(help: "Write an object of the cluster, not of a namespace.")
    var clusterwide = false

    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func target(_ image: StoredFilter) throws -> FilterDeploymentFile.Target {
        let services = try service.map { text -> CiliumOptions.Service in
            guard let match = text.wholeMatch(of: /([a-z0-9-]+)\/([a-z0-9.-]+)(?::(\d+))?/) else {
                throw CommandError(
                    .usage, "\"\(text)\" names no service",
                    hint: "write NAMESPACE/NAME or NAMESPACE/NAME:PORT")
            }
            return .init(
                name: String(match.2), namespace: String(match.1), port: match.3.flatMap { Int($0) })
        }
        var cilium = CiliumOptions(services: services, modulePath: modulePath)
        cilium.isClusterwide = clusterwide
        return .cilium(.init(), cilium)
    }
}
