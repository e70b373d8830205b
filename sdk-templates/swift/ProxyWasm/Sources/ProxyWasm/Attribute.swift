// SPDX-License-Identifier: Apache-2.0

/// Something the proxy knows about itself, a connection or an exchange, and the type of its value.
///
/// These are the attributes of Envoy, with the names and types of
/// <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>. For others, and for fields of
/// structured ones, use ``ProxyContext/property(_:)``.
///
/// What Envoy takes from the headers of the request (path, method, host and the like) is there as long as they are: until
/// the request has passed the filter, and again in `onLog`.
public struct Attribute<Value: AttributeValue>: Sendable {
    /// The parts of the path, with NUL bytes between.
    let path: Bytes

    init(_ path: Bytes) {
        self.path = path
    }
}

/// The type of an attribute.
public protocol AttributeValue: Sendable {
    /// Reads what the proxy hands over; nil if it is something else.
    init?(attribute bytes: Bytes)
}

extension Bytes: AttributeValue {
    /// The bytes as they are.
    public init?(attribute bytes: Bytes) {
        self = bytes
    }
}

extension Int64: AttributeValue {
    /// Eight bytes, little-endian.
    public init?(attribute bytes: Bytes) {
        guard let pattern = UInt64(attribute: bytes) else { return nil }
        self.init(bitPattern: pattern)
    }
}

extension UInt64: AttributeValue {
    /// Eight bytes, little-endian.
    public init?(attribute bytes: Bytes) {
        guard bytes.count == 8 else { return nil }
        self = bytes.withUnsafeBytes {
            UInt64(littleEndian: UnsafeRawBufferPointer($0).loadUnaligned(as: UInt64.self))
        }
    }
}

extension Double: AttributeValue {
    /// Eight bytes, little-endian.
    public init?(attribute bytes: Bytes) {
        guard let pattern = UInt64(attribute: bytes) else { return nil }
        self.init(bitPattern: pattern)
    }
}

extension Bool: AttributeValue {
    /// One byte.
    public init?(attribute bytes: Bytes) {
        guard bytes.count == 1, let byte = bytes.first else { return nil }
        self = byte != 0
    }
}

extension ProxyContext {
    /// The value of an attribute, or nil if there is none now.
    public func attribute<Value>(_ attribute: Attribute<Value>) throws(HostError) -> Value? {
        try module.activate(id)
        guard let bytes = try Host.property(attribute.path) else { return nil }
        guard let value = Value(attribute: bytes) else { throw HostError("read attribute", .parseFailure) }
        return value
    }
}

// MARK: - Text and bytes

extension Attribute where Value == Bytes {
    /// The value of a request's header, several joined by commas; while the headers themselves can be read.
    public static func requestHeader(_ name: Bytes) -> Attribute { Attribute("request\0headers\0\(name)") }

    /// The value of a response's header, several joined by commas; while the headers themselves can be read.
    public static func responseHeader(_ name: Bytes) -> Attribute { Attribute("response\0headers\0\(name)") }

    /// The value of a response's trailer, several joined by commas.
    public static func responseTrailer(_ name: Bytes) -> Attribute {
        Attribute("response\0trailers\0\(name)")
    }

    /// What filters have left for others under a name, as bytes.
    public static func filterState(_ name: Bytes) -> Attribute { Attribute("filter_state\0\(name)") }

    /// The address of the client, with the port.
    public static var sourceAddress: Attribute { Attribute("source\0address") }

    /// The address that the client has connected to, with the port.
    public static var destinationAddress: Attribute { Attribute("destination\0address") }

    /// The name under which the plugin is configured.
    public static var pluginName: Attribute { Attribute("plugin_name") }

    /// The root id under which the plugin is configured.
    public static var pluginRootID: Attribute { Attribute("plugin_root_id") }

    /// The id of the VM that the plugin runs in.
    public static var pluginVMID: Attribute { Attribute("plugin_vm_id") }

    /// Request: the path and query.
    public static var requestPath: Attribute { Attribute("request\0path") }

    /// Request: the path without the query.
    public static var requestURLPath: Attribute { Attribute("request\0url_path") }

    /// Request: the query, without the question mark.
    public static var requestQuery: Attribute { Attribute("request\0query") }

    /// Request: the host, and the port if it was given.
    public static var requestHost: Attribute { Attribute("request\0host") }

    /// Request: the scheme, such as "http".
    public static var requestScheme: Attribute { Attribute("request\0scheme") }

    /// Request: the method, such as "GET".
    public static var requestMethod: Attribute { Attribute("request\0method") }

    /// Request: the header "referer".
    public static var requestReferer: Attribute { Attribute("request\0referer") }

