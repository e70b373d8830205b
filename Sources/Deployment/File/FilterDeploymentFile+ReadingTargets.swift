// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import JSON
import OCI
import SystemPackage
import YAML

extension FieldReader {
    /// Reads `spec.deployment`.
    /// - Parameters:
    ///   - values: what has been checked.
    ///   - pullSecret: the secret of `spec.filter`.
    ///   - patchContext: that of `spec.filter`.
    ///   - namespace: the object's.
    /// - Returns: the target.
    /// - Throws: `DeploymentError` with the place.
    func target(
        _ values: FieldValues, pullSecret: String?, patchContext: FilterDeploymentFile.PatchContext?,
        namespace: String?
    ) throws -> FilterDeploymentFile.Target {
        func place(_ target: FieldValues) -> KubernetesPlace {
            var place = KubernetesPlace()
            place.namespace = target.text("namespace") ?? namespace
            place.labels = target.texts("labels")
            place.targets = target.list("targetRefs").map { node in
                let reference = FieldValues(node)
                return .init(
                    group: reference.text("group") ?? "gateway.networking.k8s.io",
                    kind: reference.text("kind") ?? "", name: reference.text("name") ?? "",
                    sectionName: reference.text("sectionName"))
            }
            place.pullSecret = pullSecret
            return place
        }
        if let envoy = values.object("envoy") { return .envoy(try self.envoy(envoy)) }
        if let istio = values.object("istio") {
            let (options, original) = self.istio(istio, patchContext: patchContext)
            return .istio(place(istio), options, original)
        }
        if let gateway = values.object("envoyGateway") {
            var options = EnvoyGatewayOptions()
            options.mergeType = gateway.word("mergeType")
            options.certificateAuthority = gateway.text("certificateAuthority")
            return .envoyGateway(place(gateway), options)
        }
        if let gloo = values.object("gloo") {
            var options = GlooOptions()
            options.gateway = gloo.text("gateway") ?? options.gateway
            options.stage = gloo.word("stage")
            options.predicate = gloo.word("predicate") ?? options.predicate
            options.modulePath = gloo.text("modulePath")
            return .gloo(place(gloo), options)
        }
        if let higress = values.object("higress") {
            return .higress(place(higress), try self.higress(higress))
        }
        if let kuma = values.object("kuma") {
            var options = KumaOptions(module: try module(kuma, of: "kuma"))
            options.mesh = kuma.text("mesh") ?? options.mesh
            options.volume = kuma.text("volume")
            return .kuma(place(kuma), options)
        }
        if let consul = values.object("consul") {
            var options = ConsulOptions(
                service: consul.text("service") ?? "", module: try module(consul, of: "consul"))
            options.moduleService = consul.text("moduleService")
            options.form = consul.word("form") ?? options.form
            return .consul(place(consul), options)
        }
        let cilium = FieldValues(values["cilium"] ?? values.node)
        let services = cilium.list("services").map { node in
            let service = FieldValues(node)
            return CiliumOptions.Service(
                name: service.text("name") ?? "", namespace: service.text("namespace") ?? "",
                port: service.integer("port"))
        }
        var options = CiliumOptions(services: services, modulePath: cilium.text("modulePath") ?? "")
        options.isClusterwide = cilium.flag("clusterwide") ?? false
        return .cilium(place(cilium), options)
    }

    private func envoy(_ values: FieldValues) throws -> FilterDeploymentFile.EnvoyTarget {
        let members = try values.list("members").map { node in
            let member = FieldValues(node)
            let admins = try member.list("admin").map { address in
                do {
                    return try HostPort(admin: address.text ?? "")
                } catch let problem as EnvoyError {
                    throw error(address, problem.message, hint: problem.hint)
                }
            }
            return EnvoyFleet.Member(slot: FilePath(member.text("slot") ?? ""), admins: admins)
        }
        var fleet = EnvoyFleet(members)
        fleet.order = values.word("order") ?? .sequential
        fleet.isAtomic = values.flag("atomic") ?? false
        var target = FilterDeploymentFile.EnvoyTarget(fleet: fleet)
        target.timeout = values.duration("timeout")
        target.probes = values.list("probes").map { $0.text ?? "" }
        return target
    }

    private func istio(
        _ values: FieldValues, patchContext: FilterDeploymentFile.PatchContext?
    ) -> (IstioOptions, FilterDeploymentFile.OriginalIstio) {
        var options = IstioOptions()
        var original = FilterDeploymentFile.OriginalIstio()
        if let kind = values.text("kind") {
            options.kind = IstioOptions.Kind(rawValue: kind)
            if options.kind == nil { original.workloadKind = kind }
        }
        original.istioNamespace = values.text("istioNamespace")
        options.isGateway = values.flag("gateway") ?? (patchContext == .gateway)
        options.allowsStopIteration = values.flag("allowStopIteration")
        if let backoff = values.object("reloadBackoff") {
            func milliseconds(_ key: String) -> Int? {
                backoff.duration(key).map { Int($0 / .milliseconds(1)) }
            }
            options.reloadBackoff = .init(base: milliseconds("base") ?? 0, maximum: milliseconds("max"))
        }
        return (options, original)
    }

    private func higress(_ values: FieldValues) throws -> HigressOptions {
        var options = HigressOptions()
        options.isDefaultDisabled = values.flag("defaultDisabled") ?? false
        options.rules = try values.list("rules").enumerated().map { index, node in
            let member = FieldValues(node)
            var rule = HigressOptions.Rule()
            rule.ingresses = member.list("ingresses").map { $0.text ?? "" }
            rule.domains = member.list("domains").map { $0.text ?? "" }
            rule.services = member.list("services").map { $0.text ?? "" }
            rule.routeType = member.word("routeType")
            rule.isDisabled = member.flag("disabled") ?? false
            if let config = member["config"] {
                guard let object = config.json.object else {
                    throw error(
                        config,
                        "\"spec.deployment.higress.rules[\(index)].config\" must be a mapping, not \(config.phrase)"
                    )
                }
                rule.configuration = object
            }
            return rule
        }
        return options
    }

    private func module(_ values: FieldValues, of target: String) throws -> ModuleSource {
        let module = FieldValues(values["module"] ?? values.node)
        switch (module.text("file"), module.text("url"), module.text("sha256")) {
        case (let file?, nil, nil): return .file(file)
        case (nil, let url?, let hex?):
            guard let digest = try? Digest(algorithm: .sha256, hex: hex) else {
                throw error(
                    module["sha256"] ?? module.node,
                    "\"spec.deployment.\(target).module.sha256\" is no SHA-256: write 64 hexadecimal digits")
            }
            return .remote(url: url, sha256: digest)
        default:
            throw error(
                module.node, "\"spec.deployment.\(target).module\" must have either file, or url and sha256")
        }
    }
}
