// SPDX-License-Identifier: Apache-2.0
//
// Proxy-Wasm ABI 0.2.1 in one header: what a host such as Envoy offers to a module, and what it calls in one.
//
// The specification: https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1
//
// - Names, types and order of the functions are those of the ABI. "pw.h" has what is handier to use.
// - A module exports each callback that it defines: the declarations here carry the export. Define only those that you
//   need, because a host calls every one that there is, and each call costs it about a microsecond.
// - Memory that a host function returns through a `char **` was obtained by `malloc` of this module and belongs to you:
//   `free` it. It is not terminated by NUL. A size of 0 may come with a null pointer.
// - Memory that you pass is copied by the host before the function returns.
// - Texts are bytes: nothing that comes from traffic is known to be UTF-8 or free of NUL.
// - Natively there are no imports: link "testing/fake_host.c", which plays the host in unit tests.

#ifndef PROXY_WASM_H
#define PROXY_WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__wasm__)
#define PROXY_WASM_IMPORT(name) __attribute__((import_module("env"), import_name(#name))) extern
#define PROXY_WASM_EXPORT(name) __attribute__((export_name(#name)))
#else
#define PROXY_WASM_IMPORT(name) extern
#define PROXY_WASM_EXPORT(name)
#endif

// MARK: Values

/// What every host function answers.
typedef enum {
    PROXY_OK = 0,
    /// There is no such header, property, queue, cluster…
    PROXY_NOT_FOUND = 1,
    PROXY_BAD_ARGUMENT = 2,
    PROXY_SERIALIZATION_FAILURE = 3,
    PROXY_PARSE_FAILURE = 4,
    PROXY_BAD_EXPRESSION = 5,
    /// A pointer that was passed lies outside the memory of the module.
    PROXY_INVALID_MEMORY_ACCESS = 6,
    /// The queue has no element.
    PROXY_EMPTY = 7,
    /// Somebody else has changed the shared data.
    PROXY_CAS_MISMATCH = 8,
    PROXY_RESULT_MISMATCH = 9,
    PROXY_INTERNAL_FAILURE = 10,
    PROXY_BROKEN_CONNECTION = 11,
    /// This host does not have the function.
    PROXY_UNIMPLEMENTED = 12,
} proxy_status_t;

typedef enum {
    PROXY_LOG_TRACE = 0,
    PROXY_LOG_DEBUG = 1,
    PROXY_LOG_INFO = 2,
    PROXY_LOG_WARNING = 3,
    PROXY_LOG_ERROR = 4,
    PROXY_LOG_CRITICAL = 5,
} proxy_log_level_t;

/// What a callback wants to happen to what it was called for.
typedef enum {
    /// It goes on to the next filter.
    PROXY_CONTINUE = 0,
    /// It waits, for `proxy_continue_stream` or for more of it.
    PROXY_PAUSE = 1,
} proxy_action_t;

typedef enum {
    PROXY_STREAM_HTTP_REQUEST = 0,
    PROXY_STREAM_HTTP_RESPONSE = 1,
    PROXY_STREAM_DOWNSTREAM = 2,
    PROXY_STREAM_UPSTREAM = 3,
} proxy_stream_type_t;

typedef enum {
    PROXY_HTTP_REQUEST_BODY = 0,
    PROXY_HTTP_RESPONSE_BODY = 1,
    PROXY_DOWNSTREAM_DATA = 2,
    PROXY_UPSTREAM_DATA = 3,
    /// In `proxy_on_http_call_response`.
    PROXY_HTTP_CALL_RESPONSE_BODY = 4,
    /// In `proxy_on_grpc_receive`.
    PROXY_GRPC_CALL_MESSAGE = 5,
    /// In `proxy_on_vm_start`.
    PROXY_VM_CONFIGURATION = 6,
    /// In `proxy_on_configure`.
    PROXY_PLUGIN_CONFIGURATION = 7,
    /// In `proxy_on_foreign_function`.
    PROXY_FOREIGN_FUNCTION_ARGUMENTS = 8,
} proxy_buffer_type_t;

typedef enum {
    PROXY_HTTP_REQUEST_HEADERS = 0,
    PROXY_HTTP_REQUEST_TRAILERS = 1,
    PROXY_HTTP_RESPONSE_HEADERS = 2,
    PROXY_HTTP_RESPONSE_TRAILERS = 3,
    PROXY_GRPC_CALL_INITIAL_METADATA = 4,
    PROXY_GRPC_CALL_TRAILING_METADATA = 5,
    /// In `proxy_on_http_call_response`, as the next one.
    PROXY_HTTP_CALL_RESPONSE_HEADERS = 6,
    PROXY_HTTP_CALL_RESPONSE_TRAILERS = 7,
} proxy_header_map_type_t;

