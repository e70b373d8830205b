// SPDX-License-Identifier: Apache-2.0

private import JSON

/// What Istio calls a plugin in the proxies: the resource of Envoy's extension configuration discovery.
package struct IstioResource: Hashable, Sendable {
    /// The names that versions of Istio have for it; a proxy knows one of them.
    package let names: [String]

    /// The plugin of a `WasmPlugin` (istio, pilot/pkg/model/extensions.go): up to 1.25 the name has a slip of the pen, from
    /// 1.30 on the control plane turns the object into a `TrafficExtension` first.
    package static func wasmPlugin(_ name: String, in namespace: String) -> IstioResource {
        IstioResource(names: [
            "extensions.istio.io/wasmplugin/\(namespace).\(name)",
            "extenstions.istio.io/wasmplugin/\(namespace).\(name)",
            "extensions.istio.io/trafficextension/\(namespace).\(name)~istio-translated-wasmplugin",
        ])
    }

    package static func trafficExtension(_ name: String, in namespace: String) -> IstioResource {
        IstioResource(names: ["extensions.istio.io/trafficextension/\(namespace).\(name)"])
    }

    /// A resource whose name the object itself says, as the `EXTENSION_CONFIG` of an `EnvoyFilter` does.
    package static func named(_ name: String) -> IstioResource { IstioResource(names: [name]) }

    /// The resource of an object that we have written; nil for one that makes none.
    package init?(_ object: ClusterObject, in namespace: String? = nil) {
        let namespace = object.namespace ?? namespace ?? "default"
        switch object.kind {
        case "WasmPlugin": self = .wasmPlugin(object.name, in: namespace)
        case "TrafficExtension": self = .trafficExtension(object.name, in: namespace)
        case "EnvoyFilter":
            let patches = object.json["spec"]?.object?["configPatches"]?.array ?? []
            let names = patches.compactMap { patch in
                patch.object?["applyTo"]?.string == "EXTENSION_CONFIG"
                    ? patch.object?["patch"]?.object?["value"]?.object?["name"]?.string : nil
            }
            guard !names.isEmpty else { return nil }
            self.init(names: names)
        default: return nil
        }
    }

    private init(names: [String]) { self.names = names }
}