    /// Request: the header "user-agent".
    public static var requestUserAgent: Attribute { Attribute("request\0useragent") }

    /// Request: the header "x-request-id".
    public static var requestID: Attribute { Attribute("request\0id") }

    /// Request: "HTTP/1.0", "HTTP/1.1", "HTTP/2" or "HTTP/3".
    public static var requestProtocol: Attribute { Attribute("request\0protocol") }

    /// Response: why the response has this status, in a word of the proxy's.
    public static var responseCodeDetails: Attribute { Attribute("response\0code_details") }

    /// Client's connection: the server name of the TLS handshake.
    public static var requestedServerName: Attribute { Attribute("connection\0requested_server_name") }

    /// Client's connection: the version of TLS.
    public static var tlsVersion: Attribute { Attribute("connection\0tls_version") }

    /// Client's connection: the subject of the proxy's certificate.
    public static var subjectOfLocalCertificate: Attribute {
        Attribute("connection\0subject_local_certificate")
    }

    /// Client's connection: the subject of the client's certificate.
    public static var subjectOfPeerCertificate: Attribute {
        Attribute("connection\0subject_peer_certificate")
    }

    /// Client's connection: the first DNS name of the proxy's certificate.
    public static var dnsNameOfLocalCertificate: Attribute {
        Attribute("connection\0dns_san_local_certificate")
    }

    /// Client's connection: the first DNS name of the client's certificate.
    public static var dnsNameOfPeerCertificate: Attribute {
        Attribute("connection\0dns_san_peer_certificate")
    }

    /// Client's connection: the first URI of the proxy's certificate.
    public static var uriOfLocalCertificate: Attribute { Attribute("connection\0uri_san_local_certificate") }

    /// Client's connection: the first URI of the client's certificate.
    public static var uriOfPeerCertificate: Attribute { Attribute("connection\0uri_san_peer_certificate") }

    /// Client's connection: the SHA-256 digest of the client's certificate.
    public static var digestOfPeerCertificate: Attribute {
        Attribute("connection\0sha256_peer_certificate_digest")
    }

    /// Client's connection: the client's certificate, PEM in URL encoding.
    public static var peerCertificate: Attribute { Attribute("connection\0peer_certificate") }

    /// Client's connection: why the TLS handshake failed.
    public static var tlsFailureReason: Attribute { Attribute("connection\0transport_failure_reason") }

    /// Client's connection: why the connection ended, in a word of the proxy's.
    public static var terminationDetails: Attribute { Attribute("connection\0termination_details") }

    /// Server's connection: the address of the server, with the port.
    public static var upstreamAddress: Attribute { Attribute("upstream\0address") }

    /// Server's connection: the address of the proxy on this connection.
    public static var upstreamLocalAddress: Attribute { Attribute("upstream\0local_address") }

    /// Server's connection: the version of TLS.
    public static var upstreamTLSVersion: Attribute { Attribute("upstream\0tls_version") }

    /// Server's connection: the subject of the proxy's certificate.
    public static var upstreamSubjectOfLocalCertificate: Attribute {
        Attribute("upstream\0subject_local_certificate")
    }

    /// Server's connection: the subject of the server's certificate.
    public static var upstreamSubjectOfPeerCertificate: Attribute {
        Attribute("upstream\0subject_peer_certificate")
    }

    /// Server's connection: the first DNS name of the proxy's certificate.
    public static var upstreamDNSNameOfLocalCertificate: Attribute {
        Attribute("upstream\0dns_san_local_certificate")
    }

    /// Server's connection: the first DNS name of the server's certificate.
    public static var upstreamDNSNameOfPeerCertificate: Attribute {
        Attribute("upstream\0dns_san_peer_certificate")
    }

    /// Server's connection: the first URI of the proxy's certificate.
    public static var upstreamURIOfLocalCertificate: Attribute {
        Attribute("upstream\0uri_san_local_certificate")
    }

    /// Server's connection: the first URI of the server's certificate.
    public static var upstreamURIOfPeerCertificate: Attribute {
        Attribute("upstream\0uri_san_peer_certificate")
    }

    /// Server's connection: the SHA-256 digest of the server's certificate.
    public static var upstreamDigestOfPeerCertificate: Attribute {
        Attribute("upstream\0sha256_peer_certificate_digest")
    }

    /// Server's connection: the server's certificate, PEM in URL encoding.
    public static var upstreamPeerCertificate: Attribute { Attribute("upstream\0peer_certificate") }

    /// Server's connection: why the connection failed.
    public static var upstreamFailureReason: Attribute { Attribute("upstream\0transport_failure_reason") }

