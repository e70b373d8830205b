// SPDX-License-Identifier: Apache-2.0
//
// What a filter itself does for a request, without the host: linked to a filter, it answers in the host's place and
// goes through the life of many requests in one callback. Divided by their number, the cost of that callback is the
// filter's own share, to a few nanoseconds.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define REQUESTS 20000
/// The first context of a VM is that of the plugin.
#define ROOT 1

__attribute__((weak)) void proxy_on_context_create(uint32_t id, uint32_t parent);
__attribute__((weak)) void proxy_on_delete(uint32_t id);
uint32_t proxy_on_response_headers(uint32_t id, uint32_t count, uint32_t end);

static volatile uint32_t seen;

uint32_t proxy_replace_header_map_value(
    uint32_t map, const char *name, size_t name_size, const char *value, size_t value_size) {
    seen += name_size + value_size;
    return 0;
}

/// The filters that are measured have no callback for requests.
EXPORT(proxy_on_request_headers) uint32_t requests(uint32_t id, uint32_t count, uint32_t end) {
    for (uint32_t number = 0; number < REQUESTS; number++) {
        uint32_t context = 100000 + number;
        if (proxy_on_context_create) {
            proxy_on_context_create(context, ROOT);
        }
        proxy_on_response_headers(context, count, end);
        if (proxy_on_delete) {
            proxy_on_delete(context);
        }
    }
    return 0;
}
