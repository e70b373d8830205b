// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that a module exports only if its filters handle them, Proxy-Wasm ABI 0.2.1, "Callbacks".
//
// A host calls every callback that is exported, and each call into a module costs it about a microsecond; a callback
// that nobody handles is better left out. The functions here are inline, so they become part of a module only where
// Swift code refers to one: `proxy_wasm_export_on_…()` is that reference. Each forwards to the Swift function
// `proxy_wasm_on_…`. Only Swift sees this header, as it does the rest by Clang's means: no C file may define them.

#ifndef PROXY_WASM_EXPORTS_H
#define PROXY_WASM_EXPORTS_H

#include <stdint.h>

#if defined(__wasm__) && defined(__swift__)

#define PROXY_WASM_EXPORT_AS(export, result, name, parameters, arguments)                                          \
    extern result proxy_wasm_##name parameters;                                                                    \
    __attribute__((weak, export_name(#export))) inline result export parameters {                                  \
        return proxy_wasm_##name arguments;                                                                        \
    }                                                                                                              \
    static inline void proxy_wasm_export_##name(void) { __asm__ volatile("" : : "r"(&export)); }
#define PROXY_WASM_EXPORT(result, name, parameters, arguments)                                                     \
    PROXY_WASM_EXPORT_AS(proxy_##name, result, name, parameters, arguments)

PROXY_WASM_EXPORT(uint32_t, on_configure, (uint32_t root, uint32_t size), (root, size))
PROXY_WASM_EXPORT(void, on_context_create, (uint32_t id, uint32_t parent), (id, parent))
PROXY_WASM_EXPORT(void, on_delete, (uint32_t id), (id))

PROXY_WASM_EXPORT(uint32_t, on_vm_start, (uint32_t root, uint32_t size), (root, size))
PROXY_WASM_EXPORT(void, on_tick, (uint32_t root), (root))
PROXY_WASM_EXPORT(void, on_queue_ready, (uint32_t root, uint32_t queue), (root, queue))
PROXY_WASM_EXPORT(void, on_foreign_function, (uint32_t root, uint32_t function, uint32_t size), (root, function, size))
PROXY_WASM_EXPORT(uint32_t, on_done, (uint32_t id), (id))
PROXY_WASM_EXPORT(void, on_log, (uint32_t id), (id))

PROXY_WASM_EXPORT(uint32_t, on_request_headers, (uint32_t id, uint32_t count, uint32_t end), (id, count, end))
PROXY_WASM_EXPORT(uint32_t, on_request_body, (uint32_t id, uint32_t size, uint32_t end), (id, size, end))
PROXY_WASM_EXPORT(uint32_t, on_request_trailers, (uint32_t id, uint32_t count), (id, count))
PROXY_WASM_EXPORT(uint32_t, on_request_metadata, (uint32_t id, uint32_t count), (id, count))
PROXY_WASM_EXPORT(uint32_t, on_response_headers, (uint32_t id, uint32_t count, uint32_t end), (id, count, end))
PROXY_WASM_EXPORT(uint32_t, on_response_body, (uint32_t id, uint32_t size, uint32_t end), (id, size, end))
PROXY_WASM_EXPORT(uint32_t, on_response_trailers, (uint32_t id, uint32_t count), (id, count))
PROXY_WASM_EXPORT(uint32_t, on_response_metadata, (uint32_t id, uint32_t count), (id, count))

PROXY_WASM_EXPORT(uint32_t, on_new_connection, (uint32_t id), (id))
PROXY_WASM_EXPORT(uint32_t, on_downstream_data, (uint32_t id, uint32_t size, uint32_t end), (id, size, end))
PROXY_WASM_EXPORT(uint32_t, on_upstream_data, (uint32_t id, uint32_t size, uint32_t end), (id, size, end))
PROXY_WASM_EXPORT(void, on_downstream_connection_close, (uint32_t id, uint32_t peer), (id, peer))
PROXY_WASM_EXPORT(void, on_upstream_connection_close, (uint32_t id, uint32_t peer), (id, peer))

PROXY_WASM_EXPORT(void, on_http_call_response,
                  (uint32_t id, uint32_t token, uint32_t headers, uint32_t body, uint32_t trailers),
                  (id, token, headers, body, trailers))
PROXY_WASM_EXPORT(void, on_grpc_receive_initial_metadata, (uint32_t id, uint32_t token, uint32_t count),
                  (id, token, count))
PROXY_WASM_EXPORT(void, on_grpc_receive, (uint32_t id, uint32_t token, uint32_t size), (id, token, size))
PROXY_WASM_EXPORT(void, on_grpc_receive_trailing_metadata, (uint32_t id, uint32_t token, uint32_t count),
                  (id, token, count))
PROXY_WASM_EXPORT(void, on_grpc_close, (uint32_t id, uint32_t token, uint32_t status), (id, token, status))

// Not of the ABI but of Envoy.
PROXY_WASM_EXPORT_AS(envoy_on_resolve_dns, void, on_resolve_dns, (uint32_t id, uint32_t token, uint32_t size),
                     (id, token, size))
PROXY_WASM_EXPORT_AS(envoy_on_stats_update, void, on_stats_update, (uint32_t root, uint32_t size), (root, size))

// The same names for a filter without state: there is one Swift function behind them, which is told the callback by its
// number, as in `StatelessCallback`.
extern uint32_t proxy_wasm_stateless(uint32_t callback, uint32_t id, uint32_t count, uint32_t end);

#define PROXY_WASM_EXPORT_STATELESS(number, result, name, parameters, count, end)                                  \
    __attribute__((weak, export_name("proxy_" #name))) inline result proxy_wasm_stateless_##name parameters {      \
        return (result)proxy_wasm_stateless(number, id, count, end);                                               \
    }                                                                                                              \
    static inline void proxy_wasm_export_stateless_##name(void) {                                                  \
        __asm__ volatile("" : : "r"(&proxy_wasm_stateless_##name));                                                \
    }

PROXY_WASM_EXPORT_STATELESS(0, uint32_t, on_request_headers, (uint32_t id, uint32_t count, uint32_t end), count, end)
PROXY_WASM_EXPORT_STATELESS(1, uint32_t, on_request_body, (uint32_t id, uint32_t count, uint32_t end), count, end)
PROXY_WASM_EXPORT_STATELESS(2, uint32_t, on_request_trailers, (uint32_t id, uint32_t count), count, 1)
PROXY_WASM_EXPORT_STATELESS(3, uint32_t, on_response_headers, (uint32_t id, uint32_t count, uint32_t end), count, end)
PROXY_WASM_EXPORT_STATELESS(4, uint32_t, on_response_body, (uint32_t id, uint32_t count, uint32_t end), count, end)
PROXY_WASM_EXPORT_STATELESS(5, uint32_t, on_response_trailers, (uint32_t id, uint32_t count), count, 1)
PROXY_WASM_EXPORT_STATELESS(6, void, on_log, (uint32_t id), 0, 1)

#endif
#endif