/// Who has closed a connection.
typedef enum {
    PROXY_PEER_UNKNOWN = 0,
    PROXY_PEER_LOCAL = 1,
    PROXY_PEER_REMOTE = 2,
} proxy_peer_type_t;

typedef enum {
    PROXY_METRIC_COUNTER = 0,
    PROXY_METRIC_GAUGE = 1,
    PROXY_METRIC_HISTOGRAM = 2,
} proxy_metric_type_t;

// MARK: Host functions: log and time

/// Writes a line to the log of the host.
PROXY_WASM_IMPORT(proxy_log)
proxy_status_t proxy_log(proxy_log_level_t level, const char *message, size_t message_size);

/// Below which level the host throws lines away: worth asking before a message is put together on every request.
PROXY_WASM_IMPORT(proxy_get_log_level)
proxy_status_t proxy_get_log_level(proxy_log_level_t *level);

/// The time of the day, in nanoseconds since 1970-01-01 00:00 UTC.
PROXY_WASM_IMPORT(proxy_get_current_time_nanoseconds)
proxy_status_t proxy_get_current_time_nanoseconds(uint64_t *nanoseconds);

/// Has `proxy_on_tick` called at this interval, in the root context that is current; 0 ends it.
PROXY_WASM_IMPORT(proxy_set_tick_period_milliseconds)
proxy_status_t proxy_set_tick_period_milliseconds(uint32_t period);

// MARK: Host functions: contexts and streams

/// Makes another context the one that host functions work on, until the callback returns: needed where a callback comes
/// for the root context, such as `proxy_on_http_call_response`, and the answer concerns a stream.
PROXY_WASM_IMPORT(proxy_set_effective_context)
proxy_status_t proxy_set_effective_context(uint32_t context_id);

/// Ends what `proxy_on_done` held up by returning false.
PROXY_WASM_IMPORT(proxy_done)
proxy_status_t proxy_done(void);

/// Lets go on what a callback has paused.
PROXY_WASM_IMPORT(proxy_continue_stream)
proxy_status_t proxy_continue_stream(proxy_stream_type_t stream);

/// Resets an HTTP stream, or closes a connection.
PROXY_WASM_IMPORT(proxy_close_stream)
proxy_status_t proxy_close_stream(proxy_stream_type_t stream);

/// Answers the request in place of the server behind the proxy; return `PROXY_PAUSE` afterwards.
/// - `details`: appears in the access log, for operators; no spaces in it.
/// - `headers`: pairs, laid out as `proxy_get_header_map_pairs` says; `pw_respond` does it for you.
/// - `grpc_status`: for a gRPC request; -1 for none.
PROXY_WASM_IMPORT(proxy_send_local_response)
proxy_status_t proxy_send_local_response(uint32_t status, const char *details, size_t details_size, const char *body,
                                         size_t body_size, const char *headers, size_t headers_size,
                                         int32_t grpc_status);

/// In `proxy_on_http_call_response` and `proxy_on_grpc_close`: the gRPC status of the call, with its message.
PROXY_WASM_IMPORT(proxy_get_status)
proxy_status_t proxy_get_status(uint32_t *status, char **message, size_t *message_size);

// MARK: Host functions: buffers

/// Copies at most `length` bytes from `start`; fewer come back where there are fewer.
PROXY_WASM_IMPORT(proxy_get_buffer_bytes)
proxy_status_t proxy_get_buffer_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, char **bytes,
                                      size_t *size);

PROXY_WASM_IMPORT(proxy_get_buffer_status)
proxy_status_t proxy_get_buffer_status(proxy_buffer_type_t buffer, size_t *length, uint32_t *flags);

/// Replaces `length` bytes from `start`: with 0 and 0 bytes are put in front, with a `start` at the end they are
/// appended, with 0 and the length of the buffer all of it is replaced.
PROXY_WASM_IMPORT(proxy_set_buffer_bytes)
proxy_status_t proxy_set_buffer_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, const char *bytes,
                                      size_t size);

// MARK: Host functions: headers and trailers

/// Names are in lower case; the request line and the status are `:method`, `:path`, `:authority` and `:status`.
/// The values of a header that is there more than once come joined by commas.
PROXY_WASM_IMPORT(proxy_get_header_map_value)
proxy_status_t proxy_get_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                          char **value, size_t *value_size);

/// Adds a header beside those of the same name.
PROXY_WASM_IMPORT(proxy_add_header_map_value)
proxy_status_t proxy_add_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                          const char *value, size_t value_size);

