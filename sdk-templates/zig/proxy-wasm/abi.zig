// SPDX-License-Identifier: Apache-2.0

//! The functions that a host offers to a module, Proxy-Wasm ABI 0.2.1, as they are.
//! https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1
//!
//! "proxy_wasm.zig" has what filters use. Memory that comes back through a pointer was allocated by `malloc` of the module.

pub extern "env" fn proxy_log(level: u32, message: [*]const u8, size: usize) u32;
pub extern "env" fn proxy_get_log_level(level: *u32) u32;
pub extern "env" fn proxy_get_current_time_nanoseconds(time: *u64) u32;
pub extern "env" fn proxy_get_status(code: *u32, message: *?[*]u8, size: *usize) u32;

pub extern "env" fn proxy_set_effective_context(context: u32) u32;
pub extern "env" fn proxy_set_tick_period_milliseconds(period: u32) u32;
pub extern "env" fn proxy_done() u32;

pub extern "env" fn proxy_continue_stream(stream: u32) u32;
pub extern "env" fn proxy_close_stream(stream: u32) u32;
pub extern "env" fn proxy_send_local_response(status: u32, details: [*]const u8, details_size: usize, body: [*]const u8, body_size: usize, headers: [*]const u8, headers_size: usize, grpc_status: i32) u32;

pub extern "env" fn proxy_get_buffer_bytes(buffer: u32, start: usize, length: usize, value: *?[*]u8, size: *usize) u32;
pub extern "env" fn proxy_get_buffer_status(buffer: u32, length: *usize, flags: *u32) u32;
pub extern "env" fn proxy_set_buffer_bytes(buffer: u32, start: usize, length: usize, value: [*]const u8, size: usize) u32;

pub extern "env" fn proxy_get_header_map_size(map: u32, size: *usize) u32;
pub extern "env" fn proxy_get_header_map_value(map: u32, name: [*]const u8, name_size: usize, value: *?[*]u8, size: *usize) u32;
pub extern "env" fn proxy_add_header_map_value(map: u32, name: [*]const u8, name_size: usize, value: [*]const u8, size: usize) u32;
pub extern "env" fn proxy_replace_header_map_value(map: u32, name: [*]const u8, name_size: usize, value: [*]const u8, size: usize) u32;
pub extern "env" fn proxy_remove_header_map_value(map: u32, name: [*]const u8, name_size: usize) u32;
pub extern "env" fn proxy_get_header_map_pairs(map: u32, pairs: *?[*]u8, size: *usize) u32;
pub extern "env" fn proxy_set_header_map_pairs(map: u32, pairs: [*]const u8, size: usize) u32;

pub extern "env" fn proxy_get_property(path: [*]const u8, path_size: usize, value: *?[*]u8, size: *usize) u32;
pub extern "env" fn proxy_set_property(path: [*]const u8, path_size: usize, value: [*]const u8, size: usize) u32;

pub extern "env" fn proxy_get_shared_data(key: [*]const u8, key_size: usize, value: *?[*]u8, size: *usize, version: *u32) u32;
pub extern "env" fn proxy_set_shared_data(key: [*]const u8, key_size: usize, value: [*]const u8, size: usize, version: u32) u32;
pub extern "env" fn proxy_register_shared_queue(name: [*]const u8, name_size: usize, queue: *u32) u32;
pub extern "env" fn proxy_resolve_shared_queue(vm: [*]const u8, vm_size: usize, name: [*]const u8, name_size: usize, queue: *u32) u32;
pub extern "env" fn proxy_enqueue_shared_queue(queue: u32, value: [*]const u8, size: usize) u32;
pub extern "env" fn proxy_dequeue_shared_queue(queue: u32, value: *?[*]u8, size: *usize) u32;

pub extern "env" fn proxy_define_metric(kind: u32, name: [*]const u8, name_size: usize, metric: *u32) u32;
pub extern "env" fn proxy_increment_metric(metric: u32, offset: i64) u32;
pub extern "env" fn proxy_record_metric(metric: u32, value: u64) u32;
pub extern "env" fn proxy_get_metric(metric: u32, value: *u64) u32;

pub extern "env" fn proxy_http_call(cluster: [*]const u8, cluster_size: usize, headers: [*]const u8, headers_size: usize, body: [*]const u8, body_size: usize, trailers: [*]const u8, trailers_size: usize, timeout: u32, token: *u32) u32;
pub extern "env" fn proxy_grpc_call(cluster: [*]const u8, cluster_size: usize, service: [*]const u8, service_size: usize, method: [*]const u8, method_size: usize, metadata: [*]const u8, metadata_size: usize, message: [*]const u8, message_size: usize, timeout: u32, token: *u32) u32;
pub extern "env" fn proxy_grpc_stream(cluster: [*]const u8, cluster_size: usize, service: [*]const u8, service_size: usize, method: [*]const u8, method_size: usize, metadata: [*]const u8, metadata_size: usize, token: *u32) u32;
pub extern "env" fn proxy_grpc_send(token: u32, message: [*]const u8, size: usize, end_of_stream: u32) u32;
pub extern "env" fn proxy_grpc_cancel(token: u32) u32;
pub extern "env" fn proxy_grpc_close(token: u32) u32;

pub extern "env" fn proxy_call_foreign_function(name: [*]const u8, name_size: usize, arguments: [*]const u8, arguments_size: usize, result: *?[*]u8, result_size: *usize) u32;

/// Not of the ABI but of Envoy: asks for the addresses of a host name.
pub extern "env" fn envoy_resolve_dns(name: [*]const u8, size: usize, token: *u32) u32;
