// SPDX-License-Identifier: Apache-2.0
//
// Natively the host functions forward to the emulator installed on this thread, and every buffer carries a note of the
// module it belongs to, so that an emulator can say what its module has not freed.

#include "proxy_wasm_abi.h"

#if !defined(__wasm__)

#include <stdatomic.h>
#include <stdlib.h>

static _Thread_local const struct proxy_wasm_host *current_host;
/// How many host functions are under way on this thread.
static _Thread_local int host_depth;

const struct proxy_wasm_host *proxy_wasm_set_host(const struct proxy_wasm_host *host) {
    const struct proxy_wasm_host *previous = current_host;
    current_host = host;
    return previous;
}

const struct proxy_wasm_host *proxy_wasm_get_host(void) {
    return current_host;
}

int proxy_wasm_in_module(void) {
    return current_host != NULL && host_depth == 0;
}

struct proxy_wasm_ledger {
    atomic_long buffers;
    /// One for each buffer, and one until it is closed.
    atomic_long references;
};

struct proxy_wasm_ledger *proxy_wasm_open_ledger(void) {
    struct proxy_wasm_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger != NULL) {
        ledger->references = 1;
    }
    return ledger;
}

void proxy_wasm_close_ledger(struct proxy_wasm_ledger *ledger) {
    if (ledger != NULL && --ledger->references == 0) {
        free(ledger);
    }
}

long proxy_wasm_ledger_count(const struct proxy_wasm_ledger *ledger) {
    return ledger == NULL ? 0 : ledger->buffers;
}

/// Stands before every buffer; as long as the strictest alignment.
struct note {
    _Alignas(16) struct proxy_wasm_ledger *ledger;
};

static _Thread_local long outstanding;

static void *allocate(struct proxy_wasm_ledger *ledger, size_t size) {
    struct note *note = malloc(sizeof *note + (size == 0 ? 1 : size));
    if (note == NULL) {
        return NULL;
    }
    note->ledger = ledger;
    if (ledger != NULL) {
        ledger->buffers++;
        ledger->references++;
    }
    outstanding++;
    return note + 1;
}

void *proxy_wasm_allocate(size_t size) {
    return allocate(proxy_wasm_in_module() ? current_host->ledger : NULL, size);
}

void *proxy_wasm_hand_over(const struct proxy_wasm_host *host, size_t size) {
    return allocate(host->ledger, size);
}

void *proxy_wasm_reallocate(void *buffer, size_t size) {
    if (buffer == NULL) {
        return proxy_wasm_allocate(size);
    }
    struct note *note = realloc((struct note *)buffer - 1, sizeof *note + (size == 0 ? 1 : size));
    return note == NULL ? NULL : note + 1;
}

void proxy_wasm_free(void *buffer) {
    if (buffer == NULL) {
        return;
    }
    struct note *note = (struct note *)buffer - 1;
    if (note->ledger != NULL) {
        note->ledger->buffers--;
        proxy_wasm_close_ledger(note->ledger);
    }
    outstanding--;
    free(note);
}

long proxy_wasm_outstanding(void) {
    return outstanding;
}

#define UNWRAP(...) __VA_ARGS__
#define FORWARD(name, call)                                                                                        \
    const struct proxy_wasm_host *host = current_host;                                                             \
    if (host == NULL) {                                                                                            \
        return PROXY_WASM_STATUS_UNIMPLEMENTED;                                                                    \
    }                                                                                                              \
    host_depth++;                                                                                                  \
    proxy_wasm_status answer =                                                                                     \
        host->before == NULL ? PROXY_WASM_STATUS_OK : host->before(host->self, PROXY_WASM_FUNCTION_##name);        \
    if (answer == PROXY_WASM_STATUS_OK) {                                                                          \
        answer = host->name == NULL ? PROXY_WASM_STATUS_UNIMPLEMENTED : call;                                      \
    }                                                                                                              \
    host_depth--;                                                                                                  \
    return answer;

#define DEFINE(name, arguments, ...)                                                                               \
    proxy_wasm_status proxy_##name(__VA_ARGS__) {                                                                  \
        FORWARD(name, host->name(host->self, UNWRAP arguments))                                                    \
    }
PROXY_WASM_HOST_FUNCTIONS(DEFINE)

proxy_wasm_status proxy_done(void) {
    FORWARD(done, host->done(host->self))
}

proxy_wasm_status envoy_resolve_dns(const uint8_t *name, size_t name_size, uint32_t *token) {
    FORWARD(resolve_dns, host->resolve_dns(host->self, name, name_size, token))
}

#endif
