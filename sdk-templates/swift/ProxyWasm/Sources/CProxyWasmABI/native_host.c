// SPDX-License-Identifier: Apache-2.0
//
// Natively the host functions forward to the emulator installed on this thread.

#include "proxy_wasm_abi.h"

#if !defined(__wasm__)

#include <stdlib.h>

static _Thread_local const struct proxy_wasm_host *current_host;

const struct proxy_wasm_host *proxy_wasm_set_host(const struct proxy_wasm_host *host) {
    const struct proxy_wasm_host *previous = current_host;
    current_host = host;
    return previous;
}

const struct proxy_wasm_host *proxy_wasm_get_host(void) {
    return current_host;
}

static _Thread_local long outstanding;

void *proxy_wasm_allocate(size_t size) {
    void *buffer = malloc(size == 0 ? 1 : size);
    if (buffer != NULL) {
        outstanding++;
    }
    return buffer;
}

void *proxy_wasm_reallocate(void *buffer, size_t size) {
    if (buffer == NULL) {
        return proxy_wasm_allocate(size);
    }
    return realloc(buffer, size == 0 ? 1 : size);
}

void proxy_wasm_free(void *buffer) {
    if (buffer != NULL) {
        outstanding--;
    }
    free(buffer);
}

long proxy_wasm_outstanding(void) {
    return outstanding;
}

#define UNWRAP(...) __VA_ARGS__
#define DEFINE(name, arguments, ...)                                                                               \
    proxy_wasm_status proxy_##name(__VA_ARGS__) {                                                                  \
        const struct proxy_wasm_host *host = current_host;                                                         \
        if (host == NULL || host->name == NULL) {                                                                  \
            return PROXY_WASM_STATUS_UNIMPLEMENTED;                                                                \
        }                                                                                                          \
        return host->name(host->self, UNWRAP arguments);                                                           \
    }
PROXY_WASM_HOST_FUNCTIONS(DEFINE)

proxy_wasm_status proxy_done(void) {
    const struct proxy_wasm_host *host = current_host;
    return host == NULL || host->done == NULL ? PROXY_WASM_STATUS_UNIMPLEMENTED : host->done(host->self);
}

proxy_wasm_status envoy_resolve_dns(const uint8_t *name, size_t name_size, uint32_t *token) {
    const struct proxy_wasm_host *host = current_host;
    if (host == NULL || host->resolve_dns == NULL) {
        return PROXY_WASM_STATUS_UNIMPLEMENTED;
    }
    return host->resolve_dns(host->self, name, name_size, token);
}

#endif
