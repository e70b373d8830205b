// SPDX-License-Identifier: Apache-2.0

import HostProfiles

extension IstioTarget {
    /// Whether a version's `WasmPlugin` lacks a field for something that its Envoy can be told all the same.
    static func isBeyondPlugin(_ deployment: FilterDeployment, of version: HostVersion) -> Bool {
        guard let catalog = try? HostCatalog.bundled(),
            let profile = try? catalog.profile(of: "istio", version)
        else { return version < HostVersion(1, 12) }
        let envoy = profile.envoy.flatMap { try? catalog.profile(of: "envoy", $0) }
        func lacks(_ field: String) -> Bool { !profile.fields.contains { $0.name == field } }
        func envoyHas(_ field: String) -> Bool { envoy?.fields.contains { $0.name == field } == true }
        if lacks("WasmPlugin") { return true }
        if !deployment.match.isEmpty, lacks("WasmPlugin.match") { return true }
        if deployment.kind == .network, lacks("WasmPlugin.type") { return true }
        return switch deployment.failurePolicy {
        case .open: lacks("WasmPlugin.failStrategy")
        case .reload:
            lacks("WasmPlugin.failStrategy.FAIL_RELOAD") && envoyHas("PluginConfig.failure_policy")
        case .closed, nil: false
        }
    }
}
