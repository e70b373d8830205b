// SPDX-License-Identifier: Apache-2.0

import JSON

extension FilterDeploymentFile {
    /// The fields of `spec.deployment`.
    static let targetFields: [FieldSchema] = [
        FieldSchema("envoy", .object(envoyFields), "Envoys that stand alone."),
        FieldSchema("istio", .object(istioFields), "Proxies of an Istio mesh."),
        FieldSchema(
            "envoyGateway",
            .object(
                placeFields(labels: false) + [
                    FieldSchema(
                        "mergeType", .words(EnvoyGatewayOptions.MergeType.self),
                        "How the policies of a route and of its gateway become one."),
                    FieldSchema(
                        "certificateAuthority", .text,
                        "The ConfigMap with the registry's certificate authority."),
                ]), "Routes and gateways of Envoy Gateway."),
        FieldSchema(
            "gloo",
            .object([
                namespace,
                FieldSchema(
                    "gateway", .text, standard: .string("gateway-proxy"),
                    "The Gateway whose filters are changed."),
                FieldSchema("stage", .words(GlooOptions.Stage.self), "Where in Gloo's chain of filters."),
                FieldSchema(
                    "predicate", .words(GlooOptions.Predicate.self), standard: .string("Before"),
                    "On which side of that stage."),
                modulePath(required: false),
            ]), "A gateway of Gloo."),
        FieldSchema(
            "higress",
            .object([
                namespace,
                FieldSchema(
                    "rules", .list(.object(ruleFields), atLeast: 0),
                    "Configurations for parts of the traffic."),
                FieldSchema(
                    "defaultDisabled", .flag, standard: .bool(false),
                    "Whether nothing is done where no rule matches."),
            ]), "A gateway of Higress."),
        FieldSchema(
            "kuma",
            .object([
                namespace, labels,
                FieldSchema("mesh", .text, standard: .string("default"), "The mesh."),
                module,
                FieldSchema("volume", .text, "The volume of the pods with the module's file."),
            ]), "Proxies of a Kuma mesh."),
        FieldSchema(
            "consul",
            .object([
                namespace,
                FieldSchema("service", .text, required: true, "The service whose proxies run the filter."),
                module,
                FieldSchema("moduleService", .text, "The service that serves a module that is fetched."),
                FieldSchema(
                    "form", .words(ConsulOptions.Form.self), standard: .string("kubernetes"),
                    "How the configuration entry is written."),
            ]), "Proxies of Consul."),
        FieldSchema(
            "cilium",
            .object([
                namespace,
                FieldSchema(
                    "services", .list(.object(serviceFields), atLeast: 1), required: true,
                    "The services whose traffic is led through the filter."),
                modulePath(required: true),
                FieldSchema(
                    "clusterwide", .flag, standard: .bool(false), "Whether the object belongs to the cluster."
                ),
            ]), "Cilium's own Envoys."),
    ]

    private static let envoyFields: [FieldSchema] = [
        FieldSchema(
            "members",
            .list(
                .object([
                    FieldSchema(
                        "slot", .text, required: true,
                        "The slot's folder or file, as 'wasme deploy envoy --prepare' makes it; relative to this file."
                    ),
                    FieldSchema(
                        "admin", .list(.text, atLeast: 1), required: true,
                        "The admin addresses of the Envoys that read it, as in 127.0.0.1:9901."),
                ]), atLeast: 1), required: true, "Slots and the Envoys that read them."),
        FieldSchema(
            "order", .words(EnvoyFleet.Order.self), standard: .string("sequential"),
            "One after another, or all at once."),
        FieldSchema(
            "atomic", .flag, standard: .bool(false), "Whether all go back if one does not take it."),
        FieldSchema("timeout", .duration, "How long each may take to prove it, as in 30s."),
        FieldSchema(
            "probes", .list(.text, atLeast: 0), "Requests that prove it, as in 'GET / expect header x: y'."),
    ]

    private static let istioFields: [FieldSchema] =
        [
            FieldSchema(
                "kind",
                .word(IstioOptions.Kind.allCases.map(\.rawValue) + originalWorkloads),
                "Which of Istio's resources carries the filter; or the original's kind of workloads."),
            FieldSchema("istioNamespace", .text, "Where istiod is."),
        ] + placeFields(labels: true) + [
            FieldSchema(
                "gateway", .flag, standard: .bool(false), "Whether the pods are gateways, not sidecars."),
            FieldSchema(
                "allowStopIteration", .flag,
                "Whether a header callback that stops lets the body callbacks run."),
            FieldSchema(
                "reloadBackoff",
                .object([
                    FieldSchema(
                        "base", .duration, required: true, "The shortest time before a module starts again."),
                    FieldSchema("max", .duration, "The longest (default: ten times the shortest)."),
                ]), "How long Envoy waits before it starts a module again that has trapped."),
        ]

    /// The kinds of workloads that the original knew, in both of its spellings.
    static let originalWorkloads = [
        "Deployment", "DaemonSet", "StatefulSet", "deployment", "daemonset", "statefulset",
    ]

    private static let ruleFields: [FieldSchema] = [
        FieldSchema("ingresses", .list(.text, atLeast: 0), "Ingresses, as in namespace/name."),
        FieldSchema("domains", .list(.text, atLeast: 0), "Domains, as in *.example.com."),
        FieldSchema("services", .list(.text, atLeast: 0), "Services."),
        FieldSchema("routeType", .words(HigressOptions.Rule.RouteType.self), "Of these routes alone."),
        FieldSchema("config", .anything, "The configuration there: an object."),
        FieldSchema("disabled", .flag, standard: .bool(false), "Whether nothing is done there."),
    ]

    private static let serviceFields: [FieldSchema] = [
        FieldSchema("name", .text, required: true, "The service's name."),
        FieldSchema("namespace", .text, required: true, "Its namespace."),
        FieldSchema("port", .integer(1...65535), "Its port (default: all)."),
    ]

    private static let namespace = FieldSchema(
        "namespace", .text,
        "The namespace of what is written (default: the object's, else the target's usual one).")
    private static let labels = FieldSchema(
        "labels", .texts, "The labels of the pods (default: all of the namespace).")

    private static let module = FieldSchema(
        "module",
        .object([
            FieldSchema("file", .text, "The module's file in the proxy's container."),
            FieldSchema("url", .text, "Where the proxy itself fetches the module from."),
            FieldSchema("sha256", .text, "The digest of that module: 64 hexadecimal digits."),
        ]), required: true, "Where the proxy finds the module: file, or url and sha256.")

    private static func modulePath(required: Bool) -> FieldSchema {
        FieldSchema("modulePath", .text, required: required, "The module's file in the proxy.")
    }

    private static func placeFields(labels hasLabels: Bool) -> [FieldSchema] {
        [namespace] + (hasLabels ? [labels] : []) + [
            FieldSchema(
                "targetRefs",
                .list(
                    .object([
                        FieldSchema(
                            "group", .anyText, standard: .string("gateway.networking.k8s.io"),
                            "The API group."),
                        FieldSchema("kind", .text, required: true, "As in Gateway or HTTPRoute."),
                        FieldSchema("name", .text, required: true, "The object's name."),
                        FieldSchema("sectionName", .text, "A part of it, as a listener."),
                    ]), atLeast: 0),
                "The gateways, routes and services that it is attached to, in place of labels.")
        ]
    }
}
