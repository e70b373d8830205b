// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI

extension Installation {
    private func object(
        _ apiVersion: String, _ kind: String, _ namespace: String, _ spec: JSONObject
    ) -> String {
        YAMLText.document(
            .object([
                "apiVersion": .string(apiVersion), "kind": .string(kind),
                "metadata": .object(["name": .string(name), "namespace": .string(namespace)]),
                "spec": .object(spec),
            ]))
    }

    /// What a target says that takes objects alone, if the configuration is none.
    private var objectNote: String {
        if configuration == .none || configuration.object != nil { return "" }
        return " The configuration is no JSON object, which is all that can stand here: it was left out."
    }

    private var privateNote: String {
        "Of a private repository, add imagePullSecret: the name of a registry secret in the same namespace."
    }

    var istio: Target {
        var spec = JSONObject()
        spec["selector"] = .object(["matchLabels": .object(["app": .string("my-app")])])
        spec["url"] = .string("oci://\(reference)")
        if isNetwork { spec["type"] = .string("NETWORK") }
        // The CustomResourceDefinition takes 1 to 256 characters.
        if (1...256).contains(rootID.unicodeScalars.count) { spec["pluginName"] = .string(rootID) }
        spec["pluginConfig"] = configuration.object
        return Target(
            name: "Istio", note: privateNote + objectNote,
            snippets: [
                command("istio", "-n default -l app=my-app"),
                Snippet(
                    id: "istio", note: "kubectl apply; the selector says which pods",
                    text: object("extensions.istio.io/v1alpha1", "WasmPlugin", "default", spec)),
            ])
    }

    var higress: Target {
        var spec = JSONObject()
        spec["url"] = .string("oci://\(reference)")
        if (1...256).contains(rootID.unicodeScalars.count) { spec["pluginName"] = .string(rootID) }
        spec["failStrategy"] = .string("FAIL_CLOSE")
        spec["defaultConfig"] = configuration.object
        return Target(
            name: "Higress", note: privateNote + objectNote,
            snippets: [
                command("higress", "", telling: objectNote.isEmpty ? configuration : .none),
                Snippet(
                    id: "higress", note: "kubectl apply; for the whole gateway",
                    text: object("extensions.higress.io/v1alpha1", "WasmPlugin", "higress-system", spec)),
            ])
    }

    var envoyGateway: Target {
        var filter = JSONObject()
        filter["name"] = .string(name)
        if !rootID.isEmpty { filter["rootID"] = .string(rootID) }
        filter["code"] = .object([
            "type": .string("Image"),
            "image": .object(["url": .string(reference), "sha256": .string(digest.hex)]),
        ])
        if case .json(let value) = configuration { filter["config"] = value }
        var spec = JSONObject()
        spec["targetRefs"] = .array([
            .object([
                "group": .string("gateway.networking.k8s.io"), "kind": .string("HTTPRoute"),
                "name": .string("my-route"),
            ])
        ])
        spec["wasm"] = .array([.object(filter)])
        var note = "Of a private repository, add pullSecretRef beside the url."
        var told = configuration
        if case .text = configuration {
            note += " The configuration is no JSON, and was left out."
            told = .none
        }
        return Target(
            name: "Envoy Gateway", note: note,
            snippets: [
                command("envoy-gateway", "-n default --target HTTPRoute/my-route", telling: told),
                Snippet(
                    id: "envoy-gateway",
                    note: "kubectl apply; the target is the route that the filter is for",
                    text: object("gateway.envoyproxy.io/v1alpha1", "EnvoyExtensionPolicy", "default", spec)),
            ])
    }

    var kuma: Target {
        let filter = YAMLText.document(
            .object([
                "name": .string(name),
                "typedConfig": .object([
                    "@type": .string("type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"),
                    "config": plugin(
                        code: .object([
                            "local": .object(["filename": .string("/wasm/\(module.hex).wasm")])
                        ])),
                ]),
            ]))
        var spec = JSONObject()
        spec["targetRef"] = .object([
            "kind": .string("Dataplane"), "labels": .object(["app": .string("my-app")]),
        ])
        spec["default"] = .object([
            "appendModifications": .array([
                .object([
                    "httpFilter": .object([
                        "operation": .string("AddBefore"),
                        "match": .object([
                            "name": .string("envoy.filters.http.router"), "origin": .string("inbound"),
                        ]),
                        "value": .string(filter),
                    ])
                ])
            ])
        ])
        return Target(
            name: "Kuma",
            note: """
                The module has to be a file in the sidecar; its address is \(moduleURL), and its SHA-256 is in the name.
                """,
            snippets: [
                command("kuma", "-l app=my-app --module-file /wasm/\(module.hex).wasm"),
                Snippet(
                    id: "kuma", note: "kubectl apply; the labels say which pods",
                    text: YAMLText.document(
                        .object([
                            "apiVersion": .string("kuma.io/v1alpha1"), "kind": .string("MeshProxyPatch"),
                            "metadata": .object([
                                "name": .string(name), "namespace": .string("kuma-system"),
                                "labels": .object(["kuma.io/mesh": .string("default")]),
                            ]),
                            "spec": .object(spec),
                        ]))),
            ])
    }

    var consul: Target {
        var plugin = JSONObject()
        plugin["Name"] = .string(name)
        if !rootID.isEmpty { plugin["RootID"] = .string(rootID) }
        if let text = configuration.text { plugin["Configuration"] = .string(text) }
        plugin["VmConfig"] = .object([
            "Runtime": .string("v8"),
            "Code": .object(["Local": .object(["Filename": .string("/wasm/\(module.hex).wasm")])]),
        ])
        let entry: JSONValue = .object([
            "Kind": .string("service-defaults"), "Name": .string("my-service"), "Protocol": .string("http"),
            "EnvoyExtensions": .array([
                .object([
                    "Name": .string("builtin/wasm"), "Required": .bool(true),
                    "Arguments": .object([
                        "Protocol": .string("http"), "ListenerType": .string("inbound"),
                        "ProxyType": .string("connect-proxy"), "PluginConfig": .object(plugin),
                    ]),
                ])
            ]),
        ])
        return Target(
            name: "Consul",
            note: """
                The module has to be a file where Envoy runs; its address is \(moduleURL), and its SHA-256 is in the name.
                """,
            snippets: [
                command("consul", "--service my-service --module-file /wasm/\(module.hex).wasm"),
                Snippet(
                    id: "consul", note: "As a file for consul config write",
                    text: YAMLText.json(entry.prettyPrinted) + "\n"),
            ])
    }
}
