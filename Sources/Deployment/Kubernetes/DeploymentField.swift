// SPDX-License-Identifier: Apache-2.0

private import JSON

/// Something that a deployment may say and that not every target can express.
package enum DeploymentField: Hashable, Sendable, CaseIterable {
    /// A filter of connections, not of requests.
    case network
    case rootID
    case vmID
    /// A configuration that is JSON, but no object.
    case valueConfiguration
    /// A configuration that is no JSON.
    case textConfiguration
    case vmConfiguration
    /// A variable with a value.
    case environment
    /// A variable of the proxy's own.
    case hostEnvironment
    case failReload
    case failClosed
    case failOpen
    case capabilities
    case phaseAuthn
    case phaseAuthz
    case phaseStats
    case priority
    /// Traffic from the workload only.
    case matchClient
    /// Traffic to the workload only.
    case matchServer
    case matchPorts
    case labels
    case targets
    case sectionName
    case pullSecret

    /// Its name in a `FilterDeployment` file.
    package var name: String {
        switch self {
        case .network: "type: network"
        case .rootID: "rootID"
        case .vmID: "vmID"
        case .valueConfiguration, .textConfiguration: "config"
        case .vmConfiguration: "vmConfig"
        case .environment: "env.value"
        case .hostEnvironment: "env.valueFrom: host"
        case .failReload: "failurePolicy: reload"
        case .failClosed: "failurePolicy: closed"
        case .failOpen: "failurePolicy: open"
        case .capabilities: "capabilities"
        case .phaseAuthn: "phase: authn"
        case .phaseAuthz: "phase: authz"
        case .phaseStats: "phase: stats"
        case .priority: "priority"
        case .matchClient: "match.mode: client"
        case .matchServer: "match.mode: server"
        case .matchPorts: "match.ports"
        case .labels: "labels"
        case .targets: "targetRefs"
        case .sectionName: "targetRefs.sectionName"
        case .pullSecret: "pullSecret"
        }
    }

    /// Whether leaving it out would make another deployment of it: the filter would run elsewhere, or not at all.
    var isEssential: Bool {
        switch self {
        case .network, .labels, .targets, .sectionName: true
        default: false
        }
    }

    /// Whether a deployment says it.
    func isUsed(by deployment: FilterDeployment, at place: KubernetesPlace) -> Bool {
        switch self {
        case .network: deployment.kind == .network
        case .rootID: !deployment.rootID.isEmpty
        case .vmID: !deployment.vmID.isEmpty
        case .valueConfiguration:
            deployment.jsonConfiguration != nil && deployment.objectConfiguration == nil
        case .textConfiguration: deployment.configuration != nil && deployment.jsonConfiguration == nil
        case .vmConfiguration: deployment.vmConfiguration != nil
        case .environment: deployment.environment.values.contains { $0 != .host }
        case .hostEnvironment: deployment.environment.values.contains(.host)
        case .failReload: deployment.failurePolicy == .reload
        case .failClosed: deployment.failurePolicy == .closed
        case .failOpen: deployment.failurePolicy == .open
        case .capabilities: deployment.capabilities != nil
        case .phaseAuthn: deployment.phase == .authn
        case .phaseAuthz: deployment.phase == .authz
        case .phaseStats: deployment.phase == .stats
        case .priority: deployment.priority != nil
        case .matchClient: deployment.match.contains { $0.mode == .client }
        case .matchServer: deployment.match.contains { $0.mode == .server }
        case .matchPorts: deployment.match.contains { !$0.ports.isEmpty }
        case .labels: !place.labels.isEmpty
        case .targets: !place.targets.isEmpty
        case .sectionName: place.targets.contains { $0.sectionName != nil }
        case .pullSecret: place.pullSecret != nil
        }
    }

    /// Takes it out of a deployment.
    func remove(from deployment: inout FilterDeployment, at place: inout KubernetesPlace) {
        switch self {
        case .network, .labels, .targets, .sectionName: break
        case .rootID: deployment.rootID = ""
        case .vmID: deployment.vmID = ""
        case .valueConfiguration, .textConfiguration: deployment.configuration = nil
        case .vmConfiguration: deployment.vmConfiguration = nil
        case .environment: deployment.environment = deployment.environment.filter { $0.value == .host }
        case .hostEnvironment: deployment.environment = deployment.environment.filter { $0.value != .host }
        case .failReload, .failClosed, .failOpen: deployment.failurePolicy = nil
        case .capabilities: deployment.capabilities = nil
        case .phaseAuthn, .phaseAuthz, .phaseStats: deployment.phase = nil
        case .priority: deployment.priority = nil
        case .matchClient, .matchServer:
            for index in deployment.match.indices { deployment.match[index].mode = .both }
        case .matchPorts:
            for index in deployment.match.indices { deployment.match[index].ports = [] }
        case .pullSecret: place.pullSecret = nil
        }
    }
}

extension FilterDeployment {
    /// The configuration as members of an object, with exact numbers; nil if it is none.
    var objectConfiguration: ConfigValue? {
        guard let configuration, let value = try? JSONValue(parsing: configuration), value.object != nil
        else { return nil }
        return ConfigValue(value)
    }

    /// The configuration as any JSON; nil if it is none.
    var jsonConfiguration: ConfigValue? {
        configuration.flatMap { try? JSONValue(parsing: $0) }.map { ConfigValue($0) }
    }
}
