// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// The functions that a proxy offers to a module, by which a test counts calls and makes some of them fail.
///
/// The names are those of the ABI; the order is that of the list in C.
public enum HostFunction: UInt32, CaseIterable, Sendable {
    /// `proxy_log`.
    case log
    /// `proxy_get_log_level`.
    case getLogLevel
    /// `proxy_get_current_time_nanoseconds`.
    case getCurrentTimeNanoseconds
    /// `proxy_get_status`.
    case getStatus
    /// `proxy_set_effective_context`.
    case setEffectiveContext
    /// `proxy_set_tick_period_milliseconds`.
    case setTickPeriodMilliseconds
    /// `proxy_continue_stream`.
    case continueStream
    /// `proxy_close_stream`.
    case closeStream
    /// `proxy_send_local_response`.
    case sendLocalResponse
    /// `proxy_get_buffer_bytes`.
    case getBufferBytes
    /// `proxy_get_buffer_status`.
    case getBufferStatus
    /// `proxy_set_buffer_bytes`.
    case setBufferBytes
    /// `proxy_get_header_map_size`.
    case getHeaderMapSize
    /// `proxy_get_header_map_value`.
    case getHeaderMapValue
    /// `proxy_add_header_map_value`.
    case addHeaderMapValue
    /// `proxy_replace_header_map_value`.
    case replaceHeaderMapValue
    /// `proxy_remove_header_map_value`.
    case removeHeaderMapValue
    /// `proxy_get_header_map_pairs`.
    case getHeaderMapPairs
    /// `proxy_set_header_map_pairs`.
    case setHeaderMapPairs
    /// `proxy_get_property`.
    case getProperty
    /// `proxy_set_property`.
    case setProperty
    /// `proxy_get_shared_data`.
    case getSharedData
    /// `proxy_set_shared_data`.
    case setSharedData
    /// `proxy_register_shared_queue`.
    case registerSharedQueue
    /// `proxy_resolve_shared_queue`.
    case resolveSharedQueue
    /// `proxy_enqueue_shared_queue`.
    case enqueueSharedQueue
    /// `proxy_dequeue_shared_queue`.
    case dequeueSharedQueue
    /// `proxy_define_metric`.
    case defineMetric
    /// `proxy_increment_metric`.
    case incrementMetric
    /// `proxy_record_metric`.
    case recordMetric
    /// `proxy_get_metric`.
    case getMetric
    /// `proxy_http_call`.
    case httpCall
    /// `proxy_grpc_call`.
    case grpcCall
    /// `proxy_grpc_stream`.
    case grpcStream
    /// `proxy_grpc_send`.
    case grpcSend
    /// `proxy_grpc_cancel`.
    case grpcCancel
    /// `proxy_grpc_close`.
    case grpcClose
    /// `proxy_call_foreign_function`.
    case callForeignFunction
    /// `proxy_done`.
    case done
    /// `envoy_resolve_dns`.
    case resolveDNS
}

extension HostEmulator {
    /// A fault that a test has asked for.
    struct Fault {
        let status: HostError.Status
        /// How often it still happens; nil for always.
        var remaining: Int?
    }

    /// Has a host function answer a status, without doing what it is asked: always, or a number of times.
    public func fail(_ function: HostFunction, with status: HostError.Status, times: Int? = nil) {
        faults[function] = Fault(status: status, remaining: times)
    }

    /// Has a host function work again.
    public func restore(_ function: HostFunction) {
        faults[function] = nil
    }

    /// How often the module has called a function of the host.
    public func callCount(of function: HostFunction) -> Int {
        callCounts[Int(function.rawValue)]
    }

    func before(_ function: UInt32) -> UInt32 {
        callCounts[Int(function)] += 1
        guard !faults.isEmpty, let function = HostFunction(rawValue: function), var fault = faults[function]
        else {
            return 0
        }
        if let remaining = fault.remaining {
            guard remaining > 0 else { return 0 }
            fault.remaining = remaining - 1
            faults[function] = fault
        }
        return fault.status.rawValue
    }
}
