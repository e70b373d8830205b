// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import KubernetesControl
import FilterImage
import OCI

/// `wasme deploy istio`.
struct DeployIstio: WasmeCommand {
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
              wasme deploy istio ghcr.io/acme/add-header:v1 --context east,west --atomic
            """)

    @OptionGroup(title: "Istio") var istio: IstioTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup(title: "Proof") var proof: ProofOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let istio = istio.istio(options.place.patchContext)
        let deploy = KubernetesDeploy(options: options, output: output, context: context)
        let target = KubernetesDeploy.Target(
            word: "istio", make: { IstioTarget(istio, for: $0) },
            file: { .istio($0, istio, .init()) })
        try await deploy.run(proof: proof) { _ in target }
    }
}

/// `wasme deploy envoy-gateway`.
struct DeployEnvoyGateway: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy-gateway", abstract: "Deploy to routes and gateways of Envoy Gateway.",
        discussion: """
            Example:
              wasme deploy envoy-gateway ghcr.io/acme/add-header:v1 -n shop --target HTTPRoute/web
            """)

    @OptionGroup(title: "Envoy Gateway") var gateway: EnvoyGatewayTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let gateway = gateway.gateway
        try await options.deploy(output, in: context) { _ in
            .init(
                word: "envoy-gateway", make: { _ in EnvoyGatewayTarget(gateway) },
                file: { .envoyGateway($0, gateway) })
        }
    }
}

/// `wasme deploy higress`.
struct DeployHigress: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "higress", abstract: "Deploy to a gateway of Higress.",
        discussion: """
            Rules for parts of the traffic are said in a file: wasme deploy -f.

            Example:
              wasme deploy higress ghcr.io/acme/add-header:v1
            """)

    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await options.deploy(output, in: context) { _ in
            .init(word: "higress", make: { _ in HigressTarget() }, file: { .higress($0, HigressOptions()) })
        }
    }
}

/// `wasme deploy gloo`.
struct DeployGloo: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "gloo", abstract: "Deploy to a gateway of Gloo.",
        discussion: """
            The filter is put into the list of a Gateway that is there already; other \
            filters of the list stay.

            Example:
              wasme deploy gloo ghcr.io/acme/add-header:v1 --gateway gateway-proxy --stage AuthZStage
            """)

    @OptionGroup(title: "Gloo") var gloo: GlooTargetOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let gloo = gloo.gloo
        try await options.deploy(output, in: context) { _ in
            .init(word: "gloo", make: { _ in GlooTarget(gloo) }, file: { .gloo($0, gloo) })
        }
    }
}

/// Where a proxy finds a module that its control plane does not fetch.
struct ModuleSourceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The module's file in the proxy's container.", valueName: "path"))
    var moduleFile: String?

    @Option(help: ArgumentHelp("The address that the proxy fetches the module from.", valueName: "url"))
    var moduleURL: String?

    init() {}

    func validate() throws {
        guard (moduleFile == nil) != (moduleURL == nil) else {
            throw ValidationError(
                "say where the proxy finds the module: --module-file PATH or --module-url URL")
        }
    }

    func source(_ image: StoredFilter) -> ModuleSource {
        if let moduleURL { return .remote(url: moduleURL, sha256: Digest(of: image.content.module)) }
        return .file(moduleFile ?? "")
    }
}

/// `wasme deploy kuma`.
struct DeployKuma: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "kuma", abstract: "Deploy to the proxies of a Kuma mesh.",
        discussion: """
            Kuma fetches no images: say where the proxy finds the module, and bring it \
            there.

            Example:
              wasme deploy kuma ghcr.io/acme/add-header:v1 -l app=web --module-file /wasm/add-header.wasm --volume wasm
            """)

    @Option(help: ArgumentHelp("The mesh.", valueName: "name"))
    var mesh = "default"

    @Option(
        help: ArgumentHelp("The volume of the pods with the module's file, to be mounted.", valueName: "name")
    )
    var volume: String?

    @OptionGroup var module: ModuleSourceOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await options.deploy(output, in: context) { image in
            var kuma = KumaOptions(module: module.source(image))
            kuma.mesh = mesh
            kuma.volume = volume
            return .init(
                word: "kuma", make: { [kuma] _ in KumaTarget(kuma) }, file: { [kuma] in .kuma($0, kuma) })
        }
    }
}

extension ConsulOptions.Form: ExpressibleByArgument {}

/// `wasme deploy consul`.
struct DeployConsul: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "consul", abstract: "Deploy to the proxies of a service of Consul.",
        discussion: """
            Consul fetches no images: say where the proxy finds the module, and bring it \
            there.

            Examples:
              wasme deploy consul ghcr.io/acme/add-header:v1 --service web --module-file /wasm/add-header.wasm
              wasme deploy consul ghcr.io/acme/add-header:v1 --service web --module-file /wasm/add-header.wasm --form hcl --output .
            """)

    @Option(help: ArgumentHelp("The service whose proxies run the filter.", valueName: "name"))
    var service: String

    @Option(help: ArgumentHelp("The service that serves a module that is fetched.", valueName: "name"))
    var moduleService: String?

    @Option(help: ArgumentHelp("How the entry is written: kubernetes, hcl or json.", valueName: "form"))
    var form = ConsulOptions.Form.kubernetes

    @OptionGroup var module: ModuleSourceOptions
    @OptionGroup var options: KubernetesDeployOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await options.deploy(output, in: context) { image in
            var consul = ConsulOptions(service: service, module: module.source(image))
            consul.moduleService = moduleService
            consul.form = form
            return .init(
                word: "consul", make: { [consul] _ in ConsulTarget(consul) },
                file: { [consul] in .consul($0, consul) })
        }
    }
}

/// `wasme deploy cilium`.
struct DeployCilium: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "cilium", abstract: "Deploy to Cilium's own Envoys.",
        discussion: """
            Cilium fetches no images: the module has to be in its Envoys already.

            Example:
              wasme deploy cilium ghcr.io/acme/add-header:v1 --service shop/web:8080 --module-path /wasm/add-header.wasm
            """)

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
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let services = try service.map { text -> CiliumOptions.Service in
            guard let match = text.wholeMatch(of: /([a-z0-9-]+)\/([a-z0-9.-]+)(?::(\d+))?/) else {
                throw CommandError(
                    .usage, "\"\(text)\" names no service",
                    hint: "write NAMESPACE/NAME or NAMESPACE/NAME:PORT")
            }
            return .init(
                name: String(match.2), namespace: String(match.1), port: match.3.flatMap { Int($0) })
        }
        try await options.deploy(output, in: context) { _ in
            var cilium = CiliumOptions(services: services, modulePath: modulePath)
            cilium.isClusterwide = clusterwide
            return .init(
                word: "cilium", make: { [cilium] _ in CiliumTarget(cilium) },
                file: { [cilium] in .cilium($0, cilium) })
        }
    }
}

extension KubernetesDeployOptions {
    /// Deploys and prints what became of it.
    func deploy(
        _ output: OutputOptions, in context: CommandContext,
        _ target: (StoredFilter) throws -> KubernetesDeploy.Target
    ) async throws {
        try await KubernetesDeploy(options: self, output: output, context: context).run(target)
    }
}
