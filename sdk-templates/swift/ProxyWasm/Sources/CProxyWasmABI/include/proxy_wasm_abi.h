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
    X(log, (level, message, size), uint32_t level, const uint8_t *message, size_t size)                            \
    X(get_log_level, (level), uint32_t *level)                                                                     \
    X(get_current_time_nanoseconds, (time), uint64_t *time)                                                        \
    X(set_effective_context, (context), uint32_t context)                                                          \
    X(continue_stream, (stream), uint32_t stream)                                                                  \
    X(get_property, (path, path_size, value, value_size), const uint8_t *path, size_t path_size, uint8_t **value,  \
      size_t *value_size)                                                                                          \
    X(get_buffer_bytes, (buffer, start, length, value, value_size), uint32_t buffer, size_t start, size_t length,  \
      uint8_t **value, size_t *value_size)                                                                         \
    X(get_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,          \
      size_t name_size, uint8_t **value, size_t *value_size)                                                       \
    X(add_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,          \
      size_t name_size, const uint8_t *value, size_t value_size)                                                   \
    X(replace_header_map_value, (map, name, name_size, value, value_size), uint32_t map, const uint8_t *name,      \
      size_t name_size, const uint8_t *value, size_t value_size)                                                   \
    X(remove_header_map_value, (map, name, name_size), uint32_t map, const uint8_t *name, size_t name_size)        \
    X(get_header_map_pairs, (map, pairs, size), uint32_t map, uint8_t **pairs, size_t *size)                       \
    X(set_header_map_pairs, (map, pairs, size), uint32_t map, const uint8_t *pairs, size_t size)                   \
    X(send_local_response, (status, details, details_size, body, body_size, headers, headers_size, grpc_status),   \
      uint32_t status, const uint8_t *details, size_t details_size, const uint8_t *body, size_t body_size,         \
      const uint8_t *headers, size_t headers_size, int32_t grpc_status)                                            \
    X(define_metric, (type, name, name_size, metric), uint32_t type, const uint8_t *name, size_t name_size,        \
      uint32_t *metric)                                                                                            \
    X(increment_metric, (metric, offset), uint32_t metric, int64_t offset)                                         \
    X(record_metric, (metric, value), uint32_t metric, uint64_t value)                                             \
    X(get_metric, (metric, value), uint32_t metric, uint64_t *value)

#if defined(__wasm__)
#define PROXY_WASM_IMPORT(name) __attribute__((import_module("env"), import_name("proxy_" #name)))
#else
#define PROXY_WASM_IMPORT(name)
#endif

#define PROXY_WASM_DECLARE(name, arguments, ...)                                                                   \
    PROXY_WASM_IMPORT(name) proxy_wasm_status proxy_##name(__VA_ARGS__);
PROXY_WASM_HOST_FUNCTIONS(PROXY_WASM_DECLARE)
#undef PROXY_WASM_DECLARE

/// Gives back a buffer that the host handed over; the host obtained it from this module's `malloc`.
void proxy_wasm_free(void *buffer);

#if !defined(__wasm__)

/// A stand-in for the proxy: `self` is passed first to every function; a null function answers "unimplemented".
struct proxy_wasm_host {
    void *self;
#define PROXY_WASM_MEMBER(name, arguments, ...) proxy_wasm_status (*name)(void *self, __VA_ARGS__);
    PROXY_WASM_HOST_FUNCTIONS(PROXY_WASM_MEMBER)
#undef PROXY_WASM_MEMBER
};

/// Installs `host` for the calling thread (null: none) and returns the one that was installed before.
const struct proxy_wasm_host *proxy_wasm_set_host(const struct proxy_wasm_host *host);

/// A buffer for the module to free, as a host would obtain it from the module's `malloc`.
void *proxy_wasm_allocate(size_t size);

/// How many buffers of `proxy_wasm_allocate` this thread has not freed yet.
long proxy_wasm_outstanding(void);

#endif
#endif
