// SPDX-License-Identifier: Apache-2.0
//
// The functions a proxy offers to a module, Proxy-Wasm ABI 0.2.1. This is the only place that spells their names.
//
// On wasm32 each is an import from "env". Elsewhere each forwards to the `proxy_wasm_host` installed on the
// calling thread, which is how the test emulator stands in for a proxy; without one it answers "unimplemented".

#ifndef PROXY_WASM_ABI_H
#define PROXY_WASM_ABI_H

#include <stddef.h>
#include <stdint.h>

/// The status every host function answers with.
typedef uint32_t proxy_wasm_status;

#define PROXY_WASM_STATUS_OK 0
#define PROXY_WASM_STATUS_UNIMPLEMENTED 12

/// One line per host function: X(name without "proxy_", argument names, parameters…).
#define PROXY_WASM_HOST_FUNCTIONS(X)                                                                               \
    /* Integration */                                                                                              \
    X(log, (level, message, size), uint32_t level, const uint8_t *message, size_t size)                            \
    X(get_log_level, (level), uint32_t *level)                                                                     \
    X(get_current_time_nanoseconds, (time), uint64_t *time)                                                        \
    X(get_status, (code, message, size), uint32_t *code, uint8_t **message, size_t *size)                          \
    /* Contexts and timers */                                                                                      \
    X(set_effective_context, (context), uint32_t context)                                                          \
    X(set_tick_period_milliseconds, (period), uint32_t period)                                                     \
    /* Streams */                                                                                                  \
    X(continue_stream, (stream), uint32_t stream)                                                                  \
    X(close_stream, (stream), uint32_t stream)                                                                     \
    X(send_local_response, (status, details, details_size, body, body_size, headers, headers_size, grpc_status),   \
      uint32_t status, const uint8_t *details, size_t details_size, const uint8_t *body, size_t body_size,         \
      const uint8_t *headers, size_t headers_size, int32_t grpc_status)                                            \
    /* Buffers */                                                                                                  \
    X(get_buffer_bytes, (buffer, start, length, value, value_size), uint32_t buffer, size_t start, size_t length,  \
      uint8_t **value, size_t *value_size)                                                                         \
    X(get_buffer_status, (buffer, length, flags), uint32_t buffer, size_t *length, uint32_t *flags)                \
    X(set_buffer_bytes, (buffer, start, length, value, value_size), uint32_t buffer, size_t start, size_t length,  \
      const uint8_t *value, size_t value_size)                                                                     \
    /* Header maps */                                                                                              \
    X(get_header_map_size, (map, size), uint32_t map, size_t *size)                                                \
    X(get_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,          \
      size_t name_size, uint8_t **value, size_t *value_size)                                                       \
    X(add_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,          \
      size_t name_size, const uint8_t *value, size_t value_size)                                                   \
    X(replace_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,      \
      size_t name_size, const uint8_t *value, size_t value_size)                                                   \
    X(remove_header_map_value, (map, name, name_size), uint32_t map, const uint8_t *name, size_t name_size)        \
    X(get_header_map_pairs, (map, pairs, size), uint32_t map, uint8_t **pairs, size_t *size)                       \
    X(set_header_map_pairs, (map, pairs, size), uint32_t map, const uint8_t *pairs, size_t size)                   \
    /* Properties */                                                                                               \
    X(get_property, (path, path_size, value, value_size), const uint8_t *path, size_t path_size, uint8_t **value,  \
      size_t *value_size)                                                                                          \
    X(set_property, (path, path_size, value, value_size), const uint8_t *path, size_t path_size,                   \
      const uint8_t *value, size_t value_size)                                                                     \
    /* Shared data and queues */                                                                                   \
    X(get_shared_data, (key, key_size, value, value_size, version), const uint8_t *key, size_t key_size,           \
      uint8_t **value, size_t *value_size, uint32_t *version)                                                      \
    X(set_shared_data, (key, key_size, value, value_size, version), const uint8_t *key, size_t key_size,           \
      const uint8_t *value, size_t value_size, uint32_t version)                                                   \
    X(register_shared_queue, (name, name_size, queue), const uint8_t *name, size_t name_size, uint32_t *queue)     \
    X(resolve_shared_queue, (vm, vm_size, name, name_size, queue), const uint8_t *vm, size_t vm_size,              \
      const uint8_t *name, size_t name_size, uint32_t *queue)                                                      \
    X(enqueue_shared_queue, (queue, value, value_size), uint32_t queue, const uint8_t *value, size_t value_size)   \
    X(dequeue_shared_queue, (queue, value, value_size), uint32_t queue, uint8_t **value, size_t *value_size)       \
    /* Metrics */                                                                                                  \
    X(define_metric, (type, name, name_size, metric), uint32_t type, const uint8_t *name, size_t name_size,        \
      uint32_t *metric)                                                                                            \
    X(increment_metric, (metric, offset), uint32_t metric, int64_t offset)                                         \
    X(record_metric, (metric, value), uint32_t metric, uint64_t value)                                             \
    X(get_metric, (metric, value), uint32_t metric, uint64_t *value)                                               \
    /* Calls */                                                                                                    \
    X(http_call,                                                                                                   \
      (cluster, cluster_size, headers, headers_size, body, body_size, trailers, trailers_size, timeout, token),    \
      const uint8_t *cluster, size_t cluster_size, const uint8_t *headers, size_t headers_size,                    \
      const uint8_t *body, size_t body_size, const uint8_t *trailers, size_t trailers_size, uint32_t timeout,      \
      uint32_t *token)                                                                                             \
    X(grpc_call,                                                                                                   \
      (service, service_size, name, name_size, method, method_size, metadata, metadata_size, message,              \
       message_size, timeout, token),                                                                              \
      const uint8_t *service, size_t service_size, const uint8_t *name, size_t name_size, const uint8_t *method,   \
      size_t method_size, const uint8_t *metadata, size_t metadata_size, const uint8_t *message,                   \
      size_t message_size, uint32_t timeout, uint32_t *token)                                                      \
    X(grpc_stream,                                                                                                 \
      (service, service_size, name, name_size, method, method_size, metadata, metadata_size, token),               \
      const uint8_t *service, size_t service_size, const uint8_t *name, size_t name_size, const uint8_t *method,   \
      size_t method_size, const uint8_t *metadata, size_t metadata_size, uint32_t *token)                          \
    X(grpc_send, (token, message, message_size, end_of_stream), uint32_t token, const uint8_t *message,            \
      size_t message_size, uint32_t end_of_stream)                                                                 \
    X(grpc_cancel, (token), uint32_t token)                                                                        \
    X(grpc_close, (token), uint32_t token)                                                                         \
    X(call_foreign_function, (name, name_size, arguments, arguments_size, result, result_size),                    \
      const uint8_t *name, size_t name_size, const uint8_t *arguments, size_t arguments_size, uint8_t **result,    \
      size_t *result_size)

