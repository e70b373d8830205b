// SPDX-License-Identifier: Apache-2.0

private import Deployment
import JSON

extension ProxyFleet {
    /// The proxies that Envoy Gateway makes for a gateway, or for all of a class (envoyproxy/gateway,
    /// `internal/infrastructure/kubernetes/proxy`).
    ///
    /// Filters are named after the policy, switched off, and switched on by routes (`internal/xds/translator/wasm.go`). The
    /// controller serves the module, and names its digest (`internal/wasm/cache.go`).
    package static let envoyGateway = ProxyFleet(
        word: "envoy-gateway", title: "Envoy Gateway",
        ports: ProxyPorts(container: "envoy", admin: 19000), answersInStatus: true, servesModules: true,
        filter: { object, id in
            let filters = object.spec?["wasm"]?.array?.compactMap(\.object) ?? []
            guard let ours = filters.first(where: { $0["name"]?.string == id }) ?? filters.first else {
                return nil
            }
            var filter = ListenerFilter(plugin: ours["name"]?.string ?? id)
            // Policies of routes that are merged with their gateway's have names that are not known here.
            if object.spec?["mergeType"] == nil {
                filter.machine =
                    "envoyextensionpolicy/\(object.namespace ?? "default")/\(object.name)/wasm/"
            }
            filter.configuration = ours["config"]
            return .listener(filter)
        },
        find: { object, search in
            for target in object.targetReferences {
                try await search.findEnvoyGateway(target, in: object.namespace)
            }
        })

    /// Gloo's gateway (solo-io/gloo, `install/helm/gloo/templates`).
    package static let gloo = ProxyFleet(
        word: "gloo", title: "Gloo", ports: ProxyPorts(container: "gateway-proxy", admin: 19000),
        answersInStatus: true,
        filter: { object, id in
            let path = ["httpGateway", "options", "wasm", "filters"]
            let list = path.reduce(object.json["spec"]) { $0?.object?[$1] }?.array ?? []
            guard let ours = list.first(where: { $0.object?["name"]?.string == id })?.object else {
                return nil
            }
            var filter = ListenerFilter(plugin: id)
            filter.configuration = ours["config"]?.object?["value"].map(ListenerDump.configured)
            return .listener(filter)
        },
        find: { object, search in
            // A gateway names the proxies that it is for; without that it is the usual one.
            let names = object.spec?["proxyNames"]?.array?.compactMap(\.string) ?? ["gateway-proxy"]
            for name in names {
                let isUsual = name == "gateway-proxy"
                try await search.look(
                    for: isUsual ? ["gloo": "gateway-proxy"] : ["gateway-proxy-id": name],
                    in: object.namespace)
            }
        })
}

extension ProxySearch {
    /// Pods behind a target of a policy of Envoy Gateway: a gateway, or what leads to one.
    fileprivate mutating func findEnvoyGateway(_ target: ObjectReference, in namespace: String?) async throws
    {
        let namespace = target.namespace ?? namespace
        if target.kind == "Gateway" {
            return try await findProxies(of: target.name, in: namespace ?? "default")
        }
        guard let object = try await referent(target.resource, target.name, in: namespace) else { return }
        // A set of listeners has one parent, a route has several.
        let parents = object.spec?["parentRefs"]?.array ?? object.spec?["parentRef"].map { [$0] } ?? []
        for parent in parents {
            guard
                let parent = ObjectReference(parent, group: ClusterObject.gatewayGroup, kind: "Gateway")
            else { continue }
            try await findEnvoyGateway(parent, in: object.namespace)
        }
        if parents.isEmpty { remark("\(object.title) belongs to no Gateway") }
    }

    private mutating func findProxies(of gateway: String, in namespace: String) async throws {
        // They are in the controller's namespace, or in the gateway's own.
        let places = ["envoy-gateway-system", namespace]
        let prefix = "gateway.envoyproxy.io/owning-gateway"
        let own = ["\(prefix)-name": gateway, "\(prefix)-namespace": namespace]
        if try await look(for: own, everywhereOr: places) { return }
        guard let object = try await referent(ClusterObject.gatewayKind, gateway, in: namespace),
            let name = object.spec?["gatewayClassName"]?.string
        else { return }
        // All gateways of a class can share one fleet (EnvoyProxy, `mergeGateways`).
        _ = try await look(for: ["\(prefix)class": name], everywhereOr: places)
    }
}