/// Sets a header in place of all of the same name. Check what comes from elsewhere by `pw_is_header_value` first.
PROXY_WASM_IMPORT(proxy_replace_header_map_value)
proxy_status_t proxy_replace_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                              const char *value, size_t value_size);

/// Removes all headers of a name; that there is none is no error.
PROXY_WASM_IMPORT(proxy_remove_header_map_value)
proxy_status_t proxy_remove_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size);

/// All headers: the number of pairs, then for each the size of its name and of its value, all 32 bits in little endian;
/// then for each its name and its value, each followed by a NUL.
PROXY_WASM_IMPORT(proxy_get_header_map_pairs)
proxy_status_t proxy_get_header_map_pairs(proxy_header_map_type_t map, char **pairs, size_t *size);

/// Replaces all headers.
PROXY_WASM_IMPORT(proxy_set_header_map_pairs)
proxy_status_t proxy_set_header_map_pairs(proxy_header_map_type_t map, const char *pairs, size_t size);

/// The bytes that all names and values take together.
PROXY_WASM_IMPORT(proxy_get_header_map_size)
proxy_status_t proxy_get_header_map_size(proxy_header_map_type_t map, size_t *size);

// MARK: Host functions: properties

/// An attribute of the request, the connection, the plugin or the node. The parts of a path are separated by NUL:
/// `pw_get_property(PW_TEXT("source\0address"), …)`. Integers come as 8 bytes in little endian, booleans as one byte.
/// The names: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
PROXY_WASM_IMPORT(proxy_get_property)
proxy_status_t proxy_get_property(const char *path, size_t path_size, char **value, size_t *value_size);

/// Sets a value that other filters and the access log see as `wasm.<path>` in the filter state of the stream.
PROXY_WASM_IMPORT(proxy_set_property)
proxy_status_t proxy_set_property(const char *path, size_t path_size, const char *value, size_t value_size);

// MARK: Host functions: shared data and queues

/// A value that all threads of the proxy see. `version` is for `proxy_set_shared_data`.
PROXY_WASM_IMPORT(proxy_get_shared_data)
proxy_status_t proxy_get_shared_data(const char *key, size_t key_size, char **value, size_t *value_size,
                                     uint32_t *version);

/// Answers `PROXY_CAS_MISMATCH` if the value has another version by now; a version of 0 sets it whatever it is.
/// There is no way to remove a key: do not make keys of what clients send.
PROXY_WASM_IMPORT(proxy_set_shared_data)
proxy_status_t proxy_set_shared_data(const char *key, size_t key_size, const char *value, size_t value_size,
                                     uint32_t version);

/// Makes a queue, or finds it; `proxy_on_queue_ready` is called in this root context when something is put into it.
PROXY_WASM_IMPORT(proxy_register_shared_queue)
proxy_status_t proxy_register_shared_queue(const char *name, size_t name_size, uint32_t *queue);

/// Finds the queue that another virtual machine has registered.
PROXY_WASM_IMPORT(proxy_resolve_shared_queue)
proxy_status_t proxy_resolve_shared_queue(const char *vm_id, size_t vm_id_size, const char *name, size_t name_size,
                                          uint32_t *queue);

PROXY_WASM_IMPORT(proxy_enqueue_shared_queue)
proxy_status_t proxy_enqueue_shared_queue(uint32_t queue, const char *value, size_t value_size);

PROXY_WASM_IMPORT(proxy_dequeue_shared_queue)
proxy_status_t proxy_dequeue_shared_queue(uint32_t queue, char **value, size_t *value_size);

// MARK: Host functions: metrics

/// Makes a metric, or finds it: `wasmcustom.<name>` among the statistics of Envoy. In `proxy_on_configure`, never for
/// each request.
PROXY_WASM_IMPORT(proxy_define_metric)
proxy_status_t proxy_define_metric(proxy_metric_type_t type, const char *name, size_t name_size, uint32_t *metric);

/// Adds to a counter or a gauge; only a gauge goes down.
PROXY_WASM_IMPORT(proxy_increment_metric)
proxy_status_t proxy_increment_metric(uint32_t metric, int64_t offset);

/// Sets a gauge, or records a value in a histogram.
PROXY_WASM_IMPORT(proxy_record_metric)
proxy_status_t proxy_record_metric(uint32_t metric, uint64_t value);

PROXY_WASM_IMPORT(proxy_get_metric)
proxy_status_t proxy_get_metric(uint32_t metric, uint64_t *value);

// MARK: Host functions: calls