#if defined(__wasm__)
#define PROXY_WASM_IMPORT(name) __attribute__((import_module("env"), import_name("proxy_" #name)))
#else
#define PROXY_WASM_IMPORT(name)
#endif

#define PROXY_WASM_DECLARE(name, arguments, ...)                                                                   \
    PROXY_WASM_IMPORT(name) proxy_wasm_status proxy_##name(__VA_ARGS__);
PROXY_WASM_HOST_FUNCTIONS(PROXY_WASM_DECLARE)
#undef PROXY_WASM_DECLARE
/// The one without parameters, which the list has no form for.
PROXY_WASM_IMPORT(done) proxy_wasm_status proxy_done(void);

/// Not of the ABI but of Envoy: asks for the addresses of a host name.
#if defined(__wasm__)
__attribute__((import_module("env"), import_name("envoy_resolve_dns")))
#endif
proxy_wasm_status envoy_resolve_dns(const uint8_t *name, size_t name_size, uint32_t *token);

/// Memory of the module. A host obtains the buffers it hands over from the same place, so that one function frees both.
void *proxy_wasm_allocate(size_t size);

/// As `realloc`.
void *proxy_wasm_reallocate(void *buffer, size_t size);

/// As `free`.
void proxy_wasm_free(void *buffer);

/// What tells one build of a module from another: twelve hexadecimal digits that `wasme build` writes into the finished
/// module, or "unstamped".
const uint8_t *proxy_wasm_build_id(size_t *size);

#if !defined(__wasm__)

/// Every host function by a number, for a host that is asked before each call.
enum proxy_wasm_function {
#define PROXY_WASM_NUMBER(name, arguments, ...) PROXY_WASM_FUNCTION_##name,
    PROXY_WASM_HOST_FUNCTIONS(PROXY_WASM_NUMBER)
#undef PROXY_WASM_NUMBER
    PROXY_WASM_FUNCTION_done,
    PROXY_WASM_FUNCTION_resolve_dns
};

/// Counts the buffers of one module that are not freed yet.
struct proxy_wasm_ledger;

/// A stand-in for the proxy: `self` is passed first to every function; a null function answers "unimplemented".
struct proxy_wasm_host {
    void *self;
    /// The module that this host has loaded, for the module's own use.
    void *module;
    /// Where the buffers of the module are counted, or null.
    struct proxy_wasm_ledger *ledger;
    /// Called before every function; what it answers other than "ok" is the answer. May be null.
    proxy_wasm_status (*before)(void *self, uint32_t function);
#define PROXY_WASM_MEMBER(name, arguments, ...) proxy_wasm_status (*name)(void *self, __VA_ARGS__);
    PROXY_WASM_HOST_FUNCTIONS(PROXY_WASM_MEMBER)
#undef PROXY_WASM_MEMBER
    proxy_wasm_status (*done)(void *self);
    proxy_wasm_status (*resolve_dns)(void *self, const uint8_t *name, size_t name_size, uint32_t *token);
};

/// Installs `host` for the calling thread (null: none) and returns the one that was installed before.
const struct proxy_wasm_host *proxy_wasm_set_host(const struct proxy_wasm_host *host);

/// The host installed for the calling thread, or null.
const struct proxy_wasm_host *proxy_wasm_get_host(void);

/// Whether the calling thread runs code of a module: a host is installed, and none of its functions is under way.
int proxy_wasm_in_module(void);

/// Makes a ledger; it stays until it is closed and all its buffers are freed.
struct proxy_wasm_ledger *proxy_wasm_open_ledger(void);

/// Lets go of a ledger.
void proxy_wasm_close_ledger(struct proxy_wasm_ledger *ledger);

/// How many buffers of the module are not freed yet.
long proxy_wasm_ledger_count(const struct proxy_wasm_ledger *ledger);

/// Obtains a buffer that a host function hands over to the module; it is the module's from now on.
void *proxy_wasm_hand_over(const struct proxy_wasm_host *host, size_t size);

/// How many buffers this thread has allocated and not freed yet.
long proxy_wasm_outstanding(void);

#endif
#endif
