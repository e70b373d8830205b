// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// Something that a filter can do, told from its imports and exports.
package enum Capability: String, Hashable, Sendable, Codable, CaseIterable {
    case readsConfiguration
    case seesConnections
    case seesRequestHeaders
    case seesRequestBodies
    case seesResponseHeaders
    case seesResponseBodies
    case readsHeaders
    case changesHeaders
    case readsBodies
    case changesBodies
    case answersRequests
    case holdsRequests
    case makesHTTPCalls
    case makesGRPCCalls
    case resolvesNames
    case readsProperties
    case setsProperties
    case readsSharedData
    case writesSharedData
    case usesQueues
    case setsMetrics
    case runsOnATimer
    case callsHostFunctions
    case seesFinishedRequests
    case writesLogs
    case readsTheClock
    case drawsRandomNumbers
    case readsTheEnvironment

    /// The words for people, to stand behind "it".
    package var words: String {
        switch self {
        case .readsConfiguration: "reads its configuration"
        case .seesConnections: "sees TCP connections and their data"
        case .seesRequestHeaders: "sees request headers"
        case .seesRequestBodies: "sees request bodies"
        case .seesResponseHeaders: "sees response headers"
        case .seesResponseBodies: "sees response bodies"
        case .readsHeaders: "reads headers"
        case .changesHeaders: "changes headers"
        case .readsBodies: "reads bodies"
        case .changesBodies: "changes bodies"
        case .answersRequests: "answers requests itself"
        case .holdsRequests: "holds requests back and lets them go on"
        case .makesHTTPCalls: "makes HTTP calls"
        case .makesGRPCCalls: "makes gRPC calls"
        case .resolvesNames: "resolves host names"
        case .readsProperties: "reads properties of requests and of the host"
        case .setsProperties: "sets properties"
        case .readsSharedData: "reads shared data"
        case .writesSharedData: "writes shared data"
        case .usesQueues: "uses shared queues"
        case .setsMetrics: "sets metrics"
        case .runsOnATimer: "runs on a timer"
        case .callsHostFunctions: "calls functions of the host"
        case .seesFinishedRequests: "sees finished requests"
        case .writesLogs: "writes logs"
        case .readsTheClock: "reads the clock"
        case .drawsRandomNumbers: "draws random numbers"
        case .readsTheEnvironment: "reads environment variables"
        }
    }

    /// The imports, one of which is enough.
    private var imports: [String] {
        switch self {
        case .readsHeaders:
            ["proxy_get_header_map_value", "proxy_get_header_map_pairs", "proxy_get_header_map_size"]
        case .changesHeaders:
            [
                "proxy_add_header_map_value", "proxy_replace_header_map_value",
                "proxy_remove_header_map_value", "proxy_set_header_map_pairs",
            ]
        case .readsConfiguration: ["proxy_get_buffer_bytes", "proxy_get_configuration"]
        case .readsBodies: ["proxy_get_buffer_bytes"]
        case .changesBodies: ["proxy_set_buffer_bytes", "proxy_inject_encoded_data_to_filter_chain"]
        case .answersRequests: ["proxy_send_local_response", "proxy_send_http_response"]
        case .holdsRequests:
            [
                "proxy_continue_stream", "proxy_close_stream", "proxy_continue_request",
                "proxy_continue_response",
            ]
        case .makesHTTPCalls: ["proxy_http_call"]
        case .makesGRPCCalls: ["proxy_grpc_call", "proxy_grpc_stream", "proxy_grpc_send"]
        case .resolvesNames: ["envoy_resolve_dns"]
        case .readsProperties: ["proxy_get_property"]
        case .setsProperties: ["proxy_set_property"]
        case .readsSharedData: ["proxy_get_shared_data"]
        case .writesSharedData: ["proxy_set_shared_data"]
        case .usesQueues:
            [
                "proxy_register_shared_queue", "proxy_resolve_shared_queue", "proxy_dequeue_shared_queue",
                "proxy_enqueue_shared_queue",
            ]
        case .setsMetrics: ["proxy_define_metric", "proxy_increment_metric", "proxy_record_metric"]
        case .runsOnATimer: ["proxy_set_tick_period_milliseconds"]
        case .callsHostFunctions: ["proxy_call_foreign_function", "proxy_redis_call"]
        case .writesLogs: ["proxy_log", "fd_write"]
        case .readsTheClock: ["proxy_get_current_time_nanoseconds", "clock_time_get"]
        case .drawsRandomNumbers: ["random_get"]
        case .readsTheEnvironment: ["environ_get"]
        case .seesConnections, .seesRequestHeaders, .seesRequestBodies, .seesResponseHeaders,
            .seesResponseBodies, .seesFinishedRequests:
            []
        }
    }

    /// The exports, one of which is enough.
    private var exports: [String] {
        switch self {
        case .seesConnections:
            ["proxy_on_new_connection", "proxy_on_downstream_data", "proxy_on_upstream_data"]
        case .seesRequestHeaders: ["proxy_on_request_headers", "proxy_on_request_trailers"]
        case .seesRequestBodies: ["proxy_on_request_body"]
        case .seesResponseHeaders: ["proxy_on_response_headers", "proxy_on_response_trailers"]
        case .seesResponseBodies: ["proxy_on_response_body"]
        case .seesFinishedRequests: ["proxy_on_log"]
        default: []
        }
    }

    /// The exports, one of which must be there besides: one host call reads configurations, bodies and answers.
    private var companions: [String] {
        switch self {
        case .readsConfiguration: ["proxy_on_configure", "proxy_on_vm_start", "proxy_validate_configuration"]
        case .readsBodies, .changesBodies:
            [
                "proxy_on_request_body", "proxy_on_response_body", "proxy_on_downstream_data",
                "proxy_on_upstream_data", "proxy_on_http_call_response", "proxy_on_grpc_receive",
            ]
        default: []
        }
    }

    /// The module's imports that give it this capability, in the order of the file.
    package func imports(of module: WasmModule) -> [ImportName] {
        module.imports.filter { $0.kind == .function && imports.contains($0.name) }
            .map { ImportName($0.module, $0.name) }
    }

    fileprivate func isIn(imports imported: Set<String>, exports exported: Set<String>) -> Bool {
        let isAccompanied = companions.isEmpty || companions.contains(where: exported.contains)
        return isAccompanied && imports.contains(where: imported.contains)
            || exports.contains(where: exported.contains)
    }
}

