// SPDX-License-Identifier: Apache-2.0

import Deployment
package import EnvoyControl
private import Files
package import SystemPackage

/// Where something listens, for Envoy and for those who talk to it.
package enum ProxyAddress: Hashable, Sendable {
    case port(HostPort)
    /// A socket of this machine, which needs no free port.
    case socket(FilePath)

    /// A free port of the loopback, known once Envoy runs.
    package static let anyPort = ProxyAddress.port(HostPort(host: "127.0.0.1", port: 0))

    /// The address as Envoy's configuration has it (`envoy/config/core/v3/address.proto`).
    var config: ConfigValue {
        switch self {
        case .port(let place):
            ["socket_address": ["address": .string(place.host), "port_value": .integer(Int(place.port))]]
        case .socket(let path): ["pipe": ["path": .string(path.string)]]
        }
    }

    /// Whether a name service is needed to find it.
    var needsNameService: Bool {
        if case .port(let place) = self { !place.isIPAddress } else { false }
    }
}

/// A server that Envoy or a filter can call, by its name.
package struct ProxyCluster: Hashable, Sendable {
    package let name: String
    package var address: ProxyAddress
    /// Whether it speaks HTTP/2 from the first byte on, as gRPC does.
    package var speaksHTTP2 = false
    /// The name of a server that speaks TLS, nil for one that does not; its certificate is not looked at.
    package var serverName: String?
    /// A file that says where it is instead of the address, for what is known only once Envoy runs.
    ///
    /// It has to be there when Envoy starts: see `write(endpoint:version:)`.
    package var endpointFile: FilePath?

    package init(_ name: String, _ address: ProxyAddress) {
        self.name = name
        self.address = address
    }

    /// The item for `clusters`.
    var config: ConfigValue {
        var fields: [ConfigValue.Field] = [
            .init(key: "name", value: .string(name)), .init(key: "connect_timeout", value: "5s"),
        ]
        if let endpointFile {
            fields += [
                .init(key: "type", value: "EDS"),
                .init(
                    key: "eds_cluster_config",
                    value: [
                        "eds_config": [
                            "resource_api_version": "V3",
                            "path_config_source": ["path": .string(endpointFile.string)],
                        ]
                    ]),
            ]
        } else {
            let type: ConfigValue = address.needsNameService ? "STRICT_DNS" : "STATIC"
            fields += [
                .init(key: "type", value: type),
                .init(key: "load_assignment", value: .map(assignment(address))),
            ]
            if address.needsNameService {
                // By default Envoy takes only IPv6 where a name has both, and misses a server on 127.0.0.1.
                fields.append(.init(key: "dns_lookup_family", value: "V4_PREFERRED"))
            }
        }
        if let serverName {
            fields.append(
                .init(
                    key: "transport_socket",
                    value: [
                        "name": "envoy.transport_sockets.tls",
                        "typed_config": [
                            "@type":
                                "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                            "sni": .string(serverName),
                        ],
                    ]))
        }
        let http: ConfigValue =
            speaksHTTP2
            ? ["http2_protocol_options": [:]]
            : ["http_protocol_options": ["enable_trailers": true]]
        fields.append(
            .init(
                key: "typed_extension_protocol_options",
                value: [
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
                        "@type":
                            "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                        "explicit_http_config": http,
                    ]
                ]))
        return .map(fields)
    }

    /// The members of a `ClusterLoadAssignment` (`envoy/config/endpoint/v3/endpoint.proto`).
    private func assignment(_ address: ProxyAddress?) -> [ConfigValue.Field] {
        let endpoints: [ConfigValue] = address.map { [["endpoint": ["address": $0.config]]] } ?? []
        return [
            .init(key: "cluster_name", value: .string(name)),
            .init(key: "endpoints", value: [["lb_endpoints": .list(endpoints)]]),
        ]
    }

    /// Puts the file of a cluster that has one in its place, in one step.
    /// - Parameters:
    ///   - endpoint: where the server is; nil if that is not known yet.
    ///   - version: a name for this content, shown by Envoy.
    /// - Throws: an error of the file system.
    package func write(endpoint: ProxyAddress?, version: String) throws {
        guard let endpointFile else { return }
        let type = ConfigValue.Field(
            key: "@type", value: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment")
        let response: ConfigValue = [
            "version_info": .string(version), "resources": [.map([type] + assignment(endpoint))],
        ]
        let text = response.yamlLines.joined(separator: "\n") + "\n"
        try Files.replace(endpointFile, with: Array(text.utf8))
    }
}
