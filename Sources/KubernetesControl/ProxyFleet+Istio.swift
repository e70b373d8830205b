// SPDX-License-Identifier: Apache-2.0

import JSON

extension ProxyFleet {
    /// Sidecars, gateways and waypoints (istio, `manifests/charts`, `pilot/pkg/bootstrap`).
    package static let istio = ProxyFleet(
        word: "istio", title: "Istio",
        ports: ProxyPorts(container: "istio-proxy", admin: 15000, agent: 15020),
        filter: { object, _ in IstioResource(object).map { .resource($0) } },
        find: { object, search in
            if let labels = object.selectedLabels {
                // Objects in Istio's own namespace are for the whole mesh (mesh configuration, `rootNamespace`).
                let isForMesh = object.namespace == "istio-system"
                try await search.look(for: labels, in: isForMesh ? nil : object.namespace)
            } else {
                for target in object.targetReferences {
                    try await search.findIstio(target, in: object.namespace)
                }
            }
        })

    /// Its gateway, a fork of Istio's (alibaba/higress, `helm/core/templates`); the resource has Istio's name for it.
    package static let higress = ProxyFleet(
        word: "higress", title: "Higress",
        ports: ProxyPorts(container: "higress-gateway", admin: 15000, agent: 15020),
        filter: { object, _ in
            object.kind == "WasmPlugin"
                ? .resource(.wasmPlugin(object.name, in: object.namespace ?? "higress-system")) : nil
        },
        find: { object, search in
            try await search.look(for: ["app": "higress-gateway"], in: object.namespace)
        })
}

extension ProxySearch {
    /// Pods behind a target of an Istio policy (istio, `pilot/pkg/model/policyattachment.go`).
    fileprivate mutating func findIstio(_ target: ObjectReference, in namespace: String?) async throws {
        let namespace = target.namespace ?? namespace
        switch target.kind {
        case "Gateway": try await findIstioGateway(target.name, in: namespace)
        case "GatewayClass":
            let gateways = try await kubectl.objects(ClusterObject.gatewayKind, everywhere: true).filter {
                $0.spec?["gatewayClassName"]?.string == target.name
            }
            if gateways.isEmpty { remark("there is no Gateway of the class \"\(target.name)\"") }
            for gateway in gateways { try await findIstioGateway(gateway.name, in: gateway.namespace) }
        case "Service", "ServiceEntry": try await findWaypoint(of: target, in: namespace)
        default: remark("which pods serve a \(target.kind) is not known")
        }
    }

    private mutating func findIstioGateway(_ name: String, in namespace: String?) async throws {
        // Both are labels that Istio gives the pods it makes for a gateway (GEP-1762; the second one up to 1.22).
        for label in ["gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"]
        where try await look(for: [label: name], in: namespace) { return }
        _ = try await referent(ClusterObject.gatewayKind, name, in: namespace)
    }

    /// Services are filtered by their waypoint (istio, labels `istio.io/use-waypoint` and `istio.io/use-waypoint-namespace`).
    private mutating func findWaypoint(of target: ObjectReference, in namespace: String?) async throws {
        let resource = target.kind == "Service" ? "service" : "serviceentries.networking.istio.io"
        guard let service = try await kubectl.object(resource, named: target.name, in: namespace) else {
            return remark("there is no \(target.kind) \"\(namespace.map { "\($0)/" } ?? "")\(target.name)\"")
        }
        var labels = service.labels
        if labels["istio.io/use-waypoint"] == nil, let space = service.namespace {
            do {
                labels = try await kubectl.object("namespace", named: space, in: nil)?.labels ?? [:]
            } catch let error as KubernetesError where error.code == .denied {
                remark("who asks may not read the labels of the namespace \"\(space)\"")
            }
        }
        guard let waypoint = labels["istio.io/use-waypoint"], waypoint != "none" else {
            return remark(
                "no waypoint serves \(service.title): neither it nor its namespace has the label istio.io/use-waypoint"
            )
        }
        try await findIstioGateway(
            waypoint, in: labels["istio.io/use-waypoint-namespace"] ?? service.namespace)
    }
}
