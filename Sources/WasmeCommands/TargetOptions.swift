// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import FilterImage
import OCI

extension IstioOptions.Kind: ExpressibleByArgument {}
extension EnvoyGatewayOptions.MergeType: ExpressibleByArgument {}
extension GlooOptions.Stage: ExpressibleByArgument {}
extension GlooOptions.Predicate: ExpressibleByArgument {}

extension IstioOptions.ReloadBackoff: ExpressibleByArgument {
    /// Reads `250ms` or `250ms,30s`.
    public init?(argument: String) {
        let times = argument.split(separator: ",", omittingEmptySubsequences: false).map { text in
            DurationText.parse(text).flatMap { Int(exactly: $0 / .milliseconds(1)) }
        }
        guard (1...2).contains(times.count), let base = times[0], base > 0 else { return nil }
        self.init(base: base)
        guard times.count == 2 else { return }
        guard let maximum = times[1], maximum >= base else { return nil }
        self.maximum = maximum
    }
}

/// What only Istio can be told.
struct IstioTargetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "WasmPlugin, TrafficExtension or EnvoyFilter (default: what can express it).", valueName: "kind"))
    var kind: IstioOptions.Kind?

    @Flag(help: "The pods are gateways, not sidecars.")
    var gateway = false

    @Flag(
        inversion: .prefixedNo,
        help: "Whether a header callback that stops lets the body callbacks run (needs an EnvoyFilter).")
    var allowStopIteration: Bool?

    @Option(
        help: ArgumentHelp(
            "How long Envoy waits before it starts a module again that has trapped: the shortest time, and the longest (default: ten times that); needs an EnvoyFilter.",
            valueName: "time[,time]"))
    var reloadBackoff: IstioOptions.ReloadBackoff?

    init() {}

    func istio(_ context: FilterDeploymentFile.PatchContext?) -> IstioOptions {
        var istio = IstioOptions()
        istio.kind = kind
        istio.isGateway = gateway || context == .gateway
        istio.allowsStopIteration = allowStopIteration
        istio.reloadBackoff = reloadBackoff
        return istio
    }
}

/// What only Envoy Gateway can be told.
struct EnvoyGatewayTargetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the policy of a route and that of its gateway become one (default: the route's alone).",
            valueName: "type"))
    var mergeType: EnvoyGatewayOptions.MergeType?

    @Option(
        help: ArgumentHelp(
            "The ConfigMap, in the same namespace, with the registry's certificate authority.",
            valueName: "name"))
    var certificateAuthority: String?

    init() {}

    var gateway: EnvoyGatewayOptions {
        var options = EnvoyGatewayOptions()
        options.mergeType = mergeType
        options.certificateAuthority = certificateAuthority
        return options
    }
}

/// What only Gloo can be told.
struct GlooTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The Gateway whose filters are changed.", valueName: "name"))
    var gateway = "gateway-proxy"

    @Option(
        help: ArgumentHelp(
            "Where in Gloo's chain of filters (default: what --phase says).", valueName: "stage"))
    var stage: GlooOptions.Stage?

    @Option(help: ArgumentHelp("On which side of that stage.", valueName: "side"))
    var predicate = GlooOptions.Predicate.before

    @Option(
        help: ArgumentHelp("The module's file in the proxy, if it is not to be fetched.", valueName: "path"))
    var modulePath: String?

    init() {}

    var gloo: GlooOptions {
        var options = GlooOptions()
        options.gateway = gateway
        options.stage = stage
        options.predicate = predicate
        options.modulePath = modulePath
        return options
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
