// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import SystemPackage
import YAML

extension FilterDeploymentFile {
    /// The file as YAML that `read` takes for the same.
    package var yaml: String {
        var metadata = Fields()
        metadata.add("name", name)
        metadata.add("namespace", namespace)
        metadata.add("labels", labels)
        metadata.add("annotations", annotations)
        let document: ConfigValue = [
            "apiVersion": .string(Self.apiVersion), "kind": .string(Self.kind), "metadata": metadata.map,
            "spec": [
                "filter": filter.written,
                "deployment": .map([
                    .init(key: target.name, value: target.written(filter.patchContext, namespace: namespace))
                ]),
            ],
        ]
        return document.yamlLines.joined(separator: "\n") + "\n"
    }

    /// Several documents as one file.
    package static func yaml(_ documents: [FilterDeploymentFile]) -> String {
        documents.map(\.yaml).joined(separator: "---\n")
    }
}

/// Fields in the order in which they are added; what says nothing is left out.
private struct Fields {
    private var fields: [ConfigValue.Field] = []

    var map: ConfigValue { .map(fields) }

    mutating func add(_ key: String, _ value: ConfigValue?) {
        if let value { fields.append(.init(key: key, value: value)) }
    }

    mutating func add(_ key: String, _ text: String?) { add(key, text.map { ConfigValue.string($0) }) }

    mutating func add(_ key: String, _ texts: [String: String]) {
        guard !texts.isEmpty else { return }
        add(key, .map(texts.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }))
    }

    mutating func add(_ key: String, _ texts: [String]) {
        if !texts.isEmpty { add(key, .list(texts.map { .string($0) })) }
    }

    mutating func add(_ key: String, ifTrue flag: Bool) { if flag { add(key, .boolean(true)) } }
}

extension FilterDeploymentFile.Filter {
    fileprivate var written: ConfigValue {
        var fields = Fields()
        fields.add("id", id)
        fields.add("image", "\(image)")
        if digest != image.digest { fields.add("digest", digest.map { "\($0)" }) }
        var pull = Fields()
        pull.add("pullSecret", self.pull.secret)
        pull.add("insecureSkipVerify", ifTrue: self.pull.skipsVerification)
        pull.add("plainHttp", ifTrue: self.pull.usesPlainHTTP)
        if pull.map != .map([]) { fields.add("imagePullOptions", pull.map) }
        if kind != .http { fields.add("type", kind.rawValue) }
        fields.add("rootID", rootID)
        if !vmID.isEmpty { fields.add("vmID", vmID) }
        fields.add("config", configuration.map(Self.written))
        fields.add("vmConfig", vmConfiguration.map(Self.written))
        if !environment.isEmpty {
            fields.add(
                "env",
                .list(
                    environment.sorted { $0.key < $1.key }.map { name, value in
                        switch value {
                        case .value(let text): ["name": .string(name), "value": .string(text)]
                        case .host: ["name": .string(name), "valueFrom": "host"]
                        }
                    }))
        }
        fields.add("failurePolicy", failurePolicy?.word)
        if let capabilities { fields.add("capabilities", capabilities) }
        fields.add("phase", phase?.rawValue)
        fields.add("priority", priority.map { .integer($0) })
        if !match.isEmpty {
            fields.add(
                "match",
                .list(
                    match.map { match in
                        var fields = Fields()
                        fields.add("mode", match.mode.rawValue)
                        if !match.ports.isEmpty {
                            fields.add("ports", .list(match.ports.map { .integer($0) }))
                        }
                        return fields.map
                    }))
        }
        fields.add("patchContext", patchContext?.rawValue)
        return fields.map
    }

    /// A configuration as YAML, where that reads as the same bytes; else as a text.
    private static func written(_ configuration: String) -> ConfigValue {
        guard let json = try? JSONValue(parsing: configuration), let object = json.object,
            object["@type"] == nil
        else { return .string(configuration) }
        let value = ConfigValue(json)
        let lines = value.yamlLines.joined(separator: "\n")
        let read = try? YAMLNode.document(lines, file: "")
        guard let read, read.json.description.utf8.elementsEqual(configuration.utf8) else {
            return .string(configuration)
        }
        return value
    }
}