    /// Configuration: the name of the cluster that the request goes to.
    public static var clusterName: Attribute { Attribute("xds\0cluster_name") }

    /// Configuration: the name of the route.
    public static var routeName: Attribute { Attribute("xds\0route_name") }

    /// Configuration: the name of the virtual host.
    public static var virtualHostName: Attribute { Attribute("xds\0virtual_host_name") }

    /// Configuration: the name of the listener's filter chain.
    public static var filterChainName: Attribute { Attribute("xds\0filter_chain_name") }

    /// Configuration: the proxy, as a serialised `envoy.config.core.v3.Node`.
    public static var node: Attribute { Attribute("xds\0node") }

    /// Configuration: metadata of the cluster, as a serialised `envoy.config.core.v3.Metadata`.
    public static var clusterMetadata: Attribute { Attribute("xds\0cluster_metadata") }

    /// Configuration: metadata of the listener, as a serialised `envoy.config.core.v3.Metadata`.
    public static var listenerMetadata: Attribute { Attribute("xds\0listener_metadata") }

    /// Configuration: metadata of the route, as a serialised `envoy.config.core.v3.Metadata`.
    public static var routeMetadata: Attribute { Attribute("xds\0route_metadata") }

    /// Configuration: metadata of the virtual host, as a serialised `envoy.config.core.v3.Metadata`.
    public static var virtualHostMetadata: Attribute { Attribute("xds\0virtual_host_metadata") }

    /// Configuration: metadata of the server, as a serialised `envoy.config.core.v3.Metadata`.
    public static var upstreamHostMetadata: Attribute { Attribute("xds\0upstream_host_metadata") }
}

// MARK: - Numbers, times and durations

extension Attribute where Value == Int64 {
    /// The port of the client.
    public static var sourcePort: Attribute { Attribute("source\0port") }

    /// The port that the client has connected to.
    public static var destinationPort: Attribute { Attribute("destination\0port") }

    /// Request: when the first byte arrived, in nanoseconds since 1970.
    public static var requestTime: Attribute { Attribute("request\0time") }

    /// Request: the size of the headers, in bytes.
    public static var requestHeadersSize: Attribute { Attribute("request\0headers_bytes") }

    /// Request: how long the request has taken, in nanoseconds; once it is complete.
    public static var requestDuration: Attribute { Attribute("request\0duration") }

    /// Request: the size of the body, in bytes; once the request is complete.
    public static var requestSize: Attribute { Attribute("request\0size") }

    /// Request: the size of headers and body, in bytes; once the request is complete.
    public static var requestTotalSize: Attribute { Attribute("request\0total_size") }

    /// Response: the status code.
    public static var responseCode: Attribute { Attribute("response\0code") }

    /// Response: what else happened to the response, as a set of bits.
    public static var responseFlags: Attribute { Attribute("response\0flags") }

    /// Response: the gRPC status code.
    public static var responseGRPCStatus: Attribute { Attribute("response\0grpc_status") }

    /// Response: the size of the headers, in bytes.
    public static var responseHeadersSize: Attribute { Attribute("response\0headers_bytes") }

    /// Response: the size of the body, in bytes.
    public static var responseSize: Attribute { Attribute("response\0size") }

    /// Response: the size of headers, body and trailers, in bytes.
    public static var responseTotalSize: Attribute { Attribute("response\0total_size") }

    /// Response: from the first byte sent to the server to the last received, in nanoseconds.
    public static var responseBackendLatency: Attribute { Attribute("response\0backend_latency") }

    /// Server's connection: the port of the server.
    public static var upstreamPort: Attribute { Attribute("upstream\0port") }

    /// Server's connection: how long it took until a connection was ready, in nanoseconds.
    public static var upstreamConnectionReadyDuration: Attribute {
        Attribute("upstream\0cx_pool_ready_duration")
    }

    /// Configuration: whether the listener is for traffic of unknown direction (0), inbound (1) or outbound (2).
    public static var listenerDirection: Attribute { Attribute("xds\0listener_direction") }
}

// MARK: - Numbers that are never negative

extension Attribute where Value == UInt64 {
    /// Client's connection: the number of the connection.
    public static var connectionID: Attribute { Attribute("connection\0id") }

    /// Server's connection: how often the request was tried.
    public static var upstreamAttemptCount: Attribute { Attribute("upstream\0request_attempt_count") }

    /// Server's connection: how many servers the cluster has.
    public static var upstreamEndpointCount: Attribute { Attribute("upstream\0num_endpoints") }
}

// MARK: - Yes or no

extension Attribute where Value == Bool {
    /// Client's connection: whether the client has shown a certificate.
    public static var connectionIsMutualTLS: Attribute { Attribute("connection\0mtls") }
}
