// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import HostProfiles
private import JSON
import OCI

/// What targets share that hand Envoy's own configuration on as it is.
struct EnvoyTerms {
    let target: any KubernetesTarget
    let request: KubernetesRequest
    /// What came up on the way.
    private(set) var warnings: [String] = []

    init(_ target: any KubernetesTarget, _ request: KubernetesRequest) {
        self.target = target
        self.request = request
    }

    /// The typed configuration of a filter (`envoy/extensions/wasm/v3/wasm.proto`).
    /// - Parameters:
    ///   - code: an `AsyncDataSource`.
    ///   - extras: further fields of the plugin.
    /// - Returns: an `Any` of the kind's `Wasm` message.
    mutating func typedConfig(code: ConfigValue, extras: [ConfigValue.Field] = []) -> ConfigValue {
        let deployment = request.deployment
        var machine: [ConfigValue.Field] = []
        if !deployment.vmID.isEmpty { machine.add("vm_id", .string(deployment.vmID)) }
        machine.add("runtime", "envoy.wasm.runtime.v8")
        machine.add("code", code)
        machine.add("configuration", deployment.vmConfiguration.map(EnvoyPlugin.text))
        machine.add("environment_variables", deployment.envoyEnvironment)
        var plugin: [ConfigValue.Field] = [.init(key: "name", value: .string(deployment.id))]
        if !deployment.rootID.isEmpty { plugin.add("root_id", .string(deployment.rootID)) }
        plugin += failure()
        plugin += extras
        plugin.add("vm_config", .map(machine))
        plugin.add("configuration", deployment.configuration.map(EnvoyPlugin.text))
        plugin.add("capability_restriction_config", deployment.capabilities.map(EnvoyPlugin.restriction))
        return ["@type": .string(EnvoyPlugin.type(of: deployment.kind)), "config": .map(plugin)]
    }

    /// What Envoy does when the module traps, in the words of the Envoy inside.
    private mutating func failure() -> [ConfigValue.Field] {
        let policy = request.deployment.failurePolicy
        guard let version = request.version else {
            // An Envoy that is too old for the field would take nothing at all.
            guard let policy else { return [] }
            return [.init(key: "failure_policy", value: .string(policy.rawValue))]
        }
        if hasField("PluginConfig.failure_policy") {
            return [.init(key: "failure_policy", value: .string((policy ?? .reload).rawValue))]
        }
        if policy == .reload {
            warnings.append(
                "the Envoy of \(target.title) \(version) cannot start a module again that has trapped; the filter fails closed: every request is refused from then on"
            )
        }
        return policy == .open ? [.init(key: "fail_open", value: true)] : []
    }

    /// Warns if the Envoy inside does not know a field.
    mutating func use(_ field: String) {
        guard let version = request.version, !hasField(field) else { return }
        warnings.append("the Envoy of \(target.title) \(version) does not know \(field)")
    }

    private func hasField(_ field: String) -> Bool {
        guard let version = request.version, let catalog = try? HostCatalog.bundled(),
            let envoy = try? catalog.profile(of: target.name, version).envoy,
            let profile = try? catalog.profile(of: "envoy", envoy)
        else { return true }
        return profile.fields.contains { $0.name == field }
    }

    // MARK: - modules over HTTP

    /// A module that Envoy fetches itself (`RemoteDataSource`), which works when a listener is made, not by discovery.
    static func remote(_ url: String, sha256: Digest, cluster: String) -> ConfigValue {
        [
            "remote": [
                "http_uri": ["uri": .string(url), "cluster": .string(cluster), "timeout": "10s"],
                "sha256": .string(sha256.hex), "retry_policy": ["num_retries": 10],
            ]
        ]
    }

    /// The cluster behind an address.
    static func cluster(_ name: String, for url: String) throws -> ConfigValue {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty
        else {
            throw DeploymentError(
                .invalid, "\"\(url)\" is no address of a module",
                hint: "write http://HOST/PATH or https://HOST/PATH")
        }
        let isEncrypted = scheme == "https"
        let plainHost = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        var cluster: [ConfigValue.Field] = [
            .init(key: "name", value: .string(name)), .init(key: "type", value: "STRICT_DNS"),
            .init(key: "connect_timeout", value: "5s"),
        ]
        let address: ConfigValue = [
            "socket_address": [
                "address": .string(plainHost), "port_value": .integer(parts.port ?? (isEncrypted ? 443 : 80)),
            ]
        ]
        cluster.add(
            "load_assignment",
            [
                "cluster_name": .string(name),
                "endpoints": [["lb_endpoints": [["endpoint": ["address": address]]]]],
            ])
        if isEncrypted {
            cluster.add(
                "transport_socket",
                [
                    "name": "envoy.transport_sockets.tls",
                    "typed_config": [
                        "@type":
                            "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                        "sni": .string(plainHost),
                        "common_tls_context": [
                            "validation_context": [
                                "trusted_ca": ["filename": "/etc/ssl/certs/ca-certificates.crt"]
                            ]
                        ],
                    ],
                ])
        }
        return .map(cluster)
    }
}

extension KubernetesRequest {
    /// The image by its digest: with a tag beside it, some fetchers would ask for that.
    var pinnedImage: String { "\(deployment.image?.name ?? "")@\(deployment.digest)" }

    /// What a target has to say whose configuration goes through protobuf's `Struct`, which knows no numbers but doubles.
    func inexactNumbers(in title: String) -> [String] {
        guard let text = deployment.configuration, let value = try? JSONValue(parsing: text) else {
            return []
        }
        return value.inexactNumbers.map {
            "\(title) hands numbers on as floating point: \($0) in the configuration arrives as another number; write it as a string if every digit counts"
        }
    }
}

extension JSONValue {
    /// The numbers that a double cannot hold.
    fileprivate var inexactNumbers: [String] {
        switch self {
        case .number(let number):
            let double = Double(number.description).flatMap { JSONNumber("\($0)") }
            return double == number ? [] : [number.description]
        case .array(let elements): return elements.flatMap(\.inexactNumbers)
        case .object(let object): return object.members.flatMap { $0.value.inexactNumbers }
        default: return []
        }
    }
}