/// Asks a service of the configuration of the proxy; its answer comes to `proxy_on_http_call_response` of the root
/// context, under `token`, also if there is none in time.
/// - `cluster`: its name there, not a host name.
/// - `headers`, `trailers`: pairs; `:method`, `:path` and `:authority` must be among the headers.
PROXY_WASM_IMPORT(proxy_http_call)
proxy_status_t proxy_http_call(const char *cluster, size_t cluster_size, const char *headers, size_t headers_size,
                               const char *body, size_t body_size, const char *trailers, size_t trailers_size,
                               uint32_t timeout_milliseconds, uint32_t *token);

/// As `proxy_http_call`, by gRPC, with one message each way: `proxy_on_grpc_receive`, then `proxy_on_grpc_close`.
PROXY_WASM_IMPORT(proxy_grpc_call)
proxy_status_t proxy_grpc_call(const char *cluster, size_t cluster_size, const char *service, size_t service_size,
                               const char *method, size_t method_size, const char *metadata, size_t metadata_size,
                               const char *message, size_t message_size, uint32_t timeout_milliseconds,
                               uint32_t *token);

/// Opens a stream of messages by gRPC.
PROXY_WASM_IMPORT(proxy_grpc_stream)
proxy_status_t proxy_grpc_stream(const char *cluster, size_t cluster_size, const char *service, size_t service_size,
                                 const char *method, size_t method_size, const char *metadata, size_t metadata_size,
                                 uint32_t *token);

PROXY_WASM_IMPORT(proxy_grpc_send)
proxy_status_t proxy_grpc_send(uint32_t token, const char *message, size_t message_size, uint32_t end_of_stream);

/// No callback comes for the call afterwards.
PROXY_WASM_IMPORT(proxy_grpc_cancel)
proxy_status_t proxy_grpc_cancel(uint32_t token);

/// Closes our side of a stream.
PROXY_WASM_IMPORT(proxy_grpc_close)
proxy_status_t proxy_grpc_close(uint32_t token);

/// Calls a function of this host only, such as Envoy's `clear_route_cache`, `compress` or `declare_property`.
PROXY_WASM_IMPORT(proxy_call_foreign_function)
proxy_status_t proxy_call_foreign_function(const char *name, size_t name_size, const char *arguments,
                                           size_t arguments_size, char **result, size_t *result_size);

/// Not of the ABI but of Envoy: asks for the addresses of a host name; they come to `envoy_on_resolve_dns`.
PROXY_WASM_IMPORT(envoy_resolve_dns)
proxy_status_t envoy_resolve_dns(const char *name, size_t name_size, uint32_t *token);

// MARK: Callbacks: the module and its plugins

/// Says which ABI the module speaks; "pw_libc.c" defines it, and `_initialize` and `malloc`, which a host needs too.
PROXY_WASM_EXPORT(proxy_abi_version_0_2_1) void proxy_abi_version_0_2_1(void);

/// A context begins: of a plugin if `parent_context_id` is 0, else of a stream that the plugin of that context sees.
/// The plugins of one virtual machine share its memory; keep what is theirs by the id of their context.
PROXY_WASM_EXPORT(proxy_on_context_create)
void proxy_on_context_create(uint32_t context_id, uint32_t parent_context_id);

/// The module was started. Returning false refuses to work.
PROXY_WASM_EXPORT(proxy_on_vm_start)
bool proxy_on_vm_start(uint32_t plugin_context_id, uint32_t configuration_size);

/// A plugin has a configuration, `PROXY_PLUGIN_CONFIGURATION`. Returning false refuses it; say by `proxy_log` why.
PROXY_WASM_EXPORT(proxy_on_configure)
bool proxy_on_configure(uint32_t plugin_context_id, uint32_t configuration_size);

/// The time of `proxy_set_tick_period_milliseconds` has passed.
PROXY_WASM_EXPORT(proxy_on_tick) void proxy_on_tick(uint32_t plugin_context_id);

/// A context ends. Returning false keeps it until `proxy_done`.
PROXY_WASM_EXPORT(proxy_on_done) bool proxy_on_done(uint32_t context_id);

/// A stream is over: the time to write an access log. Headers can still be read.
PROXY_WASM_EXPORT(proxy_on_log) void proxy_on_log(uint32_t context_id);

/// The last that is heard of a context: free what is kept for it.
PROXY_WASM_EXPORT(proxy_on_delete) void proxy_on_delete(uint32_t context_id);

// MARK: Callbacks: HTTP

/// The headers are there. If `end_of_stream`, no body follows.
PROXY_WASM_EXPORT(proxy_on_request_headers)
proxy_action_t proxy_on_request_headers(uint32_t context_id, uint32_t count, bool end_of_stream);

