// SPDX-License-Identifier: Apache-2.0

private import JSON
private import OCI

/// Consul: the extension `builtin/wasm` among the defaults of a service, for its proxies' inbound requests
/// (hashicorp/consul, `agent/envoyextensions/builtin/wasm`).
package struct ConsulTarget: SharedObjectTarget {
    package var options: ConsulOptions

    package var name: String { "consul" }
    package var title: String { "Consul" }
    package var usualNamespace: String? { nil }
    package var fetchesImage: Bool { false }
    package var listPath: [String] { ["spec", "envoyExtensions"] }

    package init(_ options: ConsulOptions) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target { .consul(place, options) }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .network: "the extension puts its filter before the router of requests"
        case .failReload: "a filter that has trapped fails closed or open"
        case .phaseAuthn, .phaseAuthz, .phaseStats: "the filter stands right before the router"
        case .priority: "extensions are applied in the order of the service's list"
        case .matchClient: "the extension is applied to inbound requests only"
        case .matchPorts: "the extension is for all of a service's inbound requests"
        case .labels, .targets, .sectionName: "an extension is for the service of the option \"service\""
        case .pullSecret: "it fetches no images"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        guard KubernetesNames.isLabelValue(options.service), !options.service.isEmpty else {
            throw DeploymentError(
                .invalid, "\"\(options.service)\" cannot be the name of a service",
                hint: "name the service whose proxies run the filter")
        }
        let item = try item(request.deployment)
        var rendered = RenderedFilter([])
        rendered.hostFields = ["EnvoyExtensions builtin/wasm"]
        rendered.warnings.append(
            "Consul runs the filter for inbound requests, and only in services whose protocol is http, http2 or grpc"
        )
        if request.deployment.rootID.isEmpty {
            rendered.warnings.append("Consul asks for a root id: a filter whose module has one needs it")
        }
        if options.form == .kubernetes {
            let filters = replacing(
                request.deployment.id, with: item, in: list(in: request.live, request.place))
            rendered.objects = [object(with: filters, request.place)]
            if request.live.isEmpty {
                rendered.warnings.append(
                    "the other extensions of the service \"\(options.service)\" are not known here: the list takes the place of theirs"
                )
            }
        } else {
            rendered.files = [entry(item, request)]
        }
        return rendered
    }

    // MARK: - the extension

    private func item(_ deployment: FilterDeployment) throws -> ConfigValue {
        var machine: [ConfigValue.Field] = []
        if !deployment.vmID.isEmpty { machine.add("vmID", .string(deployment.vmID)) }
        machine.add("runtime", "v8")
        machine.add("code", try code())
        machine.add("configuration", deployment.vmConfiguration.map { .string($0) })
        var variables: [ConfigValue.Field] = []
        if !deployment.hostEnvironment.isEmpty {
            variables.add("hostEnvKeys", .list(deployment.hostEnvironment.map { .string($0) }))
        }
        if !deployment.environmentValues.isEmpty {
            variables.add("keyValues", .sorted(deployment.environmentValues))
        }
        if !variables.isEmpty { machine.add("environmentVariables", .map(variables)) }
        var plugin: [ConfigValue.Field] = [.init(key: "name", value: .string(deployment.id))]
        if !deployment.rootID.isEmpty { plugin.add("rootID", .string(deployment.rootID)) }
        plugin.add("vmConfig", .map(machine))
        plugin.add("configuration", deployment.configuration.map { .string($0) })
        plugin.add(
            "capabilityRestrictionConfiguration",
            deployment.capabilities.map {
                ["allowedCapabilities": .map($0.map { .init(key: $0, value: [:]) })]
            })
        return [
            "name": "builtin/wasm",
            // An extension that is not required lets everything pass when it fails.
            "required": .boolean(deployment.failurePolicy != .open),
            "arguments": [
                "protocol": "http", "listenerType": "inbound", "proxyType": "connect-proxy",
                "pluginConfig": .map(plugin),
            ],
        ]
    }

    private func code() throws -> ConfigValue {
        switch options.module {
        case .file(let path): return ["local": ["filename": .string(path)]]
        case .remote(let url, let sha256):
            guard let service = options.moduleService else {
                throw DeploymentError(
                    .invalid, "Consul needs to know which service serves \"\(url)\"",
                    hint: "name it, and make it an upstream of \"\(options.service)\"")
            }
            return [
                "remote": [
                    "httpURI": [
                        "service": ["name": .string(service)], "uri": .string(url), "timeout": "10s",
                    ],
                    "sha256": .string(sha256.hex), "retryPolicy": ["numRetries": 5],
                ]
            ]
        }
    }

    // MARK: - as an object

    package func object(with filters: [ConfigValue], _ place: KubernetesPlace) -> KubernetesObject {
        KubernetesObject(
            apiVersion: "consul.hashicorp.com/v1alpha1", kind: "ServiceDefaults",
            namespace: place.namespace, name: options.service,
            spec: [.init(key: "envoyExtensions", value: .list(filters))], isShared: true)
    }

    /// Names are read in any case, as Consul does.
    package func id(of item: ConfigValue) -> String? {
        guard case .string("builtin/wasm")? = item[anyCase: "name"],
            case .string(let name)? = item[anyCase: "arguments"]?[anyCase: "pluginConfig"]?[anyCase: "name"]
        else { return nil }
        return name
    }

    // MARK: - as a configuration entry

    /// The entry for `consul config write`: what the service had before stays in it.
    private func entry(_ item: ConfigValue, _ request: KubernetesRequest) -> KubernetesPlan.File {
        let known = request.live.map { ConfigValue($0) }.first {
            $0[anyCase: "kind"] == "service-defaults" && $0[anyCase: "name"] == .string(options.service)
        }
        var extensions: [ConfigValue] = []
        if case .list(let list)? = known?[anyCase: "envoyExtensions"] { extensions = list }
        extensions = replacing(request.deployment.id, with: ConsulEntry.capitalised(item), in: extensions)
        var fields: [ConfigValue.Field] = [
            .init(key: "Kind", value: "service-defaults"),
            .init(key: "Name", value: .string(options.service)), .init(key: "Protocol", value: "http"),
        ]
        var metadata: [ConfigValue.Field] = []
        if case .map(let old)? = known?[anyCase: "meta"] { metadata = old }
        metadata.removeAll { $0.key == ConsulEntry.owner.key }
        metadata.add(ConsulEntry.owner.key, .string(ConsulEntry.owner.value))
        fields.add("Meta", .map(metadata))
        if case .map(let old)? = known {
            let ours: Set = ["kind", "name", "meta", "envoyextensions", "createindex", "modifyindex", "hash"]
            let rest = old.filter { !ours.contains($0.key.lowercased()) }
            fields =
                fields.filter { field in
                    !rest.contains { $0.key.lowercased() == field.key.lowercased() }
                } + rest
        }
        fields.add("EnvoyExtensions", .list(extensions))
        let name = "service-defaults.\(options.service)"
        if options.form == .hcl {
            let line = ConsulEntry.firstLine(request.deployment.id)
            return KubernetesPlan.File(
                name: "\(name).hcl", text: "\(line)\n\(ConsulEntry.hcl(fields))", mark: .line(line))
        }
        return KubernetesPlan.File(
            name: "\(name).json", text: ConfigValue.map(fields).json.prettyPrinted + "\n",
            mark: .metadata(key: ConsulEntry.owner.key, value: ConsulEntry.owner.value))
    }
}

extension ConfigValue {
    /// The field of a map, in whatever case it is written.
    subscript(anyCase key: String) -> ConfigValue? {
        guard case .map(let fields) = self else { return nil }
        return fields.first { $0.key.lowercased() == key.lowercased() }?.value
    }
}