extension FilterDeploymentFile.Target {
    /// The fields of the target's section.
    /// - Parameters:
    ///   - patchContext: what the filter says already.
    ///   - namespace: what the object says already.
    /// - Returns: the fields in order.
    func written(_ patchContext: FilterDeploymentFile.PatchContext?, namespace: String?) -> ConfigValue {
        var fields = Fields()
        func add(_ place: KubernetesPlace) {
            if place.namespace != namespace { fields.add("namespace", place.namespace) }
            fields.add("labels", place.labels)
            guard !place.targets.isEmpty else { return }
            fields.add(
                "targetRefs",
                .list(
                    place.targets.map { target in
                        var fields = Fields()
                        fields.add("group", target.group)
                        fields.add("kind", target.kind)
                        fields.add("name", target.name)
                        fields.add("sectionName", target.sectionName)
                        return fields.map
                    }))
        }
        switch self {
        case .envoy(let target): return target.written
        case .istio(let place, let options, let original):
            fields.add("kind", options.kind?.rawValue ?? original.workloadKind)
            fields.add("istioNamespace", original.istioNamespace)
            add(place)
            if options.isGateway != (patchContext == .gateway) {
                fields.add("gateway", .boolean(options.isGateway))
            }
            fields.add("allowStopIteration", options.allowsStopIteration.map { .boolean($0) })
            if let backoff = options.reloadBackoff {
                var written = Fields()
                written.add("base", "\(backoff.base)ms")
                written.add("max", backoff.maximum.map { "\($0)ms" })
                fields.add("reloadBackoff", written.map)
            }
        case .envoyGateway(let place, let options):
            add(place)
            fields.add("mergeType", options.mergeType?.rawValue)
            fields.add("certificateAuthority", options.certificateAuthority)
        case .gloo(let place, let options):
            add(place)
            fields.add("gateway", options.gateway)
            fields.add("stage", options.stage?.rawValue)
            if options.predicate != .before { fields.add("predicate", options.predicate.rawValue) }
            fields.add("modulePath", options.modulePath)
        case .higress(let place, let options):
            add(place)
            if !options.rules.isEmpty { fields.add("rules", .list(options.rules.map(\.written))) }
            fields.add("defaultDisabled", ifTrue: options.isDefaultDisabled)
        case .kuma(let place, let options):
            add(place)
            fields.add("mesh", options.mesh)
            fields.add("module", options.module.written)
            fields.add("volume", options.volume)
        case .consul(let place, let options):
            add(place)
            fields.add("service", options.service)
            fields.add("module", options.module.written)
            fields.add("moduleService", options.moduleService)
            if options.form != .kubernetes { fields.add("form", options.form.rawValue) }
        case .cilium(let place, let options):
            add(place)
            fields.add(
                "services",
                .list(
                    options.services.map { service in
                        var fields = Fields()
                        fields.add("name", service.name)
                        fields.add("namespace", service.namespace)
                        fields.add("port", service.port.map { .integer($0) })
                        return fields.map
                    }))
            fields.add("modulePath", options.modulePath)
            fields.add("clusterwide", ifTrue: options.isClusterwide)
        }
        return fields.map
    }
}

extension FilterDeploymentFile.EnvoyTarget {
    fileprivate var written: ConfigValue {
        var fields = Fields()
        fields.add(
            "members",
            .list(
                fleet.members.map { member in
                    [
                        "slot": .string(member.slot.string),
                        "admin": .list(member.admins.map { .string("\($0)") }),
                    ]
                }))
        if fleet.order != .sequential { fields.add("order", fleet.order.rawValue) }
        fields.add("atomic", ifTrue: fleet.isAtomic)
        fields.add("timeout", timeout.map { DurationText.text($0) })
        fields.add("probes", probes)
        return fields.map
    }
}

extension ModuleSource {
    fileprivate var written: ConfigValue {
        switch self {
        case .file(let path): ["file": .string(path)]
        case .remote(let url, let digest): ["url": .string(url), "sha256": .string(digest.hex)]
        }
    }
}

extension HigressOptions.Rule {
    fileprivate var written: ConfigValue {
        var fields = Fields()
        fields.add("ingresses", ingresses)
        fields.add("domains", domains)
        fields.add("services", services)
        fields.add("routeType", routeType?.rawValue)
        fields.add("config", configuration.map { ConfigValue(.object($0)) })
        fields.add("disabled", ifTrue: isDisabled)
        return fields.map
    }
}