/// A part of the body is there, `PROXY_HTTP_REQUEST_BODY`, with all that earlier calls have paused. A body that trailers
/// follow has no call with `end_of_stream`: `proxy_on_request_trailers` is its end.
PROXY_WASM_EXPORT(proxy_on_request_body)
proxy_action_t proxy_on_request_body(uint32_t context_id, uint32_t size, bool end_of_stream);

PROXY_WASM_EXPORT(proxy_on_request_trailers)
proxy_action_t proxy_on_request_trailers(uint32_t context_id, uint32_t count);

PROXY_WASM_EXPORT(proxy_on_request_metadata)
proxy_action_t proxy_on_request_metadata(uint32_t context_id, uint32_t count);

PROXY_WASM_EXPORT(proxy_on_response_headers)
proxy_action_t proxy_on_response_headers(uint32_t context_id, uint32_t count, bool end_of_stream);

PROXY_WASM_EXPORT(proxy_on_response_body)
proxy_action_t proxy_on_response_body(uint32_t context_id, uint32_t size, bool end_of_stream);

PROXY_WASM_EXPORT(proxy_on_response_trailers)
proxy_action_t proxy_on_response_trailers(uint32_t context_id, uint32_t count);

PROXY_WASM_EXPORT(proxy_on_response_metadata)
proxy_action_t proxy_on_response_metadata(uint32_t context_id, uint32_t count);

// MARK: Callbacks: connections

PROXY_WASM_EXPORT(proxy_on_new_connection) proxy_action_t proxy_on_new_connection(uint32_t context_id);

/// Bytes of the client are there, `PROXY_DOWNSTREAM_DATA`, with all that earlier calls have paused.
PROXY_WASM_EXPORT(proxy_on_downstream_data)
proxy_action_t proxy_on_downstream_data(uint32_t context_id, uint32_t size, bool end_of_stream);

PROXY_WASM_EXPORT(proxy_on_downstream_connection_close)
void proxy_on_downstream_connection_close(uint32_t context_id, proxy_peer_type_t peer);

/// Bytes of the server are there, `PROXY_UPSTREAM_DATA`.
PROXY_WASM_EXPORT(proxy_on_upstream_data)
proxy_action_t proxy_on_upstream_data(uint32_t context_id, uint32_t size, bool end_of_stream);

PROXY_WASM_EXPORT(proxy_on_upstream_connection_close)
void proxy_on_upstream_connection_close(uint32_t context_id, proxy_peer_type_t peer);

// MARK: Callbacks: calls, queues and others

/// The answer to `proxy_http_call`. With `header_count` 0 there is none: the service could not be reached, has broken
/// off, or was too slow. It comes to the context of the plugin: see `proxy_set_effective_context`.
PROXY_WASM_EXPORT(proxy_on_http_call_response)
void proxy_on_http_call_response(uint32_t plugin_context_id, uint32_t token, uint32_t header_count, uint32_t body_size,
                                 uint32_t trailer_count);

PROXY_WASM_EXPORT(proxy_on_grpc_receive_initial_metadata)
void proxy_on_grpc_receive_initial_metadata(uint32_t plugin_context_id, uint32_t token, uint32_t count);

PROXY_WASM_EXPORT(proxy_on_grpc_receive)
void proxy_on_grpc_receive(uint32_t plugin_context_id, uint32_t token, uint32_t message_size);

PROXY_WASM_EXPORT(proxy_on_grpc_receive_trailing_metadata)
void proxy_on_grpc_receive_trailing_metadata(uint32_t plugin_context_id, uint32_t token, uint32_t count);

/// A call is over; `status` is that of gRPC.
PROXY_WASM_EXPORT(proxy_on_grpc_close)
void proxy_on_grpc_close(uint32_t plugin_context_id, uint32_t token, uint32_t status);

PROXY_WASM_EXPORT(proxy_on_queue_ready) void proxy_on_queue_ready(uint32_t plugin_context_id, uint32_t queue);

PROXY_WASM_EXPORT(proxy_on_foreign_function)
void proxy_on_foreign_function(uint32_t context_id, uint32_t function_id, uint32_t arguments_size);

/// Not of the ABI but of Envoy: the answer to `envoy_resolve_dns`.
PROXY_WASM_EXPORT(envoy_on_resolve_dns)
void envoy_on_resolve_dns(uint32_t plugin_context_id, uint32_t token, uint32_t result_size);

/// Not of the ABI but of Envoy: its statistics have changed; for statistics sinks.
PROXY_WASM_EXPORT(envoy_on_stats_update)
void envoy_on_stats_update(uint32_t plugin_context_id, uint32_t result_size);

#ifdef __cplusplus
}
#endif

#endif
