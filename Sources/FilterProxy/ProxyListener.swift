// SPDX-License-Identifier: Apache-2.0

package import Deployment
package import SystemPackage

/// A listener of Envoy with slots for filters, and with what is behind them.
package struct ProxyListener: Sendable {
    /// What is behind the filters.
    package enum Destination: Hashable, Sendable {
        /// A server, by the name of its cluster.
        case cluster(String)
        /// Envoy itself: an answer to HTTP requests.
        case answer(status: Int, body: String)
    }

    /// Where Envoy writes what it sees before and behind the filters, two files per stream for each of the sides.
    ///
    /// `StreamRecordFolder` reads them, and takes them away.
    package struct Recording: Hashable, Sendable {
        /// Gets the files.
        ///
        /// `before_<stream>.json` and `behind_<stream>.json` are each an `HttpBufferedTrace`
        /// (`envoy/data/tap/v3/http.proto`) that is written when the stream ends; the number of the stream is the
        /// same in all. Headers in it are as they were at the end, whatever a filter did to them after they had passed:
        /// those that passed are in `before-headers_<stream>.json` and `behind-headers_<stream>.json`, each a
        /// sequence of `HttpStreamedTraceSegment`s without bodies.
        package var folder: FilePath
        /// How much of a body is kept, in bytes; what is longer is marked as truncated.
        package var limit = 256 << 10

        package init(folder: FilePath) { self.folder = folder }
    }

    package let name: String
    package var address = ProxyAddress.anyPort
    package var kind = EnvoyPlugin.Kind.http
    /// The filters, in the order in which requests meet them.
    package var slots: [EnvoySlot] = []
    package var destination: Destination
    /// The host that requests are sent with to what is behind; nil leaves it.
    package var hostRewrite: String?
    /// Whether it only passes on, and changes nothing that a filter or a server could see.
    package var isRelay = false
    /// A header that tells of answers that Envoy gives itself because the server behind does not, nil for none; its value
    /// is why (`%RESPONSE_FLAGS%` of Envoy's access log).
    package var ownAnswerHeader: String?
    /// Whether requests go on only once all of their body is there, up to so many bytes; nil passes on what comes.
    ///
    /// An answer of Envoy's own otherwise comes before the body has, and ends the connection.
    package var bufferedRequest: Int?
    /// How long the server behind may take to answer, as in `15s`; `0s` waits for ever.
    package var timeout = "15s"
    package var recording: Recording?

    package init(_ name: String, destination: Destination) {
        self.name = name
        self.destination = destination
    }

    /// The item for `listeners`.
    var config: ConfigValue {
        var fields: [ConfigValue.Field] = [
            .init(key: "name", value: .string(name)), .init(key: "address", value: address.config),
        ]
        if case .port = address {
            // A second Envoy on the same port would start happily and take half of the traffic.
            fields.append(.init(key: "enable_reuse_port", value: false))
        }
        let filters: [ConfigValue] =
            switch kind {
            case .network: slots.map(\.filter) + [tcpProxy]
            case .http: [connectionManager]
            }
        fields.append(.init(key: "filter_chains", value: [["filters": .list(filters)]]))
        return .map(fields)
    }

    private var tcpProxy: ConfigValue {
        var cluster = ""
        if case .cluster(let name) = destination { cluster = name }
        return [
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": .string(name), "cluster": .string(cluster),
            ],
        ]
    }

    private var connectionManager: ConfigValue {
        var fields: [ConfigValue.Field] = [
            .init(
                key: "@type",
                value:
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
            ),
            .init(key: "stat_prefix", value: .string(name)),
            .init(key: "http_protocol_options", value: ["enable_trailers": true]),
            .init(
                key: "route_config",
                value: [
                    // Without it Envoy refuses an answer of its own of more than 4096 bytes.
                    "max_direct_response_body_size_bytes": .integer(ownAnswerSize),
                    "virtual_hosts": [["name": "all", "domains": ["*"], "routes": [route]]],
                ]),
            .init(key: "http_filters", value: .list(httpFilters)),
        ]
        if isRelay {
            fields += [
                .init(key: "generate_request_id", value: false),
                .init(key: "skip_xff_append", value: true),
                .init(key: "server_header_transformation", value: "PASS_THROUGH"),
                .init(key: "stream_idle_timeout", value: "0s"),
            ]
        }
        if let ownAnswerHeader {
            let header: ConfigValue = [
                "header": ["key": .string(ownAnswerHeader), "value": "%RESPONSE_FLAGS%"]
            ]
            let mapper: ConfigValue = [
                "filter": ["response_flag_filter": [:]], "headers_to_add": [header],
            ]
            fields.append(.init(key: "local_reply_config", value: ["mappers": [mapper]]))
        }
        return [
            "name": "envoy.filters.network.http_connection_manager", "typed_config": .map(fields),
        ]
    }

    private var ownAnswerSize: Int {
        if case .answer(_, let body) = destination { max(body.utf8.count, 4096) } else { 4096 }
    }

    private var httpFilters: [ConfigValue] {
        var router: [ConfigValue.Field] = [
            .init(key: "@type", value: "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router")
        ]
        if isRelay { router.append(.init(key: "suppress_envoy_headers", value: true)) }
        var last: [ConfigValue] = [["name": "envoy.filters.http.router", "typed_config": .map(router)]]
        if let bufferedRequest {
            last.insert(
                [
                    "name": "envoy.filters.http.buffer",
                    "typed_config": [
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
                        "max_request_bytes": .integer(bufferedRequest),
                    ],
                ], at: 0)
        }
        guard let recording else { return slots.map(\.filter) + last }
        return taps("before", recording) + slots.map(\.filter) + taps("behind", recording) + last
    }

    private func taps(_ name: String, _ recording: Recording) -> [ConfigValue] {
        [tap("\(name)-headers", recording, streams: true), tap(name, recording, streams: false)]
    }

    /// A filter that writes down what passes it (`envoy/extensions/filters/http/tap/v3/tap.proto`).
    private func tap(_ name: String, _ recording: Recording, streams: Bool) -> ConfigValue {
        // Of a stream that is written as it comes, the limit is for each chunk and not for all of them.
        let limit: ConfigValue = .integer(streams ? 0 : recording.limit)
        let sink: ConfigValue = [
            "format": "JSON_BODY_AS_BYTES",
            "file_per_tap": ["path_prefix": .string(recording.folder.appending(name).string)],
        ]
        return [
            "name": .string("wasme.\(name)"),
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap",
                "common_config": [
                    "static_config": [
                        "match": ["any_match": true],
                        "output_config": [
                            "streaming": .boolean(streams),
                            "max_buffered_rx_bytes": limit,
                            "max_buffered_tx_bytes": limit,
                            "sinks": [sink],
                        ],
                    ]
                ],
                "record_headers_received_time": true,
            ],
        ]
    }

    private var route: ConfigValue {
        var fields: [ConfigValue.Field] = [
            // Filters can see it, as "xds.route_name".
            .init(key: "name", value: "default"), .init(key: "match", value: ["prefix": "/"]),
        ]
        // The connection manager sets it where there is none.
        if isRelay { fields.append(.init(key: "request_headers_to_remove", value: ["x-forwarded-proto"])) }
        switch destination {
        case .answer(let status, let body):
            fields.append(
                .init(
                    key: "direct_response",
                    value: ["status": .integer(status), "body": ["inline_string": .string(body)]]))
        case .cluster(let cluster):
            var action: [ConfigValue.Field] = [
                .init(key: "cluster", value: .string(cluster)),
                .init(key: "timeout", value: .string(timeout)),
            ]
            if let hostRewrite {
                action.append(.init(key: "host_rewrite_literal", value: .string(hostRewrite)))
            }
            fields.append(.init(key: "route", value: .map(action)))
        }
        return .map(fields)
    }
}
