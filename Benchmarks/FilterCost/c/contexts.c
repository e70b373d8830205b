// SPDX-License-Identifier: Apache-2.0
//
// As filter.c, and as an SDK does it: an instance for each request, made when it begins and released when it ends.

#include "proxy_wasm.h"

struct instance {
    uint32_t id;
    struct instance *next;
};

static struct instance *live[16], *unused;

EXPORT(proxy_on_context_create) void proxy_on_context_create(uint32_t id, uint32_t parent) {
    struct instance *instance = unused;
    if (instance != NULL) {
        unused = instance->next;
    } else if ((instance = malloc(sizeof *instance)) == NULL) {
        return;
    }
    instance->id = id;
    instance->next = live[id % 16];
    live[id % 16] = instance;
}

EXPORT(proxy_on_response_headers)
uint32_t proxy_on_response_headers(uint32_t id, uint32_t count, uint32_t end) {
    struct instance *instance = live[id % 16];
    while (instance != NULL && instance->id != id) {
        instance = instance->next;
    }
    if (instance != NULL) {
        proxy_replace_header_map_value(RESPONSE_HEADERS, "hello", 5, "world", 5);
    }
    return CONTINUE;
}

EXPORT(proxy_on_delete) void proxy_on_delete(uint32_t id) {
    for (struct instance **link = &live[id % 16]; *link != NULL; link = &(*link)->next) {
        struct instance *instance = *link;
        if (instance->id == id) {
            *link = instance->next;
            instance->next = unused;
            unused = instance;
            return;
        }
    }
}