extension HostCatalog {
    /// The names that a module can be restricted to: the calls and callbacks of every known host, and what it has itself.
    package func capabilityNames(for module: [UInt8]) -> Set<String> {
        var names = Set(functions.imports.values.flatMap { $0.functions.keys })
        names.formUnion(functions.callbacks.values.flatMap { $0.functions.keys })
        names.insert(Capabilities.nothing)
        if let module = try? WasmModule(module) { names.formUnion(Capabilities(module).allowed) }
        return names
    }
}

/// What a module can do, and the names by which Envoy can be told to let it do that and nothing else.
///
/// SDKs export every callback and import every host call that their generic code names; what the linker left in is what
/// a module can do, not what it does.
package struct Capabilities: Hashable, Sendable {
    /// Without repetition, in the order of `Capability`.
    package let all: [Capability]
    /// The keys for `capability_restriction_config.allowed_capabilities` (`envoy/extensions/wasm/v3/wasm.proto`), sorted.
    ///
    /// Never empty: Envoy takes an empty list for "everything".
    package let allowed: [String]

    package init(_ module: WasmModule) {
        let imported = module.imports.filter { $0.kind == .function }
        let exported = module.exports.filter { $0.kind == .function }.map(\.name)
        let importNames = Set(imported.map(\.name))
        let exportNames = Set(exported)
        all = Capability.allCases.filter { $0.isIn(imports: importNames, exports: exportNames) }
        // What Envoy registers without asking for a capability, as pthread_equal, needs no name here.
        let calls = imported.filter { $0.module.hasPrefix("wasi_") || $0.name.hasPrefix("proxy_") }.map(
            \.name)
        let callbacks = exported.filter { name in
            (name.hasPrefix("proxy_on_") && name != "proxy_on_memory_allocate")
                || name == "proxy_validate_configuration"
        }
        let names = Set(calls + callbacks)
        allowed = names.isEmpty ? [Self.nothing] : names.sorted()
    }

    /// A name that stands for no capability.
    fileprivate static let nothing = "none"

    /// The value for Envoy's field `capability_restriction_config`.
    package var restriction: [String: [String: [String: String]]] {
        ["allowed_capabilities": Dictionary(uniqueKeysWithValues: allowed.map { ($0, [:]) })]
    }
}
